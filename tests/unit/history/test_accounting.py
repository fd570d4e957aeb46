import pytest

from harness.history import Op
from harness.history.accounting import Accounts, Bin, Extra, account
from harness.history.op import Type, Value
from tests.histories.literal import (
    STRANGER,
    a_history,
    an_op,
    applied,
    committed,
    debounced,
    emitted,
    event,
    inserted,
    row,
    settled,
    started,
    subscribed,
)


def books(*ops: Op) -> Accounts:
    """The accounts of alice's process with one reader of hers, online from the start."""
    return account(a_history(started(at=0.0), subscribed("reader"), *ops))


def the_bin(*ops: Op) -> Bin:
    """The bin of the first event."""
    return books(*ops).entries[0].bin


def published(sequence: int, *, at: float = 1.0) -> tuple[Op, ...]:
    return emitted(sequence, at=at), inserted(sequence), committed(sequence)


@pytest.mark.parametrize(
    ("expected", "ops"),
    [
        (Bin.DELIVERED, (*published(1), applied("reader", sequence=1))),
        (Bin.RECOVERED, (*published(1), applied("reader", sequence=1, via="fetch"))),
        (Bin.REORDERED, (*published(1), *published(2), applied("reader", sequence=2), applied("reader", sequence=1))),
        (Bin.LATE, (*published(1), applied("reader", sequence=1, at=6.1))),
        (Bin.TRUNCATED, (*published(1), applied("reader", sequence=1, content="other"))),
        (Bin.LOST_SILENT, published(1)),
        (Bin.UNPUBLISHED_SILENT, (emitted(1), inserted(1, type="info"))),
        (Bin.UNPUBLISHED_SILENT, (emitted(1),)),
        (Bin.UNPUBLISHED, (emitted(1), inserted(1, type="fail"))),
    ],
)
def test_an_event_falls_into_its_bin(expected: Bin, ops: tuple[Op, ...]) -> None:
    other = published(9, at=1.0)  # so that the witness is known to watch

    assert the_bin(*ops, *other) is expected


def test_an_insert_that_failed_first_and_then_went_well_is_no_failure() -> None:
    ops = (emitted(1), inserted(1, type="fail"), inserted(1), committed(1), applied("reader", sequence=1))

    assert the_bin(*ops) is Bin.DELIVERED


def test_without_a_witness_the_insert_counts_as_the_commit() -> None:
    assert the_bin(emitted(1), inserted(1), applied("reader", sequence=1)) is Bin.DELIVERED


def test_with_a_witness_an_insert_without_commit_is_unpublished() -> None:
    assert the_bin(emitted(1), inserted(1), *published(2)) is Bin.UNPUBLISHED_SILENT


def test_the_first_rule_wins() -> None:
    """Late, reordered and truncated at once is truncated."""
    late = applied("reader", sequence=1, at=9.0, content="other")

    assert the_bin(*published(1), *published(2), applied("reader", sequence=2), late) is Bin.TRUNCATED


@pytest.mark.parametrize(
    ("outcome", "delivery_class", "expected"),
    [
        ("merged", "append", Bin.COALESCED),
        ("replaced", "latest", Bin.SUPERSEDED),
        ("replaced", "append", Bin.UNPUBLISHED_SILENT),
        ("replaced", "transition", Bin.UNPUBLISHED_SILENT),
        ("merged", "transition", Bin.UNPUBLISHED_SILENT),
    ],
)
def test_a_policy_may_only_do_what_the_class_of_an_event_allows(
    outcome: str, delivery_class: str, expected: Bin
) -> None:
    first = emitted(1, delivery_class=delivery_class, at=1.0)

    assert the_bin(first, debounced(1, outcome, into=2), *published(2), applied("reader", sequence=2)) is expected


def test_what_was_merged_into_an_event_that_was_never_committed_is_unpublished() -> None:
    ops = (
        emitted(1, delivery_class="append"),
        debounced(1, "merged", into=2),
        emitted(2),
        inserted(2, type="fail"),
        *published(3),
    )

    assert the_bin(*ops) is Bin.UNPUBLISHED


def test_a_chain_of_merges_is_followed_to_its_end() -> None:
    ops = (
        emitted(1, delivery_class="append"),
        debounced(1, "merged", into=2),
        emitted(2, delivery_class="append"),
        debounced(2, "merged", into=3),
        *published(3),
    )

    assert [entry.bin for entry in books(*ops).entries] == [Bin.COALESCED, Bin.COALESCED, Bin.LOST_SILENT]


def test_a_ring_of_merges_ends() -> None:
    ops = (
        emitted(1, delivery_class="append"),
        debounced(1, "merged", into=2),
        emitted(2, delivery_class="append"),
        debounced(2, "merged", into=1),
        *published(3),
    )

    assert the_bin(*ops) is Bin.UNPUBLISHED_SILENT


def test_an_event_that_others_were_merged_into_is_not_truncated() -> None:
    ops = (
        *published(2),
        emitted(1, delivery_class="append"),
        debounced(1, "merged", into=2),
        applied("reader", sequence=2, content="both"),
    )

    assert the_bin(*ops) is Bin.DELIVERED


def test_what_row_security_hides_is_withheld() -> None:
    authorise = an_op("realtime", "authorise", to=[], withheld=["reader"], **row(1))

    assert the_bin(*published(1), authorise) is Bin.WITHHELD


def test_what_was_withheld_and_then_fetched_is_recovered() -> None:
    authorise = an_op("realtime", "authorise", to=[], withheld=["reader"], **row(1))

    assert the_bin(*published(1), authorise, applied("reader", sequence=1, via="fetch")) is Bin.RECOVERED


@pytest.mark.parametrize("f", ["gap", "gap_permanent"])
def test_a_loss_within_a_gap_is_announced(f: str) -> None:
    assert the_bin(*published(2), an_op("reader", f, process_id="p1", after=1, before=3)) is Bin.LOST_ANNOUNCED


def test_the_ends_of_a_gap_are_not_in_it() -> None:
    gap = an_op("reader", "gap", process_id="p1", after=2, before=4)

    assert the_bin(*published(2), gap) is Bin.LOST_SILENT


@pytest.mark.parametrize("status", ["stale", "offline"])
def test_a_loss_at_a_client_that_says_that_it_is_behind_is_announced(status: str) -> None:
    said = an_op("reader", "status", process_id="p1", status=status)

    assert the_bin(*published(1), said) is Bin.LOST_ANNOUNCED


def test_what_a_client_says_while_it_closes_excuses_nothing() -> None:
    said = [an_op("reader", "status", process_id="p1", status=status) for status in ("live", "offline")]
    shown = an_op("reader", "view", process_id="p1")

    assert the_bin(*published(1), said[0], shown, said[1]) is Bin.LOST_SILENT


def test_a_missing_heartbeat_is_lost_like_any_other_event() -> None:
    heartbeat = (emitted(1, event_type="heartbeat", delivery_class="latest", at=1.0), inserted(1), committed(1))

    assert the_bin(*heartbeat, *published(2), applied("reader", sequence=2)) is Bin.LOST_SILENT


def test_a_missing_heartbeat_with_nothing_after_it_is_lost() -> None:
    heartbeat = (emitted(1, event_type="heartbeat", delivery_class="latest", at=1.0), inserted(1), committed(1))

    assert the_bin(*heartbeat) is Bin.LOST_SILENT


@pytest.mark.parametrize(("applied_at", "expected"), [(8.9, Bin.DELIVERED), (9.1, Bin.LATE)])
def test_the_deadline_runs_from_the_commit_and_not_from_when_it_was_read(applied_at: float, expected: Bin) -> None:
    told = Value({**row(1), "lsn": "0/1", "at": 4.0})
    commit = Op(index=-1, time=7.0, actor="witness", f="commit", type="ok", value=told)

    assert the_bin(emitted(1, at=1.0), inserted(1), commit, applied("reader", sequence=1, at=applied_at)) is expected


def ready(at: float) -> Op:
    return an_op("reader", "ready", at=at, topic="t")


def test_the_deadline_runs_from_when_the_client_came_back() -> None:
    closed = an_op("reader", "close", at=1.5, code=1006, by="server")

    assert the_bin(*published(1), closed, ready(20.0), applied("reader", sequence=1, at=24.0)) is Bin.DELIVERED


def test_a_client_that_is_offline_is_not_late() -> None:
    closed = an_op("reader", "close", at=1.5, code=1006, by="server")

    assert the_bin(*published(1), closed, applied("reader", sequence=1, at=30.0, via="fetch")) is Bin.RECOVERED


def test_a_repeated_ready_does_not_move_the_deadline() -> None:
    assert the_bin(ready(0.5), *published(1), ready(5.9), applied("reader", sequence=1, at=6.5)) is Bin.LATE


def test_a_ready_after_a_new_join_does() -> None:
    rejoined = an_op("reader", "join", at=5.0, topic="t")

    assert the_bin(ready(0.5), *published(1), rejoined, ready(5.9), applied("reader", sequence=1, at=6.5)) is (
        Bin.DELIVERED
    )


def test_a_late_joiner_has_its_time_from_the_subscription() -> None:
    accounts = account(
        a_history(
            started(at=0.0), *published(1), subscribed("late", at=60.0), applied("late", sequence=1, via="fetch", at=61)
        )
    )

    assert accounts.entries[0].bin is Bin.RECOVERED


def test_a_stranger_is_owed_nothing() -> None:
    accounts = account(a_history(started(at=0.0), subscribed("spy", user=STRANGER), *published(1)))

    assert accounts.entries == ()


def test_the_service_role_is_owed_everything() -> None:
    accounts = account(
        a_history(started(at=0.0), subscribed("admin", user=STRANGER, role="service_role"), *published(1))
    )

    assert [entry.bin for entry in accounts.entries] == [Bin.LOST_SILENT]


def test_events_committed_after_the_reader_left_are_not_owed() -> None:
    leave = an_op("reader", "leave", at=2.0, process_id="p1")

    accounts = books(*published(1), applied("reader", sequence=1), leave, *published(2, at=3.0))

    assert [(entry.event_id, entry.bin) for entry in accounts.entries] == [(event(1), Bin.DELIVERED)]


def test_an_event_that_could_still_have_come_when_the_reader_left_is_not_owed() -> None:
    leave = an_op("reader", "leave", at=2.0, process_id="p1")

    assert books(*published(1, at=1.9), leave).entries == ()


def test_an_event_that_was_due_when_the_reader_left_is_owed() -> None:
    leave = an_op("reader", "leave", at=9.0, process_id="p1")

    assert the_bin(*published(1), leave) is Bin.LOST_SILENT


def test_an_event_that_was_missing_at_rest_before_the_reader_left_is_owed() -> None:
    leave = an_op("reader", "leave", at=2.0, process_id="p1")

    assert the_bin(*published(1), settled(at=1.5), leave) is Bin.LOST_SILENT


def test_who_came_late_and_left_at_once_is_not_owed_what_was_long_before() -> None:
    leave = an_op("late", "leave", at=20.3, process_id="p1")

    accounts = books(*published(1), applied("reader", sequence=1), subscribed("late", at=20.0), leave)

    assert [(entry.reader, entry.bin) for entry in accounts.entries] == [("reader", Bin.DELIVERED)]


def test_a_reader_that_came_back_is_owed_everything() -> None:
    leave = an_op("reader", "leave", at=2.0, process_id="p1")

    assert the_bin(leave, subscribed("reader"), *published(1, at=3.0)) is Bin.LOST_SILENT


@pytest.mark.parametrize(
    ("extra", "ops"),
    [
        (Extra.DUPLICATE, (*published(1), applied("reader", sequence=1), applied("reader", sequence=1))),
        (Extra.PHANTOM, (*published(1), applied("reader", sequence=5))),
        (Extra.FORBIDDEN, (*published(1), subscribed("spy", user=STRANGER), applied("spy", sequence=1))),
        (
            Extra.FORBIDDEN,
            (*published(1), subscribed("spy", user=STRANGER), an_op("spy", "receive", topic="t", bytes=1, **row(1))),
        ),
        (Extra.MISROUTED, (*published(1), applied("other", sequence=1))),
    ],
)
def test_what_came_beyond_what_was_owed_is_counted_apart(extra: Extra, ops: tuple[Op, ...]) -> None:
    accounts = books(*ops)

    assert accounts.by_extra() == {**dict.fromkeys(Extra, 0), extra: 1}
    assert len(accounts.entries) == 1


def test_live_and_fetch_bringing_the_same_event_is_no_duplicate_until_it_is_applied_twice() -> None:
    twice = [
        an_op("reader", "deliver", process_id="p1", event_id=event(1), sequence=1, via=v) for v in ("live", "fetch")
    ]

    accounts = books(*published(1), *twice, applied("reader", sequence=1))

    assert sum(accounts.by_extra().values()) == 0


def test_deletes_are_no_events() -> None:
    deleted = an_op("witness", "commit", lsn="0/2", **{**row(1), "action": "DELETE"})

    assert books(*published(1), applied("reader", sequence=1), deleted).balanced


def test_the_bins_of_a_reader_add_up_to_what_was_emitted() -> None:
    accounts = books(*published(1), applied("reader", sequence=1), *published(2), emitted(3))

    assert sum(accounts.by_bin().values()) == 3
    assert accounts.by_reader()["reader"] == accounts.by_bin()
    assert accounts.coverage == {"step_update": 3}
    assert accounts.balanced


def test_a_commit_that_nobody_emitted_spoils_the_balance() -> None:
    accounts = books(*published(1), committed(2))

    assert [op.value.event_id for op in accounts.unexplained] == [event(2)]
    assert not accounts.balanced


def test_an_event_emitted_twice_spoils_the_balance() -> None:
    assert not books(*published(1), emitted(1)).balanced


@pytest.mark.parametrize(
    ("last", "hops"),
    [
        (an_op("realtime", "decode", **row(1)), ("decode", "send")),
        (an_op("realtime", "send", link="reader", **row(1)), ("send", "apply")),
    ],
)
def test_a_loss_is_placed_between_two_observed_hops(last: Op, hops: tuple[str, str]) -> None:
    another = an_op("realtime", "decode", **row(2)), an_op("realtime", "send", link="reader", **row(2))

    accounts = books(*published(1), last, *published(2), *another, applied("reader", sequence=2))

    assert accounts.stretch(accounts.entries[0]) == hops


def test_a_stretch_is_named_where_middle_hops_cannot_be_seen() -> None:
    accounts = books(*published(1), *published(2), applied("reader", sequence=2))

    assert accounts.stretch(accounts.entries[0]) == ("commit", "apply")


def test_a_loss_shortly_before_a_recording_was_killed_is_undecided() -> None:
    step = an_op("story", "step", type="invoke", step="Wait")

    assert [entry.undecided for entry in books(step, *published(1, at=1.0)).entries] == [True]


@pytest.mark.parametrize("type", ["ok", "info"])
def test_a_loss_before_the_run_settled_is_certain(type: Type) -> None:
    step = an_op("story", "step", type="invoke", step="Wait")

    accounts = books(step, *published(1), settled(type=type))

    assert [entry.undecided for entry in accounts.entries] == [False]


def test_an_empty_history_has_empty_books() -> None:
    accounts = account(a_history())

    assert (accounts.entries, accounts.extras, accounts.coverage) == ((), (), {})


def test_a_failure_of_which_nobody_in_the_application_was_told_is_silent() -> None:
    failed = an_op("app", "insert", type="fail", error="no", process_id="p1", event_id="e1", attempt=1, unheard=True)

    assert the_bin(emitted(1), failed, *published(9)) is Bin.UNPUBLISHED_SILENT


def test_what_comes_to_a_client_that_just_listens_is_nothing_extra() -> None:
    listens = an_op("ear", "listen", topic="ear", bindings=[], user="bob", user_id=STRANGER, role="authenticated")
    came = an_op("ear", "receive", **row(1))

    with_it = books(listens, *published(1), came, applied("reader", sequence=1))
    without = books(*published(1), came, applied("reader", sequence=1))

    assert [extra for extra, _ in with_it.extras] == []
    assert [extra for extra, _ in without.extras] == [Extra.MISROUTED]
