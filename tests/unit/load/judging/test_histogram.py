"""Durations as histograms."""

import pytest
from hdrh.histogram import HdrHistogram  # type: ignore[import-untyped]

from load.judging.histogram import Times


def test_a_percentile_is_the_time_that_so_many_do_not_exceed() -> None:
    times = Times.of([*[0.001] * 99, *[1.0] * 99])

    assert times.count == 198
    assert times.at(0.50) == pytest.approx(0.001, rel=0.01)
    assert times.at(0.99) == pytest.approx(1.0, rel=0.01)


def test_what_is_encoded_is_read_by_the_library_of_the_format() -> None:
    back = HdrHistogram.decode(Times.of([0.002, 0.004, 3.0]).encoded())

    assert back.get_total_count() == 3
    assert back.get_value_at_percentile(50) == pytest.approx(4_000, rel=0.01)
    assert back.get_max_value() == pytest.approx(3_000_000, rel=0.01)


def test_a_time_below_zero_is_counted_and_kept_as_the_shortest() -> None:
    times = Times.of([-0.5, 0.010])

    assert (times.negative, times.count) == (1, 2)
    assert times.at(0.5) == pytest.approx(1e-6)


def test_no_times_have_no_percentile() -> None:
    assert Times().at(0.99) is None


def test_what_was_met_is_told_with_how_often() -> None:
    times = Times.of([0.5, 0.001, 0.5])

    assert times.counted() == [(times.at(0.0), 1), (times.at(1.0), 2)]
    assert Times().counted() == []


def test_what_is_encoded_is_read_back_whole() -> None:
    times = Times.of([0.002, 0.004, 3.0])

    assert Times.decoded(times.encoded()).counted() == times.counted()


def test_two_are_merged_as_if_all_had_been_counted_in_one() -> None:
    fast, slow = Times.of([0.001] * 99), Times.of([-1.0, 1.0])

    fast.merge(slow)

    assert fast.counted() == Times.of([*[0.001] * 99, -1.0, 1.0]).counted()
    assert (fast.count, fast.negative) == (101, 1)
