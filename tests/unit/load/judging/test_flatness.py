"""What is flat and what grows."""

from random import Random

import pytest

from harness.checkers.checker import Valid
from load.judging.flatness import Flatness, Sample, flatness


def samples(*mib: float) -> list[Sample]:
    return [(float(at), each) for at, each in enumerate(mib)]


def test_what_stays_is_flat() -> None:
    found = flatness(samples(*[100.0] * 20), warm=0.0, generation=0.5)

    assert found == Flatness(samples=20, first=100.0, last=100.0, growth=0.0, slope=0.0)
    assert found.verdict().valid is Valid.YES


def test_a_steady_leak_is_told_with_its_size() -> None:
    found = flatness(samples(*(100.0 + at for at in range(50))), warm=0.0, generation=0.5)

    assert (found.first, found.last) == (104.5, 144.5)
    assert found.slope == pytest.approx(60.0)
    assert found.verdict().valid is Valid.NO
    assert found.verdict().findings[0].what == "from 104.5 to 144.5 MiB is +38.3 %, and must be at most 5 %"


def test_growth_within_the_warm_up_does_not_count() -> None:
    grown = samples(*(float(at) for at in range(1, 101)), *[100.0] * 20)

    assert flatness(grown, warm=100.0, generation=0.5).growth == 0.0


def test_a_peak_at_the_end_is_no_growth() -> None:
    assert flatness(samples(*[100.0] * 24, 500.0), warm=0.0, generation=0.5).growth == 0.0


def test_noise_and_a_sawtooth_are_flat() -> None:
    rng = Random(1)
    found = flatness(samples(*(100 + at % 10 + rng.uniform(-1, 1) for at in range(300))), warm=0.0, generation=0.5)

    assert found.growth == pytest.approx(0.0, abs=1.0)
    assert found.slope == pytest.approx(0.0, abs=0.1)


@pytest.mark.parametrize("seconds", range(560, 620, 7))
def test_in_which_part_of_a_generation_the_run_ends_is_no_growth(seconds: int) -> None:
    """From 100 to 130 MiB in each generation of 61.5 s, of which a fifth of the run is no multiple."""
    told = samples(*(100 + 30 * (at % 61.5) / 61.5 for at in range(seconds)))

    found = flatness(told, warm=0.2 * seconds, generation=61.5)

    assert found.growth == pytest.approx(0.0, abs=0.5)


def test_a_leak_from_generation_to_generation_is_found_below_the_saw_tooth() -> None:
    told = samples(*(100 + 30 * (at % 61.5) / 61.5 + 2 * (at // 61.5) for at in range(615)))

    assert flatness(told, warm=123.0, generation=61.5).verdict().valid is Valid.NO


def test_of_less_than_two_whole_generations_nothing_can_be_said() -> None:
    found = flatness(samples(*[100.0] * 120), warm=0.0, generation=61.5)

    assert found == Flatness(samples=120)
    assert found.verdict().reason == (
        "120 samples after the warm-up are too few: 15 of them, and two whole generations, would not be"
    )


def test_who_shrinks_is_flat() -> None:
    assert flatness(samples(*(200.0 - at for at in range(50))), warm=0.0, generation=0.5).verdict().valid is Valid.YES


@pytest.mark.parametrize(("count", "valid"), [(14, Valid.UNKNOWN), (15, Valid.YES)])
def test_of_too_few_samples_nothing_can_be_said(count: int, valid: Valid) -> None:
    assert flatness(samples(*[1.0] * count), warm=0.0, generation=0.5).verdict().valid is valid


def test_the_bound_itself_is_flat() -> None:
    grown = samples(*[100.0] * 10, *[105.0] * 10)

    assert flatness(grown, warm=0.0, generation=0.5).verdict(5.0).valid is Valid.YES
    assert flatness(grown, warm=0.0, generation=0.5).verdict(4.9).valid is Valid.NO


def test_the_slope_of_a_long_run_is_taken_from_some_of_its_samples() -> None:
    found = flatness(samples(*(1000.0 + at for at in range(5000))), warm=0.0, generation=0.5)

    assert found.slope == pytest.approx(60.0)
