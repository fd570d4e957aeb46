"""Charts as SVG text: lines over a scale, and ranges. Drawn by figures alone, for a page without scripts.

Places are in per cent of the plot, so that a chart is as wide as its page while its letters keep their size; the plot
overflows into its margins, where the ticks stand. Colours and sizes are those of `templates/charts.css`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, inf, log10
from typing import Final

_DOTS: Final = 60
"""A line with more points has no dots on it."""
_DIGITS: Final = (1, 2, 5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """A scale from `low` to `high`; `ticks` are values with their names."""

    low: float
    high: float
    name: str
    ticks: Sequence[tuple[float, str]]
    log: bool = False

    def at(self, value: float) -> float:
        """Where a value is, in per cent of the axis; beyond an end is at the end."""
        inside = min(max(value, self.low), self.high)
        if self.log:
            return round(100 * log10(inside / self.low) / log10(self.high / self.low), 2)
        return round(100 * (inside - self.low) / (self.high - self.low), 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A value that `told` says in words. `kind` is `dot`, `cross` (what was not carried) or `ring` (says nothing)."""

    x: float
    y: float
    told: str = ""
    kind: str = "dot"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Points in their order, in the colour of its class. Where two are further apart than `gap`, nothing joins them.

    Without `dots` only what is no mere dot is marked.
    """

    name: str
    colour: str
    points: Sequence[Point]
    gap: float = inf
    dots: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """What lies between two values of x: a stretch with a name, over the whole height."""

    start: float
    end: float
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """An area that goes with a line: for each x the lowest and the highest y."""

    colour: str
    bounds: Sequence[tuple[float, float, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A value with a name of its own: of x if it is `upright`, else of y."""

    at: float
    name: str
    upright: bool = True
    colour: str = "event"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """All that is drawn over one pair of axes. `told` says in words what the picture shows."""

    told: str
    x: Axis
    y: Axis
    lines: Sequence[Line]
    marks: Sequence[Mark] = ()
    bands: Sequence[Band] = ()
    spreads: Sequence[Spread] = ()

    def svg(self) -> str:
        """One `<svg class="plot">`."""
        drawn = (
            *(self._band(band) for band in self.bands),
            *_levels(self.y),
            *_uprights(self.x),
            *(self._rule(mark) for mark in self.marks),
            '<svg class="lines" width="100%" height="100%" viewBox="0 0 100 100" preserveAspectRatio="none">',
            *(self._spread(spread) for spread in self.spreads),
            *(self._path(line) for line in self.lines),
            "</svg>",
            *(self._dot(line, point) for line in self.lines for point in _dotted(line)),
            *(self._name(place, mark) for place, mark in enumerate(self.marks)),
        )
        return f'<svg class="plot" role="img" aria-label="{escape(self.told)}">{"".join(drawn)}</svg>'

    def legend(self) -> str:
        """Which line is which."""
        names = "".join(f'<span class="{line.colour}"><i></i>{escape(line.name)}</span>' for line in self.lines)
        return f'<div class="legend">{names}</div>'

    def _place(self, x: float, y: float) -> tuple[float, float]:
        return self.x.at(x), round(100 - self.y.at(y), 2)

    def _path(self, line: Line) -> str:
        runs: list[list[Point]] = []
        for point in line.points:
            if not runs or point.x - runs[-1][-1].x > line.gap:
                runs.append([])
            runs[-1].append(point)
        return "".join(self._polyline(line, run) for run in runs)

    def _polyline(self, line: Line, run: Sequence[Point]) -> str:
        """One alone is drawn as well: a line without length, with round ends."""
        ends = run if len(run) > 1 else [*run, *run]
        places = " ".join(f"{x:g},{y:g}" for x, y in (self._place(point.x, point.y) for point in ends))
        return f'<polyline class="line {line.colour}" points="{places}"/>'

    def _spread(self, spread: Spread) -> str:
        upper = [self._place(x, high) for x, _, high in spread.bounds]
        lower = [self._place(x, low) for x, low, _ in reversed(spread.bounds)]
        places = " ".join(f"{x:g},{y:g}" for x, y in (*upper, *lower))
        return f'<polygon class="spread {spread.colour}" points="{places}"/>'

    def _dot(self, line: Line, point: Point) -> str:
        x, y = self._place(point.x, point.y)
        title = f"<title>{escape(point.told)}</title>" if point.told else ""
        if point.kind == "cross":
            path = '<path d="M-5-5L5 5M-5 5L5-5"/>'
            return f'<svg class="cross {line.colour}" x="{x:g}%" y="{y:g}%" overflow="visible">{title}{path}</svg>'
        return f'<circle class="{point.kind} {line.colour}" cx="{x:g}%" cy="{y:g}%" r="3.5">{title}</circle>'

    def _band(self, band: Band) -> str:
        left, right = self.x.at(band.start), self.x.at(band.end)
        name = f'<text class="name small" x="{left:g}%" dx="4" y="100%" dy="-7">{escape(band.name)}</text>'
        return f'<rect class="band" x="{left:g}%" y="0" width="{right - left:g}%" height="100%"/>{name}'

    def _rule(self, mark: Mark) -> str:
        if not mark.upright:
            y = round(100 - self.y.at(mark.at), 2)
            return f'<line class="mark {mark.colour}" x1="0" x2="100%" y1="{y:g}%" y2="{y:g}%"/>'
        x = self.x.at(mark.at)
        return f'<line class="mark {mark.colour}" x1="{x:g}%" x2="{x:g}%" y1="0" y2="100%"/>'

    def _name(self, place: int, mark: Mark) -> str:
        """Those of upright ones stand one below the other, so that none covers another."""
        if not mark.upright:
            y = round(100 - self.y.at(mark.at), 2)
            return f'<text class="name" x="0" dx="5" y="{y:g}%" dy="-5">{escape(mark.name)}</text>'
        x = self.x.at(mark.at)
        side = 'text-anchor="end" dx="-5"' if x > 55 else 'dx="5"'
        return f'<text class="name" x="{x:g}%" {side} y="{11 + 15 * place}">{escape(mark.name)}</text>'


def ranges(rows: Sequence[tuple[str, float, float, str]], axis: Axis) -> str:
    """One below the other: each from a low to a high value, with its colour and what it says in words."""
    height = 11 * len(rows) + 5
    drawn = []
    for place, (colour, low, high, told) in enumerate(rows):
        left, right, y = axis.at(low), axis.at(high), 8 + 11 * place
        drawn.append(
            f'<g class="{colour}"><title>{escape(told)}</title>'
            f'<line class="stretch" x1="{left:g}%" x2="{right:g}%" y1="{y}" y2="{y}"/>'
            f'<circle class="low" cx="{left:g}%" cy="{y}" r="3.2"/>'
            f'<circle class="high" cx="{right:g}%" cy="{y}" r="3.2"/></g>'
        )
    lines = "".join(f'<line class="grid" x1="{axis.at(at):g}%" x2="{axis.at(at):g}%" y1="0" y2="100%"/>'
                    for at, _ in axis.ticks)  # fmt: skip
    told = "; ".join(row[3] for row in rows)
    return f'<svg class="ranges" height="{height}" role="img" aria-label="{escape(told)}">{lines}{"".join(drawn)}</svg>'


def seconds_axis(low: float, high: float, *, name: str) -> Axis:
    """Of time: from the one to the other, ticks at round seconds."""
    high = max(high, low + 1)
    step = _round_step((high - low) / 6)
    ticks = [(at * step, f"{at * step:g} s") for at in range(ceil(low / step), floor(high / step) + 1)]
    return Axis(low=low, high=high, name=name, ticks=ticks)


def count_axis(values: Sequence[float], *, name: str, unit: str = "") -> Axis:
    """Of amounts: from zero to a round value above all."""
    most = max((*values, 0.0)) or 1.0
    step = _round_step(most / 4)
    steps = ceil(most / step)
    ticks = [(at * step, f"{number(at * step)}{unit}") for at in range(steps + 1)]
    return Axis(low=0.0, high=steps * step, name=name, ticks=ticks)


def latency_axis(seconds: Sequence[float], *, name: str) -> Axis:
    """Of durations: logarithmic, between two of 1, 2, 5, 10 … ms that have all between them."""
    found = [max(each, 1e-6) for each in seconds] or [0.001, 0.1]
    low, high = _round_below(min(found)), _round_above(max(found))
    if high <= low * 2:
        low, high = _round_below(low * 0.9), _round_above(high * 1.1)
    exponents = range(floor(log10(low)) - 1, ceil(log10(high)) + 1)
    all_ = [digit * 10.0**exponent for exponent in exponents for digit in _DIGITS]
    inside = [at for at in all_ if low * 0.999 <= at <= high * 1.001]
    told = inside if len(inside) <= 8 else [at for at in inside if f"{at:e}".startswith("1.")]
    return Axis(low=low, high=high, name=name, ticks=[(at, duration(at)) for at in told], log=True)


def duration(seconds: float) -> str:
    """A time for people, three digits: `85 µs`, `3.21 ms`, `1.3 s`."""
    if seconds < 0.0005:
        return f"{seconds * 1e6:.3g} µs"
    return (
        f"{seconds * 1000:.3g} ms"
        if seconds < 0.9995
        else f"{seconds:.3g} s"
        if seconds < 999.5
        else f"{seconds:.0f} s"
    )


def number(value: float | None) -> str:
    """An amount for people: whole, or with the digits that say something; a dash for none."""
    if value is None:
        return "–"
    if 0 < abs(value) < 1:
        return f"{value:.2g}"
    return f"{value:,.0f}" if value == int(value) or abs(value) >= 1000 else f"{value:,.1f}"


def _dotted(line: Line) -> Sequence[Point]:
    """Those with a mark of their own: all where there are few, else such as are no mere dot."""
    if line.dots and len(line.points) <= _DOTS:
        return line.points
    return [point for point in line.points if point.kind != "dot"]


def _levels(axis: Axis) -> Iterator[str]:
    for at, name in axis.ticks:
        y = round(100 - axis.at(at), 2)
        yield f'<line class="grid" x1="0" x2="100%" y1="{y:g}%" y2="{y:g}%"/>'
        yield f'<text class="tick" x="-8" y="{y:g}%" dy="4" text-anchor="end">{escape(name)}</text>'
    yield f'<text class="axis" x="-52" y="-14">{escape(axis.name)}</text>'


def _uprights(axis: Axis) -> Iterator[str]:
    for at, name in axis.ticks:
        x = axis.at(at)
        yield f'<line class="grid" x1="{x:g}%" x2="{x:g}%" y1="0" y2="100%"/>'
        yield f'<text class="tick" x="{x:g}%" y="100%" dy="17" text-anchor="middle">{escape(name)}</text>'
    yield f'<text class="axis" x="100%" y="100%" dy="34" text-anchor="end">{escape(axis.name)}</text>'


def _round_step(at_least: float) -> float:
    """The next of 1, 2, 5, 10 …"""
    return _round_above(max(at_least, 1e-9))


def _round_above(value: float) -> float:
    exponent = floor(log10(value))
    return next(
        bound
        for bound in (digit * 10.0**power for power in (exponent, exponent + 1) for digit in _DIGITS)
        if bound >= value * 0.999999
    )


def _round_below(value: float) -> float:
    exponent = floor(log10(value))
    return next(
        bound
        for bound in (digit * 10.0**power for power in (exponent, exponent - 1) for digit in reversed(_DIGITS))
        if bound <= value * 1.000001
    )
