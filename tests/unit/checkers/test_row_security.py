from dataclasses import replace

import pytest

from harness.checkers import Finding, RowSecurity, Valid, Verdict
from harness.history import Op, Value
from tests.histories.literal import (
    OWNER,
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


def listens(name: str, *, user: str = STRANGER, role: str = "authenticated") -> Op:
    return an_op(name, "listen", topic=name, bindings=[], user="bob", user_id=user, role=role)


def deleted(row_id: str, *, table: str = "process_events") -> Op:
    """A DELETE as it comes to everybody: with the key alone."""
    return an_op("ear", "receive", table=table, action="DELETE", topic="ear", record={}, old_record={"id": row_id})


def test_a_row_that_reaches_a_strangers_listener_is_convicted() -> None:
    history = a_history(*WATCHED, listens("ear"), *published(1), received("ear", event_id="e1"))

    assert RowSecurity().check(history) == Verdict.invalid(
        Finding("forbidden", (history[-1],), {"reader": "ear", "process_id": "p1", "how": "receive"})
    )


def test_so_is_a_deleted_row_of_which_only_the_key_came() -> None:
    history = a_history(*WATCHED, listens("ear"), *published(1), deleted("e1"))

    assert RowSecurity().check(history) == Verdict.invalid(
        Finding("forbidden", (history[-1],), {"reader": "ear", "process_id": "p1", "how": "receive"})
    )


def test_so_is_a_deleted_state_row_whose_key_is_the_process() -> None:
    history = a_history(*WATCHED, listens("ear"), deleted("p1", table="generated_articles_state"))

    assert RowSecurity().check(history) == Verdict.invalid(
        Finding("forbidden", (history[-1],), {"reader": "ear", "process_id": "p1", "how": "receive"})
    )


@pytest.mark.parametrize(
    ("listening", "ops"),
    [
        (listens("ear", user=OWNER), (received("ear", event_id="e1"), deleted("e1"))),
        (listens("ear", role="service_role"), (received("ear", event_id="e1"), deleted("e1"))),
        (listens("ear"), (deleted("e9"),)),
    ],
    ids=["the owner's", "the service's", "of a row that nobody knows"],
)
def test_what_may_come_to_a_listener_is_no_finding(listening: Op, ops: tuple[Op, ...]) -> None:
    assert RowSecurity().check(a_history(*WATCHED, listening, *published(1), *ops)).valid is Valid.YES


def test_a_process_whose_owner_is_not_known_is_nobodys_secret() -> None:
    history = a_history(listens("ear"), *published(1), received("ear", event_id="e1"))

    assert RowSecurity().check(history).valid is Valid.YES
