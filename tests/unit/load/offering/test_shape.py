"""Shapes: the events of an even schedule, moved in time."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from load import plan
from load.offering.shape import SHAPES

NAMES = st.sampled_from(sorted(SHAPES))
SECONDS = st.floats(min_value=0.5, max_value=3600.0)
SHARES = st.floats(min_value=0.0, max_value=1.2)


def share_said(name: str, first: float, last: float) -> float:
    """Which share of an even schedule is said between two shares of the run."""
    said = [SHAPES[name].warped(number / 10_000, 1.0) for number in range(10_000)]
    return sum(first <= at < last for at in said) / len(said)


def test_each_shape_of_the_plan_is_there() -> None:
    assert {name: shape.mean for name, shape in SHAPES.items()} == pytest.approx(plan.SHAPES)


@given(NAMES, SECONDS, st.lists(SHARES, min_size=2))
def test_no_event_overtakes_another(name: str, seconds: float, shares: list[float]) -> None:
    even = [seconds * share for share in sorted(shares)]

    warped = [SHAPES[name].warped(at, seconds) for at in even]

    assert all(later >= earlier or later == pytest.approx(earlier) for earlier, later in pairwise(warped))


@given(NAMES, SECONDS)
def test_a_shape_begins_and_ends_with_the_run(name: str, seconds: float) -> None:
    shape = SHAPES[name]

    assert (shape.warped(0.0, seconds), shape.warped(seconds, seconds)) == pytest.approx((0.0, seconds))


@given(NAMES, SECONDS, SHARES)
def test_the_length_of_the_run_stretches_everything_alike(name: str, seconds: float, share: float) -> None:
    shape = SHAPES[name]

    assert shape.warped(share * seconds, seconds) == pytest.approx(seconds * shape.warped(share, 1.0), abs=1e-9)


@given(SECONDS, SHARES)
def test_a_plateau_moves_nothing_at_all(seconds: float, share: float) -> None:
    at = share * seconds

    assert SHAPES["plateau"].warped(at, seconds) == at


@pytest.mark.parametrize(("name", "mean"), [("plateau", 1.0), ("ramp", 0.7625), ("steps", 0.6), ("spike", 1.4)])
def test_how_much_is_said_is_the_area_under_the_rate(name: str, mean: float) -> None:
    assert SHAPES[name].mean == pytest.approx(mean)


def test_a_ramp_says_little_at_first_and_then_all_it_can() -> None:
    mean = SHAPES["ramp"].mean

    assert mean * share_said("ramp", 0.5, 1.0) == pytest.approx(0.5, abs=0.001)
    assert mean * share_said("ramp", 0.0, 0.1) == pytest.approx(0.0145, abs=0.001)
    assert mean * share_said("ramp", 0.4, 0.5) == pytest.approx(0.0905, abs=0.001)


@pytest.mark.parametrize("step", [1, 2, 3, 4, 5])
def test_each_step_of_a_staircase_says_as_much_more(step: int) -> None:
    said = SHAPES["steps"].mean * share_said("steps", (step - 1) / 5, step / 5)

    assert said == pytest.approx(step / 5 / 5, abs=0.001)


def test_a_spike_is_five_times_as_dense_for_a_tenth_of_the_time() -> None:
    mean = SHAPES["spike"].mean

    assert mean * share_said("spike", 0.45, 0.55) == pytest.approx(0.5, abs=0.001)
    assert mean * share_said("spike", 0.0, 0.45) == pytest.approx(0.45, abs=0.001)
