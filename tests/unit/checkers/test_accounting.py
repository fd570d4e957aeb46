from harness.checkers import Accounting, Finding, Valid, Verdict
from harness.history import Op
from tests.histories.literal import a_history, an_op, applied, committed, emitted, inserted, started, subscribed


def published(sequence: int) -> tuple[Op, ...]:
    return emitted(sequence, at=1.0), inserted(sequence), committed(sequence)


WATCHED = (started(at=0.0), subscribed("reader"))


def test_an_event_lost_in_silence_is_convicted() -> None:
    history = a_history(*WATCHED, *published(1), *published(2), applied("reader", sequence=2))

    verdict = Accounting().check(history)

    assert verdict == Verdict.invalid(
        Finding(
            "lost_silent",
            history[2:5],
            {
                "reader": "reader",
                "process_id": "p1",
                "event_id": "e1",
                "event_type": "step_update",
                "sequence": 1,
                "last_hop": "commit",
                "next_hop": "apply",
            },
        )
    )
    assert verdict.looked_at == 2


def test_an_event_that_was_never_published_is_convicted() -> None:
    history = a_history(*WATCHED, emitted(1), *published(2), applied("reader", sequence=2))

    assert [finding.what for finding in Accounting().check(history).findings] == ["unpublished_silent"]


def test_a_loss_that_was_announced_is_not() -> None:
    gap = an_op("reader", "gap_permanent", process_id="p1", after=0, before=2)
    history = a_history(*WATCHED, *published(1), *published(2), applied("reader", sequence=2), gap)

    assert Accounting().check(history).valid is Valid.YES


def test_so_much_loss_may_be_allowed() -> None:
    history = a_history(*WATCHED, *published(1), *published(2), applied("reader", sequence=2))

    assert Accounting(silent_loss=1).check(history).valid is Valid.YES


def test_sums_that_are_not_right_are_unknown() -> None:
    history = a_history(*WATCHED, *published(1), applied("reader", sequence=1), committed(2))

    verdict = Accounting().check(history)

    assert verdict == Verdict.unknown(
        "the sums are not right: 1 ops tell of events that were not emitted, or emitted twice, the first is op 6 "
        "(commit of event e2)"
    )


def test_a_recording_that_was_killed_is_not_blamed_for_what_was_on_its_way() -> None:
    step = an_op("story", "step", type="invoke", step="WaitFor")
    history = a_history(*WATCHED, step, *published(1))

    assert Accounting().check(history) == Verdict.unknown("the recording stops before 1 missing events were due")


def test_a_history_without_events_is_unknown() -> None:
    assert Accounting().check(a_history(*WATCHED)).valid is Valid.UNKNOWN
