"""How sure a percentile is."""

from random import Random

import pytest

from load.judging.confidence import interval
from load.judging.histogram import Times


def seconds(rng: Random, *, count: int, mean: float = 0.1) -> list[Times]:
    return [Times.of(rng.expovariate(1 / mean) for _ in range(200)) for _ in range(count)]


def test_the_percentile_of_the_whole_lies_within_its_interval() -> None:
    several = seconds(Random(1), count=20)
    rng = Random(1)
    whole = Times.of(rng.expovariate(10.0) for _ in range(20 * 200))

    found = interval(several, 0.99, Random(2))

    assert found is not None
    assert found[0] <= (whole.at(0.99) or 0.0) <= found[1]


def test_the_same_chance_gives_the_same_interval() -> None:
    several = seconds(Random(1), count=5)

    assert interval(several, 0.99, Random(3)) == interval(several, 0.99, Random(3))


def test_the_true_value_lies_in_nearly_all_intervals() -> None:
    true = 0.1 * 4.60517  # p99 of an exponential distribution with this mean
    found = [interval(seconds(Random(seed), count=30), 0.99, Random(seed), rounds=200) for seed in range(40)]

    assert sum(low <= true <= high for low, high in (each for each in found if each is not None)) >= 34


def test_one_slow_second_of_many_makes_it_unsure() -> None:
    calm = [Times.of([0.1] * 100) for _ in range(10)]
    stall = Times.of([2.0] * 100)

    found = interval([*calm, stall], 0.99, Random(1))

    assert found == pytest.approx((0.1, 2.0), rel=0.01)


def test_seconds_that_are_all_alike_leave_no_doubt() -> None:
    assert interval([Times.of([0.1])] * 5, 0.99, Random(1)) == pytest.approx((0.1, 0.1), rel=0.01)


@pytest.mark.parametrize("several", [[], [Times.of([0.1, 0.2])], [Times.of([0.1]), Times()]])
def test_a_single_second_says_nothing_of_the_next(several: list[Times]) -> None:
    assert interval(several, 0.99, Random(1)) is None
