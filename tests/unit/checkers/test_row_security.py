from dataclasses import replace

from harness.checkers import Finding, RowSecurity, Valid, Verdict
from harness.history import Op, Value
from tests.histories.literal import a_history, an_op, applied, committed, emitted, inserted, started, subscribed


def published(sequence: int) -> tuple[Op, ...]:
    return emitted(sequence, at=1.0), inserted(sequence), committed(sequence)


def received(reader: str, **value: str) -> Op:
    return replace(an_op(reader, "receive"), value=Value(process_id="p1", **value))


SPY = subscribed("spy", user="somebody else")
WATCHED = (started(at=0.0), subscribed("reader"), SPY)


def test_an_event_that_reaches_a_stranger_is_convicted() -> None:
    history = a_history(*WATCHED, *published(1), received("spy", event_id="e1"))

    assert RowSecurity().check(history) == Verdict.invalid(
        Finding("forbidden", (history[-1],), {"reader": "spy", "process_id": "p1", "how": "receive"})
    )


def test_a_state_row_that_reaches_a_stranger_is_convicted() -> None:
    history = a_history(*WATCHED, received("spy", table="generated_articles_state"))

    assert [finding.what for finding in RowSecurity().check(history).findings] == ["forbidden"]


def test_a_fetch_that_gives_a_stranger_events_is_convicted() -> None:
    told = an_op("spy", "deliver", process_id="p1", event_id="e1", sequence=1, via="fetch")

    assert RowSecurity().check(a_history(*WATCHED, *published(1), told)).valid is Valid.NO


def test_an_event_withheld_from_its_owner_is_convicted() -> None:
    judged = an_op("realtime", "authorise", process_id="p1", event_id="e1", sequence=1, to=[], withheld=["reader"])
    history = a_history(*WATCHED, *published(1), judged, received("reader", event_id="e2"))

    assert [finding.what for finding in RowSecurity().check(history).findings] == ["withheld"]


def test_what_comes_to_its_owner_is_no_finding() -> None:
    history = a_history(*WATCHED, *published(1), received("reader", event_id="e1"), applied("reader", sequence=1))

    assert RowSecurity().check(history).valid is Valid.YES


def test_a_history_in_which_nothing_came_is_unknown() -> None:
    assert RowSecurity().check(a_history(*WATCHED)).valid is Valid.UNKNOWN
