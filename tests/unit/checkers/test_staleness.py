from typing import Any

from harness.checkers import Finding, Staleness, Valid, Verdict
from harness.history import Op
from tests.histories.literal import a_history, an_op, applied, committed, emitted, inserted, started, subscribed

WATCHED = (started(at=0.0), subscribed("reader"))
END = an_op("story", "end", at=60.0)


def published(sequence: int, *, at: float) -> tuple[Op, ...]:
    return emitted(sequence, at=at), inserted(sequence), committed(sequence)


def status(said: str, *, at: float, reader: str = "reader") -> Op:
    return an_op(reader, "status", at=at, process_id="p1", status=said)


def kinds(*ops: Op) -> list[tuple[Any, Any]]:
    found = Staleness().check(a_history(*ops)).findings
    return [(finding.detail["reader"], finding.detail["waited"]) for finding in found]


LIVE = status("live", at=0.5)


def test_a_live_reader_that_lacks_an_event_for_too_long_is_convicted() -> None:
    history = a_history(*WATCHED, LIVE, *published(1, at=1.0), applied("reader", sequence=1, at=7.5), END)

    verdict = Staleness().check(history)

    detail = {
        "reader": "reader",
        "process_id": "p1",
        "event_id": "e1",
        "event_type": "step_update",
        "sequence": 1,
        "committed_at": 1.0,
        "waited_since": 1.0,
        "waited": 6.5,
        "applied_at": 7.5,
    }
    assert verdict == Verdict.invalid(Finding("shown_too_old", (history[5], history[6]), detail))
    assert verdict.looked_at == 1


def test_one_that_has_it_in_time_is_not() -> None:
    history = a_history(*WATCHED, LIVE, *published(1, at=1.0), applied("reader", sequence=1, at=5.9), END)

    assert Staleness().check(history).valid is Valid.YES
    assert Staleness(within=1.0).check(history).valid is Valid.NO


def test_an_event_that_never_comes_is_waited_for_to_the_end() -> None:
    assert kinds(*WATCHED, LIVE, *published(1, at=1.0), END) == [("reader", 59.0)]


def test_time_in_which_it_says_that_it_is_not_live_does_not_count() -> None:
    stale, live = status("stale", at=4.0), status("live", at=20.0)

    assert kinds(*WATCHED, LIVE, *published(1, at=1.0), stale, live, applied("reader", sequence=1, at=24.0), END) == []


def test_saying_so_again_does_not_begin_anew() -> None:
    again = status("live", at=4.0)

    assert kinds(*WATCHED, LIVE, *published(1, at=1.0), again, applied("reader", sequence=1, at=8.0), END) == [
        ("reader", 7.0)
    ]


def test_a_gap_that_is_announced_is_not_shown_as_new() -> None:
    gap = an_op("reader", "gap", at=3.0, process_id="p1", after=0, before=2)

    assert kinds(*WATCHED, LIVE, *published(1, at=1.0), gap, END) == []


def test_what_a_reader_says_after_its_end_does_not_count() -> None:
    view = an_op("reader", "view", at=3.0, process_id="p1")

    assert kinds(*WATCHED, LIVE, *published(1, at=1.0), view, status("live", at=4.0), END) == []


def test_what_it_had_before_it_was_live_is_not_looked_at() -> None:
    had = applied("reader", sequence=1, at=1.1)

    assert Staleness().check(a_history(*WATCHED, *published(1, at=1.0), had, status("live", at=2.0), END)).valid is (
        Valid.UNKNOWN
    )


def test_readers_are_judged_apart() -> None:
    other = [subscribed("other"), status("live", at=0.5, reader="other")]
    had = applied("other", sequence=1, at=1.1)

    assert kinds(*WATCHED, *other, LIVE, *published(1, at=1.0), had, END) == [("reader", 59.0)]


def test_a_run_that_is_cut_short_is_judged_as_far_as_it_goes() -> None:
    step = an_op("story", "step", type="invoke", step="WaitFor")

    assert kinds(*WATCHED, LIVE, step, *published(1, at=1.0), an_op("story", "end", at=5.0)) == []


def test_an_event_that_was_replaced_is_not_waited_for() -> None:
    replaced = an_op("app", "debounce", process_id="p1", event_id="e1", outcome="replaced", into="e2")
    ops = [emitted(1, at=1.0, delivery_class="latest"), replaced, *published(2, at=1.1)]

    assert kinds(*WATCHED, LIVE, *ops, applied("reader", sequence=2, at=1.2), END) == []


def test_a_history_in_which_nobody_was_live_is_unknown() -> None:
    assert Staleness().check(a_history(*WATCHED, *published(1, at=1.0), END)).valid is Valid.UNKNOWN
