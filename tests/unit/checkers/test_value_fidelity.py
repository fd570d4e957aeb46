from typing import Any

import pytest

from harness.checkers import Finding, Valid, ValueFidelity, Verdict
from harness.checkers.value_fidelity import same_value
from harness.history import Op
from tests.histories.literal import a_history, an_op, applied, committed, debounced, emitted, row

STATE = {"table": "generated_articles_state", "action": "UPDATE", "process_id": "p1", "last_event_sequence": 7}


def came(record: dict[str, Any], **more: Any) -> Op:
    return an_op("listener", "receive", **{**row(1), "topic": "t", "handlers": [0], "record": record, **more})


def read(record: dict[str, Any], **more: Any) -> Op:
    return an_op("story", "read_back", **{**row(1), "record": record, **more})


def columns(*ops: Op) -> list[Any]:
    return [finding.detail["column"] for finding in ValueFidelity().check(a_history(*ops)).findings]


def test_a_number_that_was_rounded_is_convicted() -> None:
    history = a_history(committed(1), came({"id": "e1", "n": 2**53}), read({"id": "e1", "n": 2**53 + 1}))

    verdict = ValueFidelity().check(history)

    detail = {
        "reader": "listener",
        "process_id": "p1",
        "event_id": "e1",
        "event_type": "step_update",
        "sequence": 1,
        "column": "n",
        "came": 2**53,
        "read_back": 2**53 + 1,
    }
    assert verdict == Verdict.invalid(Finding("value_differs", history[1:3], detail))
    assert verdict.looked_at == 1


def test_the_same_values_are_right() -> None:
    row_of = {"id": "e1", "n": 1, "data": {"a": [1, None], "b": "x"}}

    assert ValueFidelity().check(a_history(came(row_of), read(row_of))).valid is Valid.YES


def test_columns_that_only_one_side_has_are_not_compared() -> None:
    assert columns(came({"n": 1, "more": 2}), read({"n": 1, "other": 3})) == []


def test_rows_are_compared_by_their_keys() -> None:
    assert columns(came({"n": 1}), read({"n": 2}, event_id="e2"), read({"n": 1})) == []
    assert columns(came({"n": 1}, **STATE, event_id=None), read({"n": 2}, **STATE, event_id=None)) == ["n"]


def test_a_row_that_was_changed_since_may_differ() -> None:
    acknowledged = an_op("witness", "commit", **{**row(1), "action": "UPDATE"})

    assert columns(committed(1), came({"n": 1}), acknowledged, read({"n": 2})) == []


def test_a_deleted_row_has_no_values() -> None:
    assert ValueFidelity().check(a_history(came({"n": 1}, action="DELETE"), read({"n": 2}))).valid is Valid.UNKNOWN


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (1, 1.0, True),
        (1, "1", False),
        (1, True, False),
        (None, None, True),
        (None, 0, False),
        (2**53 + 1, float(2**53), False),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        ({"a": None}, {}, False),
        ([1, 2], [2, 1], False),
        ([1], [1, 2], False),
        ("a", "b", False),
        ("2026-11-24T07:45:02.500+00:00", "2026-11-24T07:45:02.5Z", True),
        ("2026-11-24T07:45:02+00:00", "2026-11-24T08:45:02+01:00", True),
        ("2026-11-24T07:45:02.001+00:00", "2026-11-24T07:45:02+00:00", False),
        ("2026-11-24T07:45:02", "2026-11-24 07:45:02", False),
        ("2026-11-24T07:45:02", "2026-11-24T07:45:02Z", False),
    ],
)
def test_values_are_the_same_as_json_and_times_as_instants(one: Any, other: Any, same: bool) -> None:
    assert same_value(one, other) is same
    assert same_value(other, one) is same


def test_an_event_that_was_applied_with_other_data_is_convicted() -> None:
    history = a_history(emitted(1), applied("reader", sequence=1, content="rounded"))

    detail = {"reader": "reader", "process_id": "p1", "event_id": "e1", "event_type": "step_update", "sequence": 1}
    assert ValueFidelity().check(history) == Verdict.invalid(Finding("event_changed", history[0:2], detail))


def test_an_event_into_which_others_were_merged_may_have_other_data() -> None:
    ops = emitted(1), emitted(2), debounced(1, "merged", into=2), applied("reader", sequence=2, content="both")

    assert ValueFidelity().check(a_history(*ops)).valid is Valid.YES


def test_a_history_without_anything_to_compare_is_unknown() -> None:
    assert ValueFidelity().check(a_history(emitted(1), came({"n": 1}))).valid is Valid.UNKNOWN
