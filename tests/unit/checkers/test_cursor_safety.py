from typing import Any

from harness.checkers import CursorSafety, Finding, Valid, Verdict
from harness.history import Op
from harness.history.op import Type
from tests.histories.literal import a_history, an_op, applied, committed, inserted


def kinds(*ops: Op) -> list[tuple[Any, Any]]:
    """Reader and sequence of each finding."""
    found = CursorSafety().check(a_history(*ops)).findings
    return [(finding.detail["reader"], finding.detail["sequence"]) for finding in found]


def fetch(since: int, *, type: Type = "invoke", **more: Any) -> Op:
    return an_op("reader", "fetch", type=type, process_id="p1", since=since, **more)


def test_a_cursor_beyond_an_event_that_is_committed_later_is_convicted() -> None:
    history = a_history(committed(2), applied("reader", sequence=2), committed(1))

    verdict = CursorSafety().check(history)

    detail = {
        "reader": "reader",
        "process_id": "p1",
        "event_id": "e1",
        "event_type": "step_update",
        "sequence": 1,
        "cursor": 2,
        "committed_by_then": False,
    }
    assert verdict == Verdict.invalid(Finding("cursor_passed", (history[1], history[2]), detail))
    assert verdict.looked_at == 1


def test_a_cursor_beyond_an_event_that_was_not_seen_is_convicted_once() -> None:
    ops = [committed(1), committed(2), committed(3), applied("reader", sequence=2), applied("reader", sequence=3)]

    assert kinds(*ops) == [("reader", 1)]


def test_a_fetch_that_asks_behind_an_event_that_was_not_seen_is_convicted() -> None:
    assert kinds(committed(1), committed(2), fetch(1)) == [("reader", 1)]


def test_a_cursor_that_follows_the_applied_prefix_is_safe() -> None:
    ops = [committed(1), committed(2), applied("reader", sequence=1), applied("reader", sequence=2), fetch(2)]

    assert kinds(*ops) == []


def test_a_number_that_is_never_committed_may_be_passed() -> None:
    assert kinds(committed(1), committed(3), applied("reader", sequence=1), applied("reader", sequence=3)) == []


def test_an_event_that_was_announced_as_gone_may_be_passed() -> None:
    gone = an_op("reader", "gap_permanent", process_id="p1", after=0, before=2)

    assert kinds(committed(1), committed(2), gone, applied("reader", sequence=2)) == []


def test_a_gap_that_is_still_asked_for_may_not() -> None:
    seen = an_op("reader", "gap", process_id="p1", after=0, before=2)

    assert kinds(committed(1), committed(2), seen, applied("reader", sequence=2)) == [("reader", 1)]


def test_a_fetch_that_goes_on_with_the_next_page_is_no_cursor() -> None:
    pages = [fetch(0), fetch(0, type="ok", events=2, complete=False), fetch(3)]

    assert kinds(committed(1), committed(3), *pages) == []


def test_the_question_after_the_last_page_is_one() -> None:
    pages = [fetch(0), fetch(0, type="ok", events=2, complete=True), fetch(3)]

    assert kinds(committed(1), committed(3), *pages) == [("reader", 1), ("reader", 3)]


def test_readers_and_processes_are_judged_apart() -> None:
    ops = [committed(1), committed(1, process="p2"), committed(2)]

    assert kinds(*ops, applied("a", sequence=1), applied("a", sequence=2), applied("b", sequence=2)) == [("b", 1)]


def test_without_a_witness_the_inserts_answer_is_the_commit() -> None:
    assert kinds(inserted(1), inserted(2), applied("reader", sequence=2)) == [("reader", 1)]


def test_a_history_without_a_cursor_is_unknown() -> None:
    assert CursorSafety().check(a_history(committed(1))).valid is Valid.UNKNOWN
