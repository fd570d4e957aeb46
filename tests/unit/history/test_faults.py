from typing import Any

from harness.history import Op
from harness.history.faults import FaultStretch, fault_stretches
from harness.history.op import Type
from tests.histories.literal import a_history, an_op


def fault(type: Type, *, at: float, name: str = "black_hole", **fields: Any) -> Op:
    return an_op("nemesis", "fault", at=at, type=type, fault=name, **fields)


def told(*ops: Op) -> list[tuple[str, str, float, float]]:
    return [(one.fault, one.where, one.start, one.end) for one in fault_stretches(a_history(*ops))]


def test_a_fault_holds_from_its_beginning_to_its_end() -> None:
    history = a_history(fault("invoke", at=1.0, link="r"), fault("ok", at=3.0, link="r"))

    assert fault_stretches(history) == [
        FaultStretch(fault="black_hole", where="r", begun=history[0], ended=history[1], end=3.0)
    ]


def test_faults_are_told_apart_by_all_their_fields() -> None:
    ops = [
        fault("invoke", at=1.0, link="r", codes=[1001]),
        fault("invoke", at=2.0, link="r", codes=[1012]),
        fault("ok", at=3.0, link="r", codes=[1012]),
        fault("ok", at=4.0, link="r", codes=[1001]),
    ]

    assert told(*ops) == [("black_hole", "r", 1.0, 4.0), ("black_hole", "r", 2.0, 3.0)]


def test_the_same_fault_may_come_again() -> None:
    ops = [fault("invoke", at=1.0, reader="r"), fault("ok", at=2.0, reader="r"), fault("invoke", at=3.0, reader="r")]

    assert told(*ops, an_op("story", "settle", at=9.0)) == [
        ("black_hole", "r", 1.0, 2.0),
        ("black_hole", "r", 3.0, 9.0),
    ]


def test_one_that_could_not_begin_is_none_and_one_that_could_not_end_holds_on() -> None:
    never = fault("fail", at=1.0, name="slot_lost")
    stuck = [fault("invoke", at=2.0), fault("fail", at=3.0), an_op("story", "settle", at=9.0)]

    assert told(never, *stuck) == [("black_hole", "", 2.0, 9.0)]


def test_it_concerns_the_reader_that_it_names_or_all() -> None:
    (own, all_, none) = fault_stretches(
        a_history(fault("invoke", at=1.0, reader="r"), fault("invoke", at=2.0, link="*"), fault("invoke", at=3.0))
    )

    assert [one.concerns("r") for one in (own, all_, none)] == [True, True, False]
    assert [one.concerns("s") for one in (own, all_, none)] == [False, True, False]
