from dataclasses import replace
from typing import Any

import pytest

from harness.checkers import Finding, Valid, Verdict, Workflow
from harness.history import Op, Value
from tests.histories.literal import a_history, an_op, applied, emitted, subscribed

STORY = ("process_created", "step_update", "user_input_required", "user_input_received", "process_completed")


def said(*types: str) -> list[Op]:
    return [emitted(number, event_type=event_type) for number, event_type in enumerate(types, start=1)]


def read(*sequences: int, reader: str = "reader") -> list[Op]:
    return [applied(reader, sequence=sequence) for sequence in sequences]


def error(sequence: int, *, kind: str | None) -> Op:
    op = emitted(sequence, event_type="process_error")
    return op if kind is None else replace(op, value=Value({**op.value, "error_type": kind}))


def kinds(*ops: Op) -> list[tuple[str, str, Any]]:
    found = Workflow().check(a_history(*ops)).findings
    return [(finding.what, finding.detail["reader"], finding.detail["event_type"]) for finding in found]


def test_what_the_automaton_does_not_allow_is_convicted() -> None:
    history = a_history(*said("process_created", "process_paused", "section_chunk"))

    verdict = Workflow().check(history)

    detail = {
        "reader": "",
        "process_id": "p1",
        "event_id": "e3",
        "event_type": "section_chunk",
        "sequence": None,
        "phase": "paused",
    }
    assert verdict == Verdict.invalid(Finding("not_allowed", history[1:3], detail))
    assert verdict.looked_at == 3


def test_what_it_allows_is_right() -> None:
    assert Workflow().check(a_history(*said(*STORY), *read(1, 2, 3, 4, 5))).valid is Valid.YES


@pytest.mark.parametrize("event_type", ["heartbeat", "section_chunk"])
def test_nothing_may_follow_a_terminal_event(event_type: str) -> None:
    assert kinds(*said(*STORY, event_type)) == [("after_terminal", "", event_type)]


def test_the_order_in_which_it_was_meant_counts_and_not_that_in_which_it_is_told() -> None:
    first, second = emitted(1, event_type="process_created", intent=2), emitted(2, event_type="step_update", intent=1)

    assert kinds(first, second) == [("not_allowed", "", "step_update"), ("not_allowed", "", "process_created")]
    assert kinds(*reversed(said(*STORY))) == []


def test_a_reader_is_judged_by_what_it_applied() -> None:
    overtaken = read(1, 2, 3, 5, 4)

    assert kinds(*said(*STORY), *overtaken) == [
        ("not_allowed", "reader", "process_completed"),
        ("after_terminal", "reader", "user_input_received"),
    ]


def test_readers_are_judged_apart() -> None:
    assert kinds(*said(*STORY), *read(1, 2, reader="a"), *read(2, 3, reader="b")) == [
        ("not_allowed", "b", "step_update")
    ]


def test_one_thing_wrong_is_told_once() -> None:
    assert kinds(*said(*STORY), *read(1, 2, 4, 5)) == [("not_allowed", "reader", "user_input_received")]


def test_a_gap_that_was_announced_may_hide_what_led_on() -> None:
    gone = an_op("reader", "gap_permanent", process_id="p1", after=2, before=4)
    elsewhere = an_op("reader", "gap_permanent", process_id="p1", after=8, before=10)

    assert kinds(*said(*STORY), *read(1, 2), gone, *read(4, 5)) == []
    assert kinds(*said(*STORY), *read(1, 2), elsewhere, *read(4, 5)) == [
        ("not_allowed", "reader", "user_input_received")
    ]


def test_no_gap_excuses_what_comes_after_the_end() -> None:
    gone = an_op("reader", "gap_permanent", process_id="p1", after=5, before=7)

    assert kinds(*said(*STORY), *read(1, 2, 3, 4, 5), gone, *read(7)) == [("after_terminal", "reader", "step_update")]


def test_an_event_that_was_replaced_is_not_missed() -> None:
    story = said("process_created", "step_update", "research_progress", "research_progress", "step_completed")

    assert kinds(*story, *read(1, 2, 4, 5)) == []


def test_a_page_that_is_mounted_anew_goes_on_or_begins_anew() -> None:
    mount = an_op("reader", "remount", process_id="p1")

    assert kinds(*said(*STORY), subscribed("reader"), *read(1, 2), mount, *read(3, 4)) == []
    assert kinds(*said(*STORY), subscribed("reader"), *read(1, 2), mount, *read(1, 2, 3)) == []


def test_the_type_that_was_meant_counts_whatever_is_published() -> None:
    assert kinds(emitted(1, event_type="process_created"), *read(1)) == []


def test_a_type_that_nobody_knows_is_not_allowed() -> None:
    assert kinds(*said("process_created", "generic_event")) == [("not_allowed", "", "generic_event")]


def test_only_an_unrecoverable_error_is_the_end() -> None:
    more = emitted(3, event_type="step_update")

    assert kinds(*said("process_created"), error(2, kind="recoverable"), more) == []
    assert kinds(*said("process_created"), error(2, kind="unrecoverable"), more) == [
        ("after_terminal", "", "step_update")
    ]


def test_after_an_error_of_a_kind_that_is_not_told_nothing_is_judged() -> None:
    assert kinds(*said("process_created"), error(2, kind=None), emitted(3, event_type="process_created")) == []


def test_processes_are_judged_apart() -> None:
    other = emitted(7, event_type="process_created", intent=1, process="p2")

    assert kinds(*said("process_created", "step_update"), other) == []


def test_an_event_that_is_told_twice_counts_once() -> None:
    assert kinds(*said("process_created"), *said("process_created")) == []


def test_an_empty_history_is_unknown() -> None:
    assert Workflow().check(a_history(subscribed("reader"))).valid is Valid.UNKNOWN
