"""Which transport is recommended from which figures, and when none is."""

from collections.abc import Mapping

import pytest

from load.judging.figures import BYTES, COMMITS, DELIVERY_P50, DELIVERY_P99, INVERSIONS, LOST, MISSED, WAL
from load.judging.recommendation import CEILING, NEEDS, Advice, Recommendation, Side, recommend
from load.judging.usage import ENGINE, POSTGRES, cpu_of

FIGURES: Mapping[str, float | None] = {
    LOST: 0,
    INVERSIONS: 0,
    MISSED: 0,
    DELIVERY_P50: 8.0,
    DELIVERY_P99: 20.0,
    WAL: 40.0,
    COMMITS: 90.0,
    cpu_of(POSTGRES): 0.2,
    cpu_of(ENGINE): 0.1,
    BYTES: 1000.0,
}


def changes(told: Mapping[str, float | None], p99: tuple[float, float] | None = None) -> Side:
    sure = {} if p99 is None else {DELIVERY_P99: p99}
    return Side(transport="postgres_changes", figures={**FIGURES, **told}, sure=sure)


def broadcast(told: Mapping[str, float | None], p99: tuple[float, float] | None = None) -> Side:
    sure = {} if p99 is None else {DELIVERY_P99: p99}
    return Side(transport="broadcast", figures={**FIGURES, **told}, sure=sure)


def choices(recommendation: Recommendation) -> Mapping[str, str | None]:
    return {advice.need.figure: advice.choice for advice in recommendation.advices if advice.choice is not None}


def of(recommendation: Recommendation, figure: str) -> Advice:
    return next(advice for advice in recommendation.advices if advice.need.figure == figure)


def test_what_is_sooner_is_recommended_with_what_it_costs_told_for_the_other() -> None:
    found = recommend(changes({DELIVERY_P99: 118.0}), broadcast({DELIVERY_P99: 12.0, WAL: 84.0}))

    assert found.choice == "broadcast"
    assert found.sentences[:2] == [
        "Take broadcast for this load: delivery p99 12 ms against 118 ms (9.8 ×).",
        "Take postgres_changes where little WAL counts for more: database WAL 40 kB/s against 84 kB/s (2.1 ×).",
    ]


def test_a_loss_weighs_more_than_any_delay() -> None:
    found = recommend(changes({DELIVERY_P99: 900.0}), broadcast({LOST: 3}))

    assert found.choice == "postgres_changes"
    assert choices(found) == {LOST: "postgres_changes", DELIVERY_P99: "broadcast"}


def test_the_higher_ceiling_is_the_better_one() -> None:
    found = recommend(changes({CEILING: 100.0}), broadcast({CEILING: 400.0}))

    assert found.choice == "broadcast"
    assert found.sentences == [
        "Take broadcast for this load: ceiling 400 events/s against 100 events/s (4.0 ×).",
        "Nothing that was measured speaks for postgres_changes.",
        *found.sentences[2:],
    ]


@pytest.mark.parametrize(
    ("figure", "one", "other"),
    [
        (LOST, 1540.0, 1543.0),
        (MISSED, 0.0, 9.0),
        (DELIVERY_P99, 5.0, 14.0),
        (DELIVERY_P99, 500.0, 610.0),
        (CEILING, 100.0, 119.0),
        (WAL, 40.0, 43.0),
        (cpu_of(ENGINE), 0.001, 0.02),
    ],
)
def test_a_difference_within_noise_is_none(figure: str, one: float, other: float) -> None:
    found = recommend(changes({figure: one}), broadcast({figure: other}))

    assert (found.choice, choices(found)) == (None, {})
    assert found.sentences[0] == "Neither is better for this load."
    assert found.sentences[1].startswith("No difference that counts: lost silently ")


@pytest.mark.parametrize(("low", "choice"), [(300.0, None), (420.0, "broadcast")])
def test_percentiles_whose_intervals_meet_are_not_different(low: float, choice: str | None) -> None:
    slow = changes({DELIVERY_P99: 600.0}, p99=(low, 900.0))
    quick = broadcast({DELIVERY_P99: 200.0}, p99=(100.0, 400.0))

    assert recommend(slow, quick).choice == choice
    assert recommend(quick, slow).choice == choice


def test_of_a_run_that_says_nothing_nothing_is_said() -> None:
    late = Side(transport="broadcast", figures=FIGURES, unknown="generator lag p99 ms is 40")

    found = recommend(changes({DELIVERY_P99: 900.0}), late)

    assert found == Recommendation(
        choice=None, advices=(), sentences=("Cannot be said: broadcast: generator lag p99 ms is 40.",)
    )


def test_a_figure_that_one_run_has_not_is_not_compared() -> None:
    found = recommend(changes({CEILING: None}), broadcast({CEILING: 400.0}))

    assert (of(found, CEILING).known, of(found, CEILING).choice) == (False, None)
    assert found.sentences[-1] == "Cannot be said, as it was not measured: ceiling events/s."


def test_a_figure_that_no_run_has_is_not_spoken_of() -> None:
    found = recommend(changes({}), broadcast({}))

    assert [advice.need.figure for advice in found.advices] == [need.figure for need in NEEDS if need.figure != CEILING]


def test_zero_is_told_without_a_factor() -> None:
    found = recommend(changes({LOST: 0}), broadcast({LOST: 12}))

    assert of(found, LOST).told("postgres_changes") == "lost silently 0 against 12"
    assert of(found, LOST).told("broadcast") == "lost silently 12 against 0"
