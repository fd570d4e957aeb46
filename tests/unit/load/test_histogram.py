"""Durations as histograms that are added, not averaged."""

import pytest

from load.histogram import Times


def test_percentiles_are_those_of_all_when_two_are_merged() -> None:
    fast, slow = Times.of([0.001] * 99), Times.of([1.0] * 99)

    fast.merge(slow)

    assert fast.count == 198
    assert fast.at(0.50) == pytest.approx(0.001, rel=0.01)
    assert fast.at(0.99) == pytest.approx(1.0, rel=0.01)


def test_what_was_encoded_comes_back() -> None:
    times = Times.of([0.002, 0.004, 3.0])

    back = Times.decoded(times.encoded())

    assert [back.count, back.at(0.5), back.at(1.0)] == [times.count, times.at(0.5), times.at(1.0)]


def test_a_time_below_zero_is_counted_and_kept_as_the_shortest() -> None:
    times = Times.of([-0.5, 0.010])

    assert (times.negative, times.count) == (1, 2)
    assert times.at(0.5) == pytest.approx(1e-6)


def test_no_times_have_no_percentile() -> None:
    assert Times().at(0.99) is None
