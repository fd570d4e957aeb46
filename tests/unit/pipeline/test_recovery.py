"""The recovery machine, step by step: what comes out for what goes in."""

from datetime import UTC, datetime
from random import Random
from uuid import UUID

import pytest

from harness.events.event import ProcessEvent
from harness.events.types import EventData, Heartbeat, ProcessCompleted, ProcessError
from harness.pipeline.reader_status import Status
from harness.pipeline.recovery import (
    DEAF,
    Answer,
    Apply,
    Fetch,
    GapPermanent,
    GapSeen,
    Recovery,
    Rejoin,
    StatusChanged,
    Via,
    backoff,
    is_terminal,
)

AT = datetime(2025, 1, 31, 12, tzinfo=UTC)
PROCESS = UUID(int=10**6)


def an_event(sequence: int | None, data: EventData | None = None, id: int | None = None) -> ProcessEvent:
    return ProcessEvent(
        id=UUID(int=id or sequence or 0),
        process_id=PROCESS,
        intent=0,
        emitted_at=AT,
        data=data or Heartbeat(timestamp=AT),
        sequence=sequence,
    )


def an_end(sequence: int) -> ProcessEvent:
    data = ProcessCompleted(article_id=PROCESS, title="Tea", content_sha256="", content_chars=0)
    return an_event(sequence, data)


def applied(sequence: int, via: Via = "live") -> Apply:
    return Apply(event=an_event(sequence), via=via, cursor=sequence)


def status(status: Status, reason: str = "") -> StatusChanged:
    return StatusChanged(status=status, reason=reason)


def a_recovery() -> Recovery:
    return Recovery(Random(1))


def page(recovery: Recovery, *sequences: int, last: int, complete: bool = True, now: float = 0.0) -> None:
    recovery.page([an_event(n) for n in sequences], last_sequence=last, complete=complete, now=now)


def a_live_recovery(cursor: int = 0) -> Recovery:
    """Live at 0.0 with `cursor` events behind it, and nothing left to be said."""
    recovery = a_recovery()
    recovery.connecting()
    recovery.ready(0.0)
    page(recovery, *range(1, cursor + 1), last=cursor)
    recovery.actions()
    return recovery


def test_it_connects_fetches_and_is_live() -> None:
    recovery = a_recovery()

    recovery.connecting()
    recovery.joined()
    recovery.ready(0.0)
    page(recovery, 1, 2, last=2)

    assert recovery.actions() == (
        status(Status.CONNECTING),
        status(Status.CATCHING_UP),
        Fetch(since=0),
        applied(1, "fetch"),
        applied(2, "fetch"),
        status(Status.LIVE),
    )
    assert (recovery.cursor, recovery.answer, recovery.behind) == (2, Answer.COMPLETE, False)


def test_actions_are_given_once() -> None:
    recovery = a_recovery()
    recovery.connecting()

    assert recovery.actions() == (status(Status.CONNECTING),)
    assert recovery.actions() == ()


def test_events_that_came_live_during_the_fetch_are_merged_in_order() -> None:
    recovery = a_recovery()
    recovery.ready(0.0)
    recovery.received(an_event(4), 0.1)
    recovery.received(an_event(3), 0.2)
    recovery.actions()

    page(recovery, 1, 2, 3, last=3, now=0.3)

    assert recovery.actions() == (
        applied(1, "fetch"),
        applied(2, "fetch"),
        applied(3),
        applied(4),
        status(Status.LIVE),
    )


def test_pages_are_asked_for_until_the_last_sequence() -> None:
    recovery = a_recovery()
    recovery.ready(0.0)
    page(recovery, 1, 2, last=5, complete=False)
    page(recovery, 3, 4, last=5, complete=False)
    page(recovery, 5, last=5)

    fetches = [action for action in recovery.actions() if isinstance(action, Fetch)]
    assert fetches == [Fetch(since=0), Fetch(since=2), Fetch(since=4)]
    assert (recovery.cursor, recovery.status) == (5, Status.LIVE)


def test_a_page_that_cannot_be_read_is_passed() -> None:
    recovery = a_recovery()
    recovery.ready(0.0)
    recovery.actions()

    recovery.page([], last_sequence=5, complete=False, now=0.0, up_to=3)

    assert recovery.actions() == (Fetch(since=3),)
    assert recovery.answer is Answer.INCOMPLETE


def test_an_empty_page_that_is_not_the_last_one_is_a_failure() -> None:
    recovery = a_recovery()
    recovery.ready(0.0)

    page(recovery, last=5, complete=False)

    assert recovery.actions()[-1] == status(Status.STALE, "an empty page that is not the last one")


def test_a_duplicate_and_an_old_event_are_not_applied_again() -> None:
    recovery = a_live_recovery(cursor=2)

    for sequence in (3, 3, 2, 3):
        recovery.received(an_event(sequence), 1.0)

    assert recovery.actions() == (applied(3),)


def test_an_id_under_a_second_number_is_passed_without_being_applied() -> None:
    recovery = a_live_recovery(cursor=2)

    recovery.received(an_event(3, id=2), 1.0)
    recovery.received(an_event(4), 1.0)

    assert recovery.actions() == (applied(4),)


def test_a_swapped_pair_is_put_in_order_without_a_fetch() -> None:
    recovery = a_live_recovery()
    recovery.received(an_event(2), 1.0)
    waiting, hole = recovery.actions(), recovery.next_deadline()

    recovery.received(an_event(1), 1.5)
    recovery.tick(1.75)

    assert (waiting, hole) == ((), 1.75)
    assert recovery.actions() == (applied(1), applied(2))
    assert recovery.status is Status.LIVE


def test_a_hole_is_waited_for_then_fetched() -> None:
    recovery = a_live_recovery()
    recovery.received(an_event(3), 1.0)

    recovery.tick(1.74)
    early = recovery.actions()
    recovery.tick(1.75)
    asked = recovery.actions()
    page(recovery, 1, 2, 3, last=3, now=1.8)

    assert early == ()
    assert asked == (GapSeen(after=0, before=3), status(Status.CATCHING_UP), Fetch(since=0))
    assert recovery.actions() == (
        applied(1, "fetch"),
        applied(2, "fetch"),
        applied(3),
        status(Status.LIVE),
    )


def test_a_hole_that_the_complete_fetch_does_not_fill_is_permanent_and_reported_once() -> None:
    recovery = a_live_recovery()
    recovery.received(an_event(3), 1.0)
    recovery.tick(1.75)
    recovery.actions()

    page(recovery, 1, 3, last=3, now=1.8)
    said = recovery.actions()
    recovery.received(an_event(2), 2.0)
    recovery.received(an_event(4), 2.0)

    assert said == (applied(1, "fetch"), GapPermanent(after=1, before=3), applied(3), status(Status.LIVE))
    assert recovery.actions() == (applied(4),)


def test_all_holes_of_a_backfill_are_settled_by_one_more_fetch() -> None:
    recovery = a_recovery()
    recovery.ready(0.0)
    page(recovery, 1, 3, 6, last=7)
    first = recovery.actions()

    recovery.tick(0.75)
    asked = recovery.actions()
    page(recovery, 3, 6, last=7, now=0.8)

    assert first[-1] == applied(1, "fetch")
    assert asked == (
        GapSeen(after=1, before=3),
        GapSeen(after=3, before=6),
        GapSeen(after=6, before=8),
        Fetch(since=1),
    )
    assert recovery.actions() == (
        GapPermanent(after=1, before=3),
        applied(3, "fetch"),
        GapPermanent(after=3, before=6),
        applied(6, "fetch"),
        GapPermanent(after=6, before=8),
        status(Status.LIVE),
    )
    assert recovery.cursor == 7


def test_a_hole_that_opened_after_the_fetch_began_is_waited_for_anew() -> None:
    recovery = a_live_recovery()
    recovery.received(an_event(2), 1.0)
    recovery.tick(1.75)
    recovery.received(an_event(4), 1.76)
    recovery.actions()

    page(recovery, 1, 2, last=2, now=1.8)

    assert recovery.actions() == (applied(1, "fetch"), applied(2))
    assert recovery.next_deadline() == 1.8 + 0.75


def test_a_second_hole_gets_its_own_time() -> None:
    recovery = a_live_recovery()
    recovery.received(an_event(2), 1.0)
    recovery.received(an_event(4), 1.5)

    recovery.received(an_event(1), 1.6)

    assert recovery.next_deadline() == 1.6 + 0.75


def test_what_the_state_row_knows_and_nobody_brought_is_fetched() -> None:
    recovery = a_live_recovery(cursor=2)

    recovery.told(3, 1.0)
    recovery.tick(1.75)

    assert recovery.actions() == (GapSeen(after=2, before=4), status(Status.CATCHING_UP), Fetch(since=2))


def test_a_failed_fetch_is_stale_until_a_retry_succeeds() -> None:
    recovery = a_recovery()
    recovery.ready(0.0)
    recovery.actions()

    recovery.fetch_failed("500", 1.0)
    failed, unknown, retry_at = recovery.actions(), recovery.answer, recovery.next_deadline()
    assert retry_at is not None
    recovery.tick(retry_at)
    again = recovery.actions()
    page(recovery, 1, last=1, now=retry_at)

    assert (failed, unknown) == ((status(Status.STALE, "500"),), Answer.UNKNOWN)
    assert 1.0 <= retry_at <= 1.5
    assert again == (Fetch(since=0),)
    assert recovery.actions() == (applied(1, "fetch"), status(Status.CATCHING_UP), status(Status.LIVE))


def test_it_retries_for_ever_with_capped_pauses() -> None:
    recovery = a_recovery()
    recovery.ready(0.0)
    pauses = []

    for _ in range(1000):
        recovery.actions()
        recovery.fetch_failed("500", 0.0)
        deadline = recovery.next_deadline()
        assert deadline is not None
        pauses.append(deadline)
        recovery.tick(deadline)
        assert recovery.actions()[-1] == Fetch(since=0)

    assert 9.0 < max(pauses) <= 10.0


def test_a_hole_stays_suspect_over_a_failed_fetch() -> None:
    recovery = a_live_recovery()
    recovery.received(an_event(2), 1.0)
    recovery.tick(1.75)
    recovery.fetch_failed("500", 1.8)
    retry_at = recovery.next_deadline()
    assert retry_at is not None
    recovery.tick(retry_at)
    recovery.actions()

    page(recovery, 2, last=2, now=retry_at)

    assert recovery.actions() == (
        status(Status.CATCHING_UP),
        GapPermanent(after=0, before=2),
        applied(2),
        status(Status.LIVE),
    )


def test_live_events_are_applied_while_stale_but_it_stays_stale() -> None:
    recovery = a_recovery()
    recovery.ready(0.0)
    recovery.fetch_failed("500", 1.0)
    recovery.actions()

    recovery.received(an_event(1), 1.1)

    assert recovery.actions() == (applied(1),)
    assert (recovery.status, recovery.behind) == (Status.STALE, True)


def test_a_second_ready_fetches_again_and_harms_nothing() -> None:
    recovery = a_live_recovery(cursor=2)

    recovery.ready(1.0)
    page(recovery, last=2, now=1.1)

    assert recovery.actions() == (status(Status.CATCHING_UP), Fetch(since=2), status(Status.LIVE))


def test_ready_during_a_fetch_has_it_ask_once_more() -> None:
    recovery = a_recovery()
    recovery.ready(0.0)
    recovery.ready(0.1)
    recovery.actions()

    page(recovery, 1, last=1, now=0.2)
    asked_again, answer = recovery.actions(), recovery.answer
    page(recovery, 2, last=2, now=0.3)

    assert (asked_again, answer) == ((applied(1, "fetch"), Fetch(since=1)), Answer.UNKNOWN)
    assert recovery.actions() == (applied(2, "fetch"), status(Status.LIVE))


def test_a_lost_connection_is_offline_and_the_next_ready_fetches() -> None:
    recovery = a_live_recovery(cursor=2)

    recovery.disconnected("1006")
    recovery.connecting()
    recovery.ready(5.0)
    page(recovery, 3, last=3, now=5.1)

    assert recovery.actions() == (
        status(Status.OFFLINE, "1006"),
        status(Status.CONNECTING),
        status(Status.CATCHING_UP),
        Fetch(since=2),
        applied(3, "fetch"),
        status(Status.LIVE),
    )


def test_offline_nothing_is_waited_for_and_a_late_page_is_still_taken() -> None:
    recovery = a_recovery()
    recovery.ready(0.0)
    recovery.received(an_event(3), 0.1)
    recovery.disconnected()
    recovery.actions()

    page(recovery, 1, last=3, now=0.2)

    assert recovery.actions() == (applied(1, "fetch"),)
    assert (recovery.status, recovery.next_deadline()) == (Status.OFFLINE, None)


def test_a_fetch_that_fails_offline_is_not_retried_before_ready() -> None:
    recovery = a_recovery()
    recovery.ready(0.0)
    recovery.disconnected()

    recovery.fetch_failed("no network", 0.2)

    assert (recovery.status, recovery.next_deadline()) == (Status.OFFLINE, None)


def test_a_terminal_event_ends_it_once_the_prefix_reaches_it() -> None:
    recovery = a_live_recovery()
    recovery.received(an_end(2), 1.0)
    before = recovery.actions()

    recovery.received(an_event(1), 1.1)
    recovery.disconnected()

    assert before == ()
    assert recovery.actions() == (
        applied(1),
        Apply(event=an_end(2), via="live", cursor=2),
        status(Status.ENDED),
    )
    assert (recovery.status, recovery.behind) == (Status.ENDED, False)


def test_what_is_missing_after_the_end_is_fetched_all_the_same() -> None:
    recovery = a_live_recovery()
    recovery.received(an_end(1), 1.0)
    recovery.received(an_event(3), 1.0)
    recovery.tick(1.75)
    recovery.actions()

    recovery.fetch_failed("500", 2.0)
    retry_at = recovery.next_deadline()
    assert retry_at is not None
    recovery.tick(retry_at)
    page(recovery, 2, 3, last=3, now=retry_at)

    assert recovery.actions() == (Fetch(since=1), applied(2, "fetch"), applied(3))
    assert recovery.status is Status.ENDED


def test_silence_has_a_live_reader_ask() -> None:
    recovery = a_live_recovery(cursor=2)
    recovery.received(an_event(3), 10.0)
    recovery.actions()
    due = recovery.next_deadline()

    recovery.tick(55.0)
    page(recovery, last=3, now=55.1)

    assert (due, recovery.next_deadline()) == (55.0, 55.1 + 45.0)
    assert recovery.actions() == (status(Status.CATCHING_UP), Fetch(since=3), status(Status.LIVE))


def test_channels_on_which_what_the_silence_finds_never_came_are_joined_afresh() -> None:
    recovery = a_live_recovery(cursor=2)

    recovery.tick(45.0)
    page(recovery, 3, last=3, now=45.1)

    assert recovery.actions() == (
        status(Status.CATCHING_UP),
        Fetch(since=2),
        applied(3, "fetch"),
        status(Status.OFFLINE, DEAF),
        Rejoin(),
    )


def test_what_was_fetched_for_a_hole_counts_if_nothing_comes_live_any_more() -> None:
    recovery = a_live_recovery(cursor=2)
    recovery.told(3, 10.0)
    recovery.tick(11.0)
    page(recovery, 3, last=3, now=11.1)
    recovery.actions()

    recovery.tick(45.0)
    page(recovery, last=3, now=45.1)

    assert recovery.actions()[-1] == Rejoin()


def test_a_state_row_does_not_break_the_silence_of_the_events_channel() -> None:
    recovery = a_live_recovery(cursor=2)

    recovery.told(2, 44.0)

    assert recovery.next_deadline() == 45.0


@pytest.mark.parametrize("readable", [True, False])
def test_channels_that_bring_something_are_not_deaf(readable: bool) -> None:
    recovery = a_live_recovery(cursor=2)
    recovery.tick(45.0)
    if readable:
        recovery.received(an_event(3), 45.05)
    else:
        recovery.unreadable(3, 45.05)

    page(recovery, 3, last=3, now=45.1)

    assert recovery.actions()[-1] == status(Status.LIVE)


def test_the_end_is_no_reason_to_join_afresh() -> None:
    recovery = a_live_recovery(cursor=2)
    recovery.tick(45.0)
    recovery.actions()

    recovery.page([an_end(3)], last_sequence=3, complete=True, now=45.1)

    assert recovery.actions()[1:] == (status(Status.ENDED),)


def test_deaf_channels_are_found_though_the_first_question_fails() -> None:
    recovery = a_live_recovery(cursor=2)
    recovery.tick(45.0)
    recovery.fetch_failed("500", 45.1)
    retry_at = recovery.next_deadline()
    assert retry_at is not None

    recovery.tick(retry_at)
    page(recovery, 3, last=3, now=retry_at)

    assert recovery.actions()[-1] == Rejoin()


def test_it_tells_how_many_events_wait() -> None:
    recovery = a_live_recovery()

    recovery.received(an_event(3), 1.0)
    recovery.received(an_event(2), 1.0)

    assert recovery.buffered == 2


def test_after_leaving_nothing_comes_out() -> None:
    recovery = a_live_recovery()
    recovery.closed()

    recovery.received(an_event(1), 1.0)
    recovery.ready(1.0)
    recovery.tick(100.0)

    assert recovery.actions() == (status(Status.LEFT),)
    assert recovery.next_deadline() is None


def test_an_event_without_a_number_is_refused() -> None:
    with pytest.raises(ValueError, match="has no number yet"):
        a_recovery().received(an_event(None), 0.0)


def test_only_an_unrecoverable_error_and_completion_are_terminal() -> None:
    recoverable = ProcessError(error_type="recoverable", step="editing", message="")
    unrecoverable = ProcessError(error_type="unrecoverable", step="editing", message="")

    events = (an_end(1), an_event(1), an_event(1, recoverable), an_event(1, unrecoverable))

    assert [is_terminal(event) for event in events] == [True, False, False, True]


def test_the_backoff_grows_to_its_cap_with_full_jitter() -> None:
    rng = Random(1)

    waits = {failures: [backoff(failures, rng) for _ in range(200)] for failures in (0, 1, 3, 40)}

    limits = {0: 0.5, 1: 1.0, 3: 4.0, 40: 10.0}
    assert all(0.0 <= wait <= limits[failures] for failures in waits for wait in waits[failures])
    assert all(min(waits[n]) < 0.1 * limits[n] and max(waits[n]) > 0.9 * limits[n] for n in waits)
