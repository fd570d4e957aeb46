"""Several histories as one."""

from harness.history import Recorder
from load.merging import merged


def part(actor: str, *times: float) -> Recorder:
    clock = iter(times)
    recorder = Recorder(lambda: next(clock))
    for number, _ in enumerate(times):
        recorder.record(actor, "note", {"number": number})
    return recorder


def test_ops_are_in_the_order_of_time_and_numbered_anew() -> None:
    history = merged([part("a", 0.1, 0.3).ops(), part("b", 0.2, 0.4).ops()])

    assert [(op.index, op.actor, op.time) for op in history] == [
        (0, "a", 0.1),
        (1, "b", 0.2),
        (2, "a", 0.3),
        (3, "b", 0.4),
    ]


def test_ops_of_one_moment_keep_the_order_of_their_part() -> None:
    history = merged([part("a", 0.1, 0.1).ops(), part("b", 0.1).ops()])

    assert [(op.actor, op.value.number) for op in history] == [("a", 0), ("a", 1), ("b", 0)]
