"""The charts of a load run: what is drawn of which figures, for the page of a run and for Locust's web UI.

From `result.json` and from live figures to `load.telling.charts`. Times are in seconds, those of an axis counted from
the first due event (page) or from the start (live).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from math import log10
from typing import Final

from load.judging.histogram import Times
from load.judging.knee import Knee, Step
from load.telling.charts import (
    Axis,
    Band,
    Chart,
    Line,
    Mark,
    Point,
    Spread,
    count_axis,
    duration,
    latency_axis,
    number,
    seconds_axis,
)

COLOURS: Final = ("c1", "c2", "c3", "c4", "c5", "c6")
"""Of things that are compared, in turn."""
_STEPS_A_NINE: Final = 12
_MOST_NINES: Final = 5
_GAP_S: Final = 2.6
"""A line goes over one second that is missing, not over two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What was delivered in one second: how many, and within which times half and 99 % of them."""

    count: int
    p50: float
    p99: float


def colour(place: int) -> str:
    return COLOURS[place % len(COLOURS)]


def latency_over_time(
    name: str,
    moments: Mapping[int, Moment],
    *,
    x: Axis,
    y: Axis,
    marks: Sequence[Mark] = (),
    bands: Sequence[Band] = (),
) -> Chart:
    """p50 and p99 of each second."""
    shown = sorted(moments.items())
    worst = max((moment.p99 for moment in moments.values()), default=None)
    told = "no delivery was measured" if worst is None else f"p99 of a second is {duration(worst)} at worst"
    return Chart(
        told=f"{name}: {told}",
        x=x,
        y=y,
        lines=(
            _by_second("p99", "p99", [(at, one.p99, f"p99 {duration(one.p99)} of {one.count}") for at, one in shown]),
            _by_second("p50", "p50", [(at, one.p50, f"p50 {duration(one.p50)} of {one.count}") for at, one in shown]),
        ),
        marks=marks,
        bands=bands,
    )


def latencies_of(moments: Mapping[int, Moment]) -> Iterator[float]:
    """All values that `latency_over_time` shows, for an axis that has room for them."""
    for moment in moments.values():
        yield from (moment.p50, moment.p99)


def amounts(
    name: str, by_name: Mapping[str, Mapping[float, float]], *, x: Axis, unit: str, marks: Sequence[Mark] = ()
) -> Chart:
    """How much of each there was, over time; one that is missing is a hole in the line."""
    y = count_axis(list(chain.from_iterable(each.values() for each in by_name.values())), name=unit)
    lines = [
        Line(
            name=each,
            colour=colour(place),
            points=[
                Point(x=at, y=much, told=f"at {at:g} s: {each} {number(much)} {unit}")
                for at, much in sorted(of.items())
            ],
            gap=_GAP_S,
        )
        for place, (each, of) in enumerate(by_name.items())
    ]
    most = [f"{each} at most {number(max(of.values()))} {unit}" for each, of in by_name.items() if of]
    return Chart(told=f"{name}: {', '.join(most)}", x=x, y=y, lines=lines, marks=marks)


def percentiles(runs: Mapping[str, Times]) -> Chart:
    """What share of the deliveries took at most how long; the scale of shares has a step for each further nine."""
    curves = {name: list(_curve(times)) for name, times in runs.items() if times.count}
    nines = max((curve[-1][0] for curve in curves.values()), default=2.0)
    shares = [(float(nine), _share(nine)) for nine in range(int(nines) + 1)]
    ticks = [(log10(2), "50 %"), *shares[1:]]
    lines = [
        Line(
            name=name,
            colour=colour(list(runs).index(name)),
            points=[Point(x=nine, y=at) for nine, at in curve],
            dots=False,
        )
        for name, curve in curves.items()
    ]
    return Chart(
        told="; ".join(
            f"{name}: half within {_at(runs[name], 0.5)}, 99 % within {_at(runs[name], 0.99)}" for name in curves
        )
        or "no delivery was measured",
        x=Axis(low=0.0, high=max(nines, 1.0), name="share of deliveries", ticks=ticks),
        y=latency_axis([at for curve in curves.values() for _, at in curve], name="latency"),
        lines=lines,
    )


def knee_curve(knee: Knee) -> Chart:
    """Latency against offered load, the p99 with its interval of 95 %. A limit is marked only if it is the system's."""
    steps = sorted(knee.steps, key=lambda step: step.offered)
    values = [
        knee.slo,
        *(value for step in steps for value in (step.p50, step.p99, step.p99_high, step.p99_low) if value),
    ]
    bounds = [
        (step.offered, step.p99_low, step.p99_high)
        for step in steps
        if not step.unknown and step.p99_low is not None and step.p99_high is not None
    ]
    told = f"carried up to {knee.knee:g} {knee.varied}" if knee.knee is not None else "not even the least was carried"
    return Chart(
        told=f"latency against offered load: {told}",
        x=count_axis([step.offered for step in steps], name="events offered per second"),
        y=latency_axis(values, name="latency"),
        lines=(
            Line(name="p99 with its 95 % interval", colour="p99", points=_points("p99", [(s, s.p99) for s in steps])),
            Line(name="p50", colour="p50", points=_points("p50", [(s, s.p50) for s in steps])),
        ),
        marks=[
            *_knee_marks(knee),
            Mark(at=knee.slo, name=f"SLO: p99 {duration(knee.slo)}", upright=False, colour="slo"),
        ],
        spreads=(Spread(colour="p99", bounds=bounds),) if len(bounds) > 1 else (),
    )


def time_axis(moments: Sequence[Mapping[int, Moment]], *, end: float) -> Axis:
    """For several runs side by side, from 0 to the end of the longest."""
    last = max((at + 1 for each in moments for at in each), default=0)
    return seconds_axis(0, max(end, last), name="due, in seconds of the load")


def shared_latency_axis(moments: Sequence[Mapping[int, Moment]]) -> Axis:
    """For several runs side by side."""
    return latency_axis([value for each in moments for value in latencies_of(each)], name="latency")


def _by_second(name: str, colour_: str, values: Sequence[tuple[float, float, str]]) -> Line:
    """A second is drawn in its middle; one in which nothing was measured has none."""
    points = [Point(x=at + 0.5, y=value, told=f"second {at:g}: {told}") for at, value, told in values]
    return Line(name=name, colour=colour_, points=points, gap=_GAP_S)


def _points(name: str, found: Sequence[tuple[Step, float | None]]) -> Sequence[Point]:
    return [
        Point(
            x=step.offered,
            y=value,
            told=f"{number(step.offered)} events/s: {name} {duration(value)}, {_came_to(step)}",
            kind="ring" if step.unknown else "dot" if step.carried else "cross",
        )
        for step, value in found
        if value is not None
    ]


def _came_to(step: Step) -> str:
    if step.unknown:
        return f"says nothing: {'; '.join(step.limits)}"
    return "carried" if step.carried else "; ".join(step.limits)


def _knee_marks(knee: Knee) -> Iterator[Mark]:
    carried = [step for step in knee.steps if step.value == knee.knee and step.carried]
    if carried:
        least = "" if knee.found else "at least "
        yield Mark(at=carried[-1].offered, name=f"knee: {least}{knee.knee:g} {knee.varied}", colour="knee")
    beyond = knee.beyond
    if beyond is not None and not beyond.unknown:
        yield Mark(at=beyond.offered, name=f"first limit: {beyond.limits[0]}", colour="limit")


def _curve(times: Times) -> Iterator[tuple[float, float]]:
    """Nines and seconds, as far as there is at least one delivery beyond."""
    last = min(log10(times.count), _MOST_NINES)
    nines = [step / _STEPS_A_NINE for step in range(int(last * _STEPS_A_NINE) + 1)]
    for nine in (*nines, *([last] if last > nines[-1] else [])):
        at = times.at(1 - 10**-nine)
        if at is not None:
            yield nine, at


def _share(nine: int) -> str:
    """0 is all, 1 is 90 %, 2 is 99 %."""
    return f"{100 - 100 / 10**nine:.{max(0, nine - 2)}f} %"


def _at(times: Times, share: float) -> str:
    at = times.at(share)
    return "–" if at is None else duration(at)
