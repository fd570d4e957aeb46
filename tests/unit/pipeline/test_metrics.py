"""What was published, failed and received, and how long it took."""

import pytest

from harness.pipeline.metrics import Metrics, Summary


def test_nothing_is_known_before_anything_happens() -> None:
    assert Metrics().summary() == Summary(
        published=0,
        failed=0,
        received=0,
        skewed=0,
        success_rate=None,
        average_bytes=None,
        p50_s=None,
        p95_s=None,
        p99_s=None,
        longest_s=None,
    )


def test_failures_count_against_success() -> None:
    metrics = Metrics()
    for size in (100, 200, 600):
        metrics.published(size)
    metrics.failed()

    summary = metrics.summary()

    assert (summary.published, summary.failed, summary.success_rate, summary.average_bytes) == (3, 1, 0.75, 300.0)


def test_the_95th_percentile_of_a_hundred_is_the_95th() -> None:
    metrics = Metrics()
    for number in range(1, 101):
        metrics.received(number / 1000)

    found = [metrics.percentile(share) for share in (0.01, 0.5, 0.95, 1.0)]

    assert found == pytest.approx([0.001, 0.050, 0.095, 0.100], rel=0.01)
    assert metrics.percentile(0.95) >= 0.095  # type: ignore[operator]


def test_every_receipt_counts_and_not_only_the_last_hundred() -> None:
    metrics = Metrics()
    for _ in range(200):
        metrics.received(1.0)
    for _ in range(100):
        metrics.received(0.001)

    assert metrics.percentile(0.5) == pytest.approx(1.0, rel=0.01)
    assert metrics.summary().longest_s == 1.0


def test_what_came_before_it_was_sent_is_counted_apart() -> None:
    metrics = Metrics()
    metrics.received(-0.5)
    metrics.received(0.0)

    summary = metrics.summary()

    assert (summary.skewed, summary.received, summary.longest_s, summary.p99_s) == (1, 1, 0.0, 0.0)
