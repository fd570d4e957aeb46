"""Several histories as one."""

from collections.abc import Sequence

from harness.history import Op, Recorder
from load.judging.figures import Measured, measure
from load.judging.histogram import Times
from load.judging.merging import merged


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


def test_the_run_has_come_to_rest_when_the_last_of_its_parts_has() -> None:
    first, second = rests(1.0, 5.0, actor="a"), rests(2.0, 4.0, actor="b")

    history = merged([first, second])

    assert [(op.time, op.value["from"]) for op in history.where(f="settle", type="ok")] == [(2.0, "b"), (5.0, "a")]


def test_a_part_that_ends_early_is_not_waited_for() -> None:
    history = merged([rests(1.0, actor="a"), rests(0.5, 4.0, actor="b")])

    assert [op.time for op in history.where(f="settle", type="ok")] == [1.0, 4.0]


def rests(*times: float, actor: str) -> Sequence[Op]:
    """A part that says of each generation that all is waited for, and when all had come."""
    clock = iter([time for end in times for time in (end - 0.25, end)])
    recorder = Recorder(lambda: next(clock))
    for _ in times:
        recorder.record("story", "settle", type="invoke")
        recorder.record("story", "settle", {"from": actor})
    return recorder.ops()


def test_percentiles_of_merged_parts_are_those_of_the_summed_histograms() -> None:
    """One quick worker with many deliveries, one slow with few: a mean of their percentiles would say nothing."""
    quick = deliveries("quick", [0.01 + 0.0001 * number for number in range(300)])
    slow = deliveries("slow", [0.5 + 0.01 * number for number in range(20)])

    whole, of_quick, of_slow = (
        measure(merged(parts), begin=0.0, warm_up=0.0, seconds=10.0) for parts in ([quick, slow], [quick], [slow])
    )

    summed = Times()
    for each in (of_quick, of_slow):
        summed.merge(each.delivery)
    shares = (0.5, 0.95, 0.99, 0.999)
    assert [whole.delivery.at(share) for share in shares] == [summed.at(share) for share in shares]
    assert (whole.delivery.count, whole.staleness.count) == (320, 320)
    averages = [(found(of_quick, share) + found(of_slow, share)) / 2 for share in shares]
    assert all(abs(mean - found(whole, share)) > 0.02 for mean, share in zip(averages, shares, strict=True))


def found(measured: Measured, share: float) -> float:
    at = measured.delivery.at(share)
    assert at is not None
    return at


def deliveries(process: str, latencies: Sequence[float]) -> Sequence[Op]:
    """A part: one event a second, each shown so much later than it was due."""
    told: list[tuple[float, str, str, dict[str, object]]] = [
        (0.0, f"reader of {process}", "subscribe", {"process_id": process, "role": "service_role"}),
        (0.0, f"reader of {process}", "ready", {"topic": process}),
    ]
    for number, latency in enumerate(latencies, start=1):
        keys = {"process_id": process, "event_id": f"{process} {number}", "event_type": "heartbeat"}
        due = float(number)
        emit = {**keys, "intent": number, "delivery_class": "latest", "due": due, "offered": due}
        told.append((due, "app", "emit", emit))
        told.append((due, "app", "insert", {**keys, "attempt": 1, "sequence": number}))
        told.append((due + latency, f"reader of {process}", "apply", {**keys, "sequence": number, "via": "live"}))
    told.sort(key=lambda one: one[0])
    clock = iter([time for time, *_ in told])
    recorder = Recorder(lambda: next(clock))
    for _, actor, f, value in told:
        recorder.record(actor, f, value)
    return recorder.ops()
