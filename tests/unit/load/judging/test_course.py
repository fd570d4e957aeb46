"""What a step's run told."""

from collections.abc import Mapping
from typing import Any

import pytest

from harness.checkers.checker import Finding, Valid, Verdict
from load.judging.course import course
from load.judging.figures import DELIVERY_P50, DELIVERY_P99, LAG_P99, OFFERED, PER_S, TEXT_KEPT
from load.judging.judged import COURSE, Judged
from load.judging.knee import GENERATOR_LATE, Course
from load.plan import Plan

FIGURES: Mapping[str, float | None] = {
    OFFERED: 960,
    PER_S: 150.0,
    DELIVERY_P50: 40.0,
    DELIVERY_P99: 900.0,
    LAG_P99: 2.0,
    "engine cpu cores": 0.8,
    "locust cpu cores": 0.5,
}
TOLD: Mapping[str, Any] = {
    "confidence": {DELIVERY_P99: [700.0, 1000.0]},
    "delivery by second": {"3": {"p99": 1200.0}, "2": {"p99": 500.0}, "10": {"p99": None}, "5": {"p99": 1500.0}},
    "backlog grows at s": 4.0,
    "first lost at s": 2.5,
}
ON_TIME = {LAG_P99: Verdict(valid=Valid.YES, looked_at=1)}


def judged(figures: Mapping[str, float | None] = FIGURES, claims: Mapping[str, Verdict] = ON_TIME) -> Judged:
    return Judged(plan=Plan(seconds=12.0), figures=figures, checked={}, claims=claims)


def test_figures_and_moments_are_taken_from_the_result() -> None:
    assert course(judged(), TOLD, slo=1.0) == Course(
        offered=80.0,
        delivered=150.0,
        p50=0.04,
        p99=0.9,
        p99_low=0.7,
        p99_high=1.0,
        lost_at=2.5,
        slow_at=4.0,
        grows_at=4.0,
        bound="engine (0.80 cores)",
    )


def test_offered_is_by_the_second_of_all_generations() -> None:
    of_two = Judged(plan=Plan(seconds=12.0, generations=2), figures=FIGURES, checked={}, claims=ON_TIME)

    assert course(of_two, TOLD, slo=1.0).offered == 40.0


def test_a_late_generator_is_told_by_its_name() -> None:
    late = {LAG_P99: Verdict.unknown("generator lag p99 ms is 30, and must be at most 10")}

    assert course(judged(claims=late), TOLD, slo=1.0).unknown == GENERATOR_LATE


def test_any_other_doubt_is_told_in_its_own_words() -> None:
    broken = {**ON_TIME, COURSE: Verdict.unknown("of 20 readers only 3 were ready")}

    assert course(judged(claims=broken), TOLD, slo=1.0).unknown == "of 20 readers only 3 were ready"


def test_a_run_that_was_not_judged_says_nothing() -> None:
    found = course(judged({}, {COURSE: Verdict.unknown("it was not judged")}), {}, slo=1.0)

    assert found == Course(unknown="it was not judged")


def test_without_a_single_delivery_nothing_is_said() -> None:
    assert course(judged({**FIGURES, DELIVERY_P99: None}), {}, slo=1.0).unknown == "nothing was delivered"


def test_what_is_invalid_is_no_doubt_but_told() -> None:
    wrong = Verdict.invalid(Finding("wrong"), looked_at=1)
    claims = {**ON_TIME, TEXT_KEPT: wrong, "order": wrong, DELIVERY_P99: wrong}

    found = course(judged(claims=claims), TOLD, slo=1.0)

    assert (found.unknown, found.unexpected) == ("", (TEXT_KEPT, "order"))


NO_P99: Mapping[str, float | None] = {**FIGURES, DELIVERY_P99: None}
NOT_MEASURED = {**ON_TIME, DELIVERY_P99: Verdict.unknown("delivery p99 ms could not be measured")}


def test_where_all_is_lost_that_is_what_the_run_says() -> None:
    found = course(judged(NO_P99, NOT_MEASURED), {"first lost at s": 0.0}, slo=1.0)

    assert (found.unknown, found.lost_at) == ("", 0.0)


def test_where_nothing_came_and_that_was_not_expected_it_is_what_the_run_says() -> None:
    claims = {**NOT_MEASURED, TEXT_KEPT: Verdict.invalid(Finding("0 %"), looked_at=1)}

    found = course(judged(NO_P99, claims), {}, slo=1.0)

    assert (found.unknown, found.unexpected) == ("", (TEXT_KEPT,))


def test_where_all_is_lost_in_a_run_that_went_wrong_nothing_is_said() -> None:
    claims = {**NOT_MEASURED, COURSE: Verdict.unknown("of 20 readers only 3 were ready")}

    assert course(judged(NO_P99, claims), TOLD, slo=1.0).unknown == "of 20 readers only 3 were ready"


@pytest.mark.parametrize(
    ("cores", "bound", "busy"),
    [
        ({"locust cpu cores": 0.95}, "locust (0.95 cores)", True),
        ({"locust cpu cores": 0.95, "engine cpu cores": 0.97}, "engine (0.97 cores)", False),
        ({"publishing cpu cores": 0.85}, "publishing (0.85 cores)", False),
        ({"engine cpu cores": None, "locust cpu cores": None}, "", False),
    ],
)
def test_our_own_side_is_busy_where_it_has_all_of_a_processor_and_most_of_all(
    cores: Mapping[str, float | None], bound: str, busy: bool
) -> None:
    found = course(judged({**FIGURES, **cores}), {}, slo=1.0)

    assert (found.bound, found.busy) == (bound, busy)
