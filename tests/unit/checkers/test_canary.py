from typing import Any

import pytest

from harness.checkers import Canary, Finding, Valid, Verdict
from harness.history import Op
from tests.histories.literal import STRANGER, a_history, an_op, applied, committed, emitted, row, started, subscribed

CHECKER = Canary(within=10.0)
NOTHING = "the history has nothing that this checker looks at"
LIVE = an_op("reader", "status", at=1.0, process_id="p1", status="live")
WATCHED = (started(at=0.0), subscribed("reader"), LIVE)


def says(status: str, *, at: float) -> Op:
    return an_op("reader", "status", at=at, process_id="p1", status=status)


def received(*, at: float, **row: Any) -> Op:
    return an_op("reader", "receive", at=at, **row)


def end(*, at: float) -> Op:
    return an_op("story", "settle", at=at)


def judged(*ops: Op) -> Verdict:
    return CHECKER.check(a_history(*WATCHED, *ops))


def test_a_reader_that_is_live_and_hears_nothing_is_convicted() -> None:
    history = a_history(*WATCHED, received(at=2.0), committed(5, at=4.0), committed(6, at=5.0), end(at=20.0))

    verdict = CHECKER.check(history)

    assert verdict == Verdict.invalid(
        Finding(
            "zombie",
            history[2:5],
            {
                "reader": "reader",
                "process_id": "p1",
                "event_id": "e5",
                "event_type": "step_update",
                "sequence": 5,
                "committed_at": 4.0,
                "last_heard_at": 2.0,
                "within_s": 10.0,
            },
        )
    )
    assert verdict.looked_at == 1


@pytest.mark.parametrize(
    "heard",
    [
        received(at=13.0, table="generated_articles_state", process_id="p1"),
        an_op("reader", "fetch", at=13.0, process_id="p1", events=2),
        applied("reader", sequence=1, at=13.0),
    ],
    ids=["a row of the other table", "a fetch with events", "an application"],
)
def test_whatever_comes_in_time_is_a_sign_of_life(heard: Op) -> None:
    verdict = judged(committed(1, at=4.0), heard, end(at=90.0))

    assert verdict == Verdict.of([], looked_at=1)
    assert verdict.looked_at == 1


@pytest.mark.parametrize(
    "heard",
    [
        received(at=14.5),
        an_op("reader", "fetch", at=13.0, process_id="p1", events=0),
        an_op("reader", "fetch", at=13.0, type="fail", process_id="p1", error="no answer"),
        an_op("other", "receive", at=13.0),
        received(at=14.5, event_id="e1", process_id="p1", sequence=1),
        an_op("realtime", "send", at=5.0, link="reader", **row(1)),
    ],
    ids=[
        "too late",
        "a fetch without events",
        "a fetch that failed",
        "somebody else's",
        "the very event, too late",
        "what the server sent",
    ],
)
def test_other_things_are_none(heard: Op) -> None:
    assert judged(committed(1, at=4.0), heard, end(at=90.0)).valid is Valid.NO


def test_an_event_that_it_has_by_a_hair_too_early_is_no_proof() -> None:
    early = received(at=3.999, event_id="e1", process_id="p1", sequence=1)

    assert judged(early, committed(1, at=4.0), end(at=90.0)).valid is Valid.YES


@pytest.mark.parametrize(
    "stop", [says("catching_up", at=13.9), an_op("reader", "view", at=13.9, process_id="p1"), end(at=13.9)]
)
def test_a_stretch_that_was_cut_short_is_no_proof(stop: Op) -> None:
    assert judged(committed(1, at=4.0), stop).valid is Valid.UNKNOWN


def test_a_stretch_that_was_cut_short_may_have_had_its_answer() -> None:
    verdict = judged(committed(1, at=4.0), received(at=4.1), says("catching_up", at=5.0))

    assert verdict.valid is Valid.YES
    assert verdict.looked_at == 1


def test_a_stretch_that_was_long_enough_is_one() -> None:
    assert judged(committed(1, at=4.0), says("catching_up", at=14.0)).valid is Valid.NO
    assert judged(committed(1, at=4.0), end(at=14.0)).valid is Valid.NO


@pytest.mark.parametrize(
    ("fault", "reader", "begun", "ended", "valid"),
    [
        ("laptop_sleeps", "reader", 5.0, 30.0, Valid.UNKNOWN),
        ("tab_hidden", "reader", 2.0, 5.0, Valid.UNKNOWN),
        ("laptop_sleeps", "another", 5.0, 30.0, Valid.NO),
        ("laptop_sleeps", "reader", 2.0, 3.0, Valid.NO),
        ("laptop_sleeps", "reader", 20.0, 30.0, Valid.NO),
        ("black_hole", "reader", 5.0, 30.0, Valid.NO),
    ],
)
def test_a_machine_that_sleeps_hears_nothing_and_is_no_zombie(
    fault: str, reader: str, begun: float, ended: float, valid: Valid
) -> None:
    window = [
        an_op("nemesis", "fault", at=begun, type="invoke", fault=fault, reader=reader),
        an_op("nemesis", "fault", at=ended, fault=fault, reader=reader),
    ]
    ops = sorted([committed(1, at=4.0), *window], key=lambda op: op.time)

    assert judged(*ops, end(at=90.0)).valid is valid


def test_only_what_is_owed_counts() -> None:
    spy = an_op("spy", "status", at=1.0, process_id="p1", status="live")
    strange = [started(at=0.0), subscribed("spy", user=STRANGER), spy, committed(1, at=4.0), end(at=90.0)]

    assert CHECKER.check(a_history(*strange)).valid is Valid.UNKNOWN
    assert judged(committed(1, at=4.0, process="p2"), end(at=90.0)).valid is Valid.UNKNOWN
    assert judged(says("ended", at=3.0), committed(1, at=4.0), end(at=90.0)).valid is Valid.UNKNOWN
    assert judged(emitted(1, at=4.0), end(at=90.0)) == Verdict.unknown(NOTHING)
    assert CHECKER.check(a_history(LIVE, committed(1, at=4.0), end(at=90.0))) == Verdict.unknown(NOTHING)


def test_each_stretch_is_judged_for_itself() -> None:
    verdict = judged(
        committed(1, at=4.0),
        says("catching_up", at=20.0),
        an_op("reader", "fetch", at=20.1, process_id="p1", events=1),
        says("live", at=20.2),
        committed(2, at=21.0),
        end(at=90.0),
    )

    assert [finding.detail["sequence"] for finding in verdict.findings] == [1, 2]


def test_an_empty_history_is_unknown() -> None:
    assert CHECKER.check(a_history()).valid is Valid.UNKNOWN
