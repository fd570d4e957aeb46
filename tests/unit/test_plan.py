"""Capacity: the worked examples of load-practice 4.3, and the published table itself."""

from typing import Any

import pytest

from harness.errors import UsageError
from harness.plan import MEASURED, PUBLISHED, Bound, Load, bounds, knee, rate
from harness.realtime.plans import PLANS


def allowed(load: Load, *, plan: str = "free", published: bool | None = None) -> dict[str, int | None]:
    """Limit → generations; `published`: with the ceiling of Micro under that row security."""
    ceilings = {} if published is None else {"ceiling": PUBLISHED["micro", published]}
    limits = next(limits for name, limits in PLANS.items() if name == plan)
    return {one.limit: one.generations for one in bounds(load, limits, ceilings)}


def a_load(changes_per_s: float, *, subscribers: int = 1) -> Load:
    return Load(changes_per_s=changes_per_s, subscribers=subscribers, duration_s=20.0, row_bytes=5_000)


@pytest.mark.parametrize(
    ("changes_per_s", "row_security", "generations"),
    [(5, False, 12), (5, True, 6), (20, False, 3), (20, True, 1)],
    ids=["64/5", "30/5", "64/20", "30/20"],
)
def test_the_published_ceiling_allows_what_load_practice_works_out(
    changes_per_s: float, row_security: bool, generations: int
) -> None:
    assert allowed(a_load(changes_per_s), published=row_security)["ceiling"] == generations


@pytest.mark.parametrize(("subscribers", "generations"), [(1, 20), (2, 10)])
def test_the_free_plan_allows_what_load_practice_works_out(subscribers: int, generations: int) -> None:
    assert allowed(a_load(5, subscribers=subscribers))["db_events_per_second"] == generations


@pytest.mark.parametrize(
    ("compute", "row_security", "clients", "changes_per_s"),
    [
        ("micro", False, 500, 64),
        ("micro", False, 5_000, 10),
        ("micro", False, 10_000, 5),
        ("micro", False, 30_000, 1),
        ("micro", True, 500, 30),
        ("micro", True, 1_500, 10),
        ("micro", True, 3_000, 5),
        ("small", False, 35_000, 1),
        ("small", True, 1_500, 10),
        ("large", False, 100_000, 0.1),
        ("large", False, 200_000, 0.05),
        ("large", True, 500, 40),
        ("large", True, 4_000, 5),
    ],
)
def test_every_line_of_the_published_table_is_kept(
    compute: str, row_security: bool, clients: int, changes_per_s: float
) -> None:
    curve = next(curve for key, curve in PUBLISHED.items() if key == (compute, row_security))

    assert rate(curve, clients) == pytest.approx(changes_per_s)


def test_between_two_points_the_rate_falls_and_behind_the_last_deliveries_stay() -> None:
    curve = ((10, 100.0), (1_000, 1.0))

    assert [rate(curve, number) for number in (1, 10, 100, 1_000, 2_000)] == pytest.approx([100, 100, 10, 1, 0.5])


def test_more_tabs_bring_a_server_to_its_ceiling_sooner() -> None:
    one, fifty = (
        bounds(a_load(5, subscribers=tabs), PLANS["off"], {"ceiling": MEASURED[False]})[0].generations
        for tabs in (1, 50)
    )

    assert (one, fifty) == (65, 9)


@pytest.mark.parametrize("tabs", [1, 3, 50])
@pytest.mark.parametrize("changes_per_s", [0.7, 5.0, 22.0])
def test_one_generation_more_would_be_above_the_ceiling(tabs: int, changes_per_s: float) -> None:
    curve = MEASURED[True]

    most = bounds(a_load(changes_per_s, subscribers=tabs), PLANS["off"], {"ceiling": curve})[0].generations or 0

    assert most * changes_per_s <= rate(curve, most * tabs)
    assert (most + 1) * changes_per_s > rate(curve, (most + 1) * tabs)


def test_what_comes_first_is_at_the_head_and_what_never_comes_at_the_end() -> None:
    found = bounds(a_load(5), PLANS["free"], {"ceiling": PUBLISHED["micro", False]})

    assert [(one.limit, one.generations) for one in found] == [
        ("ceiling", 12),
        ("db_events_per_second", 20),
        ("max_concurrent_users", 200),
        ("max_joins_per_second, all at once", 500),
        ("max_joins_per_second", 1_000),
        ("max_channels_per_client", None),
        ("max_events_per_second", None),
        ("change payload", None),
    ]


def test_a_row_that_is_too_large_allows_none() -> None:
    large = Load(changes_per_s=5, duration_s=20.0, row_bytes=1_048_577)

    assert bounds(large, PLANS["free"], {})[0] == Bound(
        limit="change payload", generations=0, allows="1,048,576", takes="1,048,577 bytes, the largest row"
    )


def test_without_limits_nothing_comes_first() -> None:
    assert {one.generations for one in bounds(a_load(5), PLANS["off"], {})} == {None}


def test_a_bench_is_a_curve_of_changes_to_each() -> None:
    bench: dict[str, dict[str, float | None]] = {
        "10": {"off": 13_930.0, "on": None},
        "1": {"off": 1_513.0, "on": 1_534.0},
    }

    assert knee(bench, row_security=False) == [(1.0, 1_513.0), (10.0, 1_393.0)]
    assert knee(bench, row_security=True) == [(1.0, 1_534.0)]


@pytest.mark.parametrize("document", [{}, {"1": {"on": None}}, {"one": {"on": 3.0}}, {"1": 5.0}])
def test_what_is_no_bench_is_wrong_usage(document: Any) -> None:
    with pytest.raises(UsageError, match="no deliveries per second"):
        knee(document, row_security=True)
