from typing import Any

import pytest

from harness.checkers import Finding, Readiness, Valid, Verdict
from harness.history import Op
from tests.histories.literal import a_history, an_op, applied, committed, emitted, inserted, started, subscribed, view

TOPIC = "process_events:process_id=eq.p1"
WATCHED = (started(at=0.0), subscribed("reader"))


def published(sequence: int, *, at: float) -> tuple[Op, ...]:
    return emitted(sequence, at=at), inserted(sequence), committed(sequence)


def told(f: str, *, at: float, reader: str = "reader", **value: Any) -> Op:
    return an_op(reader, f, at=at, topic=TOPIC, **value)


def status(said: str, *, at: float) -> Op:
    return an_op("reader", "status", at=at, process_id="p1", status=said)


JOINED, READY, END = told("join", at=1.0), told("ready", at=3.0), an_op("story", "end", at=60.0)


def lost(*ops: Op) -> list[Any]:
    return [finding.detail["sequence"] for finding in Readiness().check(a_history(*ops)).findings]


def test_an_event_lost_between_join_and_ready_is_convicted() -> None:
    history = a_history(*WATCHED, JOINED, *published(1, at=2.0), READY, *published(2, at=4.0), END)

    verdict = Readiness().check(history)

    detail = {
        "reader": "reader",
        "process_id": "p1",
        "event_id": "e1",
        "event_type": "step_update",
        "sequence": 1,
        "topic": TOPIC,
        "joined_at": 1.0,
        "committed_at": 2.0,
        "ready_at": 3.0,
    }
    assert verdict == Verdict.invalid(Finding("lost_before_ready", (history[2], history[5], history[6]), detail))
    assert verdict.looked_at == 1


def test_one_that_is_fetched_is_not_lost() -> None:
    fetched = applied("reader", sequence=1, via="fetch", at=3.5)

    verdict = Readiness().check(a_history(*WATCHED, JOINED, *published(1, at=2.0), READY, fetched, END))

    assert verdict.valid is Valid.YES


def test_one_whose_loss_was_announced_is_no_finding() -> None:
    gap = an_op("reader", "gap_permanent", at=4.0, process_id="p1", after=0, before=2)

    assert lost(*WATCHED, JOINED, *published(1, at=2.0), READY, gap, END) == []


def test_a_client_that_believes_the_join_reply_is_judged_while_it_says_so() -> None:
    believed = [JOINED, status("live", at=1.0), *published(1, at=2.0), status("offline", at=20.0)]
    later = [*published(2, at=30.0), status("live", at=40.0)]

    assert lost(*WATCHED, *believed, *later, END) == [1]


def test_a_client_that_is_live_to_the_end_is_judged_by_each_event() -> None:
    shown = view("reader")

    assert lost(*WATCHED, JOINED, status("live", at=1.0), *published(1, at=2.0), END, shown) == [1]


@pytest.mark.parametrize("end", [an_op("reader", "close", at=20.0, code=1006), told("join", at=20.0)])
def test_its_belief_ends_with_its_socket_and_begins_anew_with_a_join(end: Op) -> None:
    assert lost(*WATCHED, JOINED, status("live", at=1.0), *published(1, at=2.0), end, END) == [1]


def test_the_time_to_fetch_counts_from_ready() -> None:
    ready, leave = told("ready", at=9.0), an_op("reader", "leave", at=10.0, process_id="p1")

    assert lost(*WATCHED, JOINED, *published(1, at=2.0), ready, leave, END) == []


def test_the_last_channel_to_be_ready_counts() -> None:
    state = "process_state:p1"
    both = [JOINED, an_op("reader", "join", at=1.0, topic=state), *published(1, at=2.0)]
    ready = [READY, an_op("reader", "ready", at=9.0, topic=state)]

    (finding,) = Readiness().check(a_history(*WATCHED, *both, *ready, END)).findings

    assert (finding.detail["topic"], finding.detail["ready_at"]) == (state, 9.0)


def test_a_client_that_waits_for_a_ready_that_never_comes_is_not() -> None:
    ops = [*WATCHED, JOINED, status("connecting", at=1.0), *published(1, at=2.0), END]

    assert Readiness().check(a_history(*ops)).valid is Valid.UNKNOWN


def test_a_socket_that_closes_ends_the_window() -> None:
    close = an_op("reader", "close", at=1.5, code=1006)

    assert lost(*WATCHED, JOINED, close, *published(1, at=2.0), told("ready", at=9.0), END) == []


def test_a_rejoin_has_a_window_of_its_own() -> None:
    ops = [JOINED, told("ready", at=1.2), told("join", at=5.0), *published(1, at=6.0), told("ready", at=7.0)]

    assert lost(*WATCHED, *ops, END) == [1]


def test_each_reader_has_its_own_windows() -> None:
    other = [subscribed("early"), told("join", at=0.1, reader="early"), told("ready", at=0.2, reader="early")]

    assert lost(*WATCHED, *other, JOINED, *published(1, at=2.0), READY, END) == [1]


def test_a_reader_that_left_before_it_was_due_is_not_blamed() -> None:
    leave = an_op("reader", "leave", at=5.0, process_id="p1")

    assert lost(*WATCHED, JOINED, *published(1, at=2.0), READY, leave, END) == []


def test_a_run_that_was_cut_short_is_not_blamed() -> None:
    step = an_op("story", "step", type="invoke", step="WaitFor")

    assert lost(*WATCHED, step, JOINED, *published(1, at=2.0), READY) == []


def test_a_run_that_came_to_rest_is() -> None:
    step, rest = an_op("story", "step", type="invoke", step="Settle"), an_op("story", "settle", at=4.0, timeout=9.0)

    assert lost(*WATCHED, step, JOINED, *published(1, at=2.0), READY, rest, view("reader")) == [1]


def test_an_event_that_went_into_another_is_not_missed() -> None:
    merged = an_op("app", "debounce", process_id="p1", event_id="e1", outcome="merged", into="e2")
    ops = [emitted(1, at=2.0, delivery_class="append"), merged, *published(2, at=2.0), READY]

    assert lost(*WATCHED, JOINED, *ops, applied("reader", sequence=2), END) == []


def test_a_history_in_which_nothing_fell_between_is_unknown() -> None:
    assert Readiness().check(a_history(*WATCHED, JOINED, READY, *published(1, at=4.0))).valid is Valid.UNKNOWN
