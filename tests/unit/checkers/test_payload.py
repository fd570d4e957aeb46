from typing import Any

import pytest

from harness.checkers import Finding, Payload, Valid, Verdict
from harness.history import Op
from harness.history.op import Type
from tests.histories.literal import a_history, an_op, applied, debounced, emitted, row

CUT = ("Error 413: Payload Too Large",)


def received(sequence: int = 1, **more: Any) -> Op:
    return an_op("reader", "receive", **row(sequence), topic="process_events:process_id=eq.p1", **more)


def state(**more: Any) -> Op:
    keys: dict[str, Any] = {
        "table": "generated_articles_state",
        "action": "UPDATE",
        "process_id": "p1",
        "last_event_sequence": 7,
    }
    return an_op("reader", "receive", **keys, topic="process_state:p1", **more)


def told(f: str, *, type: Type = "ok", reader: str = "reader", **value: Any) -> Op:
    return an_op(reader, f, type=type, process_id="p1", **value)


def kinds(*ops: Op) -> list[str]:
    return [finding.what for finding in Payload().check(a_history(*ops)).findings]


def test_an_event_that_is_applied_without_all_of_its_data_is_convicted() -> None:
    history = a_history(emitted(1), applied("reader", sequence=1, content="less"))

    verdict = Payload().check(history)

    detail = {"reader": "reader", "process_id": "p1", "event_id": "e1", "event_type": "step_update", "sequence": 1}
    assert verdict == Verdict.invalid(Finding("truncated", history[0:2], detail))
    assert verdict.looked_at == 1


def test_an_event_into_which_others_were_merged_may_have_other_data() -> None:
    ops = emitted(1), emitted(2), debounced(1, "merged", into=2), applied("reader", sequence=2, content="both")

    assert kinds(*ops) == []


@pytest.mark.parametrize("part", [{"missing": ["event_data"]}, {"errors": list(CUT)}])
def test_a_part_that_nobody_misses_is_convicted(part: dict[str, Any]) -> None:
    history = a_history(emitted(1), received(**part))

    detail = {
        "reader": "reader",
        "process_id": "p1",
        "event_id": "e1",
        "event_type": "step_update",
        "sequence": 1,
        "table": "process_events",
        "missing": part.get("missing", []),
        "errors": part.get("errors", []),
    }
    assert Payload().check(history) == Verdict.invalid(Finding("part_missing", (history[1],), detail))


def test_a_whole_row_is_no_finding() -> None:
    assert Payload().check(a_history(emitted(1), received(), applied("reader", sequence=1))).valid is Valid.YES


@pytest.mark.parametrize(
    "notice",
    [
        told("gap", after=0, before=2),
        told("gap_permanent", after=0, before=2),
        told("fetch", type="invoke", since=0),
        applied("reader", sequence=1, via="fetch"),
    ],
    ids=["announced", "gone", "asked for", "whole in another way"],
)
def test_a_part_that_is_noticed_is_no_finding(notice: Op) -> None:
    assert kinds(emitted(1), received(errors=CUT), notice) == []


@pytest.mark.parametrize(
    "other",
    [
        told("gap", after=1, before=3),
        told("fetch", type="invoke", since=1),
        told("fetch", since=0, events=1),
        told("gap", reader="another", after=0, before=2),
        applied("another", sequence=1),
    ],
    ids=["another gap", "behind it", "an old answer", "another's gap", "another's event"],
)
def test_what_tells_of_something_else_is_no_notice(other: Op) -> None:
    assert kinds(emitted(1), received(errors=CUT), other) == ["part_missing"]


def test_a_row_that_lost_its_keys_is_noticed_by_any_question() -> None:
    cut = an_op("reader", "receive", table="process_events", action="INSERT", topic="t", errors=CUT)

    assert kinds(cut) == ["part_missing"]
    assert kinds(cut, told("fetch", type="invoke", since=9)) == []


def test_a_state_row_in_part_must_be_refused() -> None:
    cut = state(missing=["article_context"])

    assert kinds(cut, told("snapshot", last_event_sequence=7, taken=True)) == ["shown_in_part"]
    assert kinds(cut, told("snapshot", last_event_sequence=7, taken=False)) == []
    assert kinds(cut, told("snapshot", type="fail", taken=False)) == []
    assert kinds(told("snapshot", last_event_sequence=6, taken=False), cut) == ["part_missing"]


def test_a_client_that_just_listens_notices_nothing() -> None:
    assert kinds(received(errors=CUT, handlers=[0], record={})) == ["part_missing"]


def test_a_history_in_which_nothing_came_is_unknown() -> None:
    assert Payload().check(a_history(emitted(1))).valid is Valid.UNKNOWN
