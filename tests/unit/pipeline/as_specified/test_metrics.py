"""The collector says what it says, whatever happens."""

from harness.pipeline.as_specified.metrics import MetricsCollector
from tests.instant import run


async def collected(times: list[float]) -> MetricsCollector:
    collector = MetricsCollector()
    for number, time in enumerate(times, start=1):
        await collector.record_event_published(100 * number, time)
    return collector


def test_before_the_first_event_all_is_zero_and_nothing_has_succeeded() -> None:
    assert MetricsCollector().get_performance_summary() == {
        "total_events": 0,
        "failed_events": 0,
        "success_rate": 0.0,
        "average_event_size_bytes": 0.0,
        "average_delivery_time_ms": 0,
        "p95_delivery_time_ms": 0,
    }


def test_sizes_and_times_are_averaged_and_success_is_always_complete() -> None:
    assert run(collected([10.0, 20.0, 60.0])).get_performance_summary() == {
        "total_events": 3,
        "failed_events": 0,
        "success_rate": 100.0,
        "average_event_size_bytes": 200.0,
        "average_delivery_time_ms": 30.0,
        "p95_delivery_time_ms": 60.0,
    }


def test_the_percentile_of_a_hundred_is_the_ninety_sixth() -> None:
    summary = run(collected([float(number) for number in range(1, 101)])).get_performance_summary()

    assert summary["p95_delivery_time_ms"] == 96.0


def test_only_the_last_hundred_times_are_kept() -> None:
    collector = run(collected([1000.0, *([1.0] * 100)]))

    assert collector.get_performance_summary()["average_delivery_time_ms"] == 1.0
    assert collector.events_published == 101
