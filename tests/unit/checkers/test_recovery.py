from typing import Any

import pytest

from harness.checkers import Finding, Recovery, Valid, Verdict
from harness.history import Op
from harness.history.op import Type
from tests.histories.literal import (
    STRANGER,
    a_history,
    an_op,
    applied,
    committed,
    emitted,
    inserted,
    started,
    subscribed,
)

TOPIC = "process_events:process_id=eq.p1"
END = an_op("story", "end", at=90.0)


def told(f: str, *, at: float, type: Type = "ok", **value: Any) -> Op:
    return an_op("reader", f, at=at, type=type, **value)


def published(sequence: int, *, at: float) -> tuple[Op, ...]:
    return emitted(sequence, at=at), inserted(sequence), committed(sequence)


def status(said: str, *, at: float) -> Op:
    return told("status", at=at, process_id="p1", status=said)


def fault(*, at: float, type: Type = "invoke", **where: Any) -> Op:
    return an_op("nemesis", "fault", at=at, type=type, fault="offline", **where)


def kinds(*ops: Op) -> list[tuple[str, Any]]:
    found = Recovery().check(a_history(*ops)).findings
    return [(finding.what, finding.detail.get("sequence")) for finding in found]


def judged(*ops: Op) -> Valid:
    return Recovery().check(a_history(*ops)).valid


ONLINE = (started(at=0.0), subscribed("reader"), told("join", at=0.1, topic=TOPIC), told("ready", at=0.2, topic=TOPIC))
CLOSED = told("close", at=2.0, code=1006, by="server")
MISSED = published(2, at=3.0)
JOIN, READY = told("join", at=4.0, topic=TOPIC), told("ready", at=5.0, topic=TOPIC)
BEFORE = (*ONLINE, *published(1, at=1.0), applied("reader", sequence=1), CLOSED, *MISSED)


def test_an_event_that_is_fetched_too_late_is_convicted() -> None:
    late = applied("reader", sequence=2, via="fetch", at=11.0)
    history = a_history(*BEFORE, JOIN, READY, late, END)

    verdict = Recovery().check(history)

    detail = {
        "reader": "reader",
        "process_id": "p1",
        "event_id": "e2",
        "event_type": "step_update",
        "sequence": 2,
        "lost_at": 2.0,
        "back_at": 5.0,
        "applied_at": 11.0,
    }
    assert verdict == Verdict.invalid(
        Finding("not_recovered", (history[8], history[11], history[13], history[14]), detail)
    )
    assert verdict.looked_at == 1


def test_one_that_is_fetched_in_time_is_not() -> None:
    ops = [*BEFORE, JOIN, READY, applied("reader", sequence=2, via="fetch", at=9.0), END]

    assert judged(*ops) is Valid.YES
    assert Recovery(within=2.0).check(a_history(*ops)).valid is Valid.NO


def test_one_that_never_comes_is_convicted() -> None:
    assert kinds(*BEFORE, JOIN, READY, END) == [("not_recovered", 2)]


def test_a_client_that_says_it_is_live_is_online_by_its_own_word() -> None:
    assert kinds(*BEFORE, JOIN, status("live", at=4.0), END) == [("not_recovered", 2)]


def test_it_is_online_when_all_of_its_channels_are_ready() -> None:
    state = "process_state:p1"
    both = [told("join", at=0.3, topic=state), told("ready", at=0.4, topic=state)]
    late = applied("reader", sequence=2, via="fetch", at=11.0)
    ready = told("ready", at=7.0, topic=state)

    assert (
        kinds(*ONLINE, *both, CLOSED, *MISSED, JOIN, READY, told("join", at=6.0, topic=state), ready, late, END) == []
    )


def test_a_channel_that_is_lost_is_an_outage_too() -> None:
    lost = told("system", at=2.0, type="fail", topic=TOPIC, extension="postgres_changes", status="error")
    other = told("system", at=2.0, type="fail", topic=TOPIC, extension="presence", status="error")

    assert kinds(*ONLINE, lost, *MISSED, JOIN, READY, END) == [("not_recovered", 2)]
    assert judged(*ONLINE, other, *MISSED, JOIN, READY, END) is Valid.UNKNOWN


def test_what_it_had_before_must_not_be_applied_again() -> None:
    again = applied("reader", sequence=1, via="fetch", at=5.1)
    history = a_history(*BEFORE, JOIN, READY, again, applied("reader", sequence=2, via="fetch", at=5.2), END)

    detail = {
        "reader": "reader",
        "process_id": "p1",
        "event_id": "e1",
        "event_type": "step_update",
        "sequence": 1,
        "lost_at": 2.0,
        "had_it_before": True,
    }
    assert Recovery().check(history) == Verdict.invalid(Finding("applied_again", (history[7], history[14]), detail))


def test_what_it_missed_must_be_applied_once() -> None:
    twice = [applied("reader", sequence=2, via="fetch", at=at) for at in (5.1, 5.2)]

    assert kinds(*BEFORE, JOIN, READY, *twice, END) == [("applied_again", 2)]


def test_a_second_recovery_must_bring_nothing() -> None:
    first = [*BEFORE, JOIN, READY, applied("reader", sequence=2, via="fetch", at=5.1)]
    second = [told("close", at=20.0), told("join", at=21.0, topic=TOPIC), told("ready", at=22.0, topic=TOPIC)]

    assert kinds(*first, *second, END) == []
    assert kinds(*first, *second, applied("reader", sequence=2, via="fetch", at=22.1), END) == [("applied_again", 2)]


def test_what_comes_twice_long_after_is_no_matter_of_recovery() -> None:
    twice = [applied("reader", sequence=2, via="fetch", at=at) for at in (5.1, 30.0)]

    assert kinds(*BEFORE, JOIN, READY, *twice, END) == []


def test_a_reader_that_never_comes_back_is_convicted() -> None:
    history = a_history(*BEFORE, END)

    assert Recovery().check(history) == Verdict.invalid(
        Finding("never_back", (history[8],), {"reader": "reader", "process_id": "p1", "lost_at": 2.0})
    )
    assert Recovery(back_within=100.0).check(history).valid is Valid.UNKNOWN


def test_the_seconds_to_come_back_count_from_the_end_of_a_fault_that_concerns_it() -> None:
    cut, healed = fault(at=1.9, link="reader"), fault(at=70.0, type="ok", link="reader")
    elsewhere = [fault(at=1.9, link="other"), fault(at=70.0, type="ok", link="other")]

    assert judged(*ONLINE, cut, CLOSED, *MISSED, healed, END) is Valid.UNKNOWN
    assert kinds(*ONLINE, elsewhere[0], CLOSED, *MISSED, elsewhere[1], END) == [("never_back", None)]


@pytest.mark.parametrize("where", [{"link": "reader"}, {"reader": "reader"}, {"link": "*"}, {}])
def test_the_seconds_to_recover_count_from_the_end_of_a_fault_that_concerns_it(where: dict[str, Any]) -> None:
    slow, over = fault(at=5.5, **where), fault(at=20.0, type="ok", **where)
    fetched = applied("reader", sequence=2, via="fetch", at=24.0)

    assert kinds(*BEFORE, JOIN, READY, slow, over, fetched, END) == []


def test_under_a_fault_that_is_never_ended_nothing_is_judged() -> None:
    assert judged(*BEFORE, JOIN, READY, fault(at=5.5, link="*"), END) is Valid.UNKNOWN


def test_a_reader_that_asks_in_vain_and_says_so_is_not_blamed() -> None:
    refused = told("fetch", at=5.1, type="fail", process_id="p1", since=1)

    assert judged(*BEFORE, JOIN, READY, refused, status("stale", at=5.2), END) is Valid.UNKNOWN
    assert kinds(*BEFORE, JOIN, READY, refused, status("live", at=5.2), END) == [("not_recovered", 2)]


def test_an_event_that_is_announced_as_gone_need_not_come() -> None:
    gone = told("gap_permanent", at=6.0, process_id="p1", after=1, before=3)

    assert judged(*BEFORE, JOIN, READY, gone, END) is Valid.YES


def test_an_outage_that_is_followed_by_the_next_is_judged_with_that() -> None:
    again = [told("close", at=6.0), told("join", at=7.0, topic=TOPIC), told("ready", at=8.0, topic=TOPIC)]
    fetched = applied("reader", sequence=2, via="fetch", at=12.0)

    assert kinds(*BEFORE, JOIN, READY, *again, fetched, END) == []


def test_the_close_with_which_a_reader_ends_is_no_outage() -> None:
    view = told("view", at=2.0, process_id="p1")

    assert judged(*ONLINE, view, CLOSED, *MISSED, END) is Valid.UNKNOWN


def test_a_reader_that_left_and_comes_again_was_not_cut_off() -> None:
    left = [told("leave", at=2.0, process_id="p1"), CLOSED]
    again = [subscribed("reader", at=40.0), told("join", at=41.0, topic=TOPIC), told("ready", at=42.0, topic=TOPIC)]

    assert judged(*ONLINE, *left, *again, END) is Valid.UNKNOWN


def test_an_outage_begins_with_the_first_sign_of_it() -> None:
    lost = told("system", at=1.5, type="fail", topic=TOPIC, extension="phoenix", status="error")

    (finding,) = Recovery().check(a_history(*ONLINE, lost, CLOSED, END)).findings

    assert finding.detail["lost_at"] == 1.5


def test_after_the_end_of_its_process_nothing_need_be_recovered() -> None:
    assert judged(*ONLINE, status("ended", at=1.0), CLOSED, END) is Valid.UNKNOWN


def test_a_reader_that_leaves_before_it_is_due_is_not_judged() -> None:
    assert judged(*BEFORE, JOIN, READY, told("leave", at=8.0, process_id="p1"), END) is Valid.UNKNOWN


def test_a_run_that_is_cut_short_is_not_judged() -> None:
    step = an_op("story", "step", type="invoke", step="WaitFor")

    assert judged(*BEFORE, step, JOIN, READY) is Valid.UNKNOWN


def test_a_stranger_has_nothing_to_recover() -> None:
    stranger = subscribed("stranger", user=STRANGER)
    closed = an_op("stranger", "close", at=2.0, code=1006, by="server")

    assert judged(*ONLINE, stranger, closed, END) is Valid.UNKNOWN


def test_a_history_without_an_outage_is_unknown() -> None:
    assert judged(*ONLINE, *published(1, at=1.0), END) is Valid.UNKNOWN
