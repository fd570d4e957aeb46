"""What is drawn of which figures."""

import pytest

from load.judging.histogram import Times
from load.judging.knee import Knee, Step
from load.telling.charts import seconds_axis
from load.telling.pictures import (
    Moment,
    amounts,
    colour,
    knee_curve,
    latency_over_time,
    percentiles,
    shared_latency_axis,
    time_axis,
)


def a_step(offered: float, p99: float | None, *limits: str, unknown: bool = False) -> Step:
    return Step(
        value=offered / 2,
        offered=offered,
        delivered=offered * 2,
        p50=None if p99 is None else p99 / 4,
        p99=p99,
        p99_low=None if p99 is None else p99 * 0.8,
        p99_high=None if p99 is None else p99 * 1.2,
        limits=limits,
        bound="engine",
        unknown=unknown,
    )


def a_knee(*steps: Step, knee: float | None, first_limit: str | None) -> Knee:
    return Knee(varied="writers", slo=1.0, steps=steps, knee=knee, first_limit=first_limit, held=None)


def test_a_second_is_drawn_in_its_middle() -> None:
    moments = {3: Moment(count=7, p50=0.01, p99=0.2)}

    chart = latency_over_time("off", moments, x=time_axis([moments], end=10), y=shared_latency_axis([moments]))

    assert [(line.name, [(point.x, point.y) for point in line.points]) for line in chart.lines] == [
        ("p99", [(3.5, 0.2)]),
        ("p50", [(3.5, 0.01)]),
    ]
    assert chart.told == "off: p99 of a second is 200 ms at worst"
    assert chart.lines[0].points[0].told == "second 3: p99 200 ms of 7"


def test_nothing_measured_is_said() -> None:
    chart = latency_over_time("off", {}, x=time_axis([], end=10), y=shared_latency_axis([]))

    assert chart.told == "off: no delivery was measured"


def test_an_axis_of_time_reaches_to_what_came_after_the_end() -> None:
    assert time_axis([{12: Moment(count=1, p50=0.1, p99=0.1)}], end=10).high == 13


def test_amounts_share_an_axis() -> None:
    chart = amounts(
        "backlog", {"off": {1.0: 5.0}, "lossless": {1.0: 17.0}}, x=seconds_axis(0, 5, name=""), unit="waiting"
    )

    assert chart.y.high == 20
    assert [line.colour for line in chart.lines] == ["c1", "c2"]
    assert chart.told == "backlog: off at most 5 waiting, lossless at most 17 waiting"


def test_a_curve_of_percentiles_has_the_same_room_for_each_nine_and_ends_where_there_is_none_beyond() -> None:
    chart = percentiles({"off": Times.of(at / 1000 for at in range(1, 1001)), "none": Times()})

    (line,) = chart.lines
    at = {round(point.x, 6): point.y for point in line.points}
    assert at[1.0] == pytest.approx(0.9, rel=0.01)
    assert at[2.0] == pytest.approx(0.99, rel=0.01)
    assert max(at) == pytest.approx(3.0)
    assert [name for _, name in chart.x.ticks] == ["50 %", "90 %", "99 %", "99.9 %"]


def test_the_knee_is_marked_where_the_load_was_carried_last_and_the_limit_where_it_was_not() -> None:
    knee = a_knee(
        a_step(50, 0.1), a_step(200, 3.0, "p99 over the SLO"), a_step(100, 0.5), knee=50, first_limit="p99 over the SLO"
    )

    chart = knee_curve(knee)

    assert [(mark.at, mark.name, mark.upright) for mark in chart.marks] == [
        (100, "knee: 50 writers", True),
        (200, "first limit: p99 over the SLO", True),
        (1.0, "SLO: p99 1 s", False),
    ]
    assert [(point.x, point.kind) for point in chart.lines[0].points] == [(50, "dot"), (100, "dot"), (200, "cross")]
    assert [bound[0] for bound in chart.spreads[0].bounds] == [50, 100, 200]


def test_a_step_that_says_nothing_is_a_ring_without_an_interval() -> None:
    knee = a_knee(
        a_step(50, 0.1), a_step(100, 0.2), a_step(200, 9.0, "generator late", unknown=True), knee=50,
        first_limit="generator late",
    )  # fmt: skip

    chart = knee_curve(knee)

    assert [point.kind for point in chart.lines[0].points] == ["dot", "dot", "ring"]
    assert [bound[0] for bound in chart.spreads[0].bounds] == [50, 100]
    assert [mark.name for mark in chart.marks] == ["knee: at least 50 writers", "SLO: p99 1 s"]


def test_a_system_that_carries_nothing_has_no_knee() -> None:
    chart = knee_curve(a_knee(a_step(50, None, "events lost silently"), knee=None, first_limit="events lost silently"))

    assert chart.told == "latency against offered load: not even the least was carried"
    assert [mark.name for mark in chart.marks] == ["first limit: events lost silently", "SLO: p99 1 s"]


def test_colours_are_used_again_when_there_are_no_more() -> None:
    assert [colour(0), colour(5), colour(6)] == ["c1", "c6", "c1"]
