"""The trade-off as one HTML page that needs nothing else: staleness against events a second, by policy and interval."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby
from math import floor, log10
from typing import Final

from harness.lab.result import Result
from harness.lab.table import cells, milliseconds, share

_WIDTH: Final = 380
_HEIGHT: Final = 260
_LEFT: Final = 70
_RIGHT: Final = 18
_TOP: Final = 14
_BOTTOM: Final = 40

_LOSS_COLOURS: Final = ((0.0, "lossless"), (0.05, "loss-1"), (0.25, "loss-2"), (0.6, "loss-3"), (1.0, "loss-4"))
"""Up to this share of the text lost: the class of the mark."""

_STORIES: Final = {
    "off": "every event at once",
    "as-specified": "the specification's own debouncer",
    "latest-wins": "its rule alone, in our debouncer",
    "concatenate": "texts of a type are joined",
    "per-entity": "the latest of each entity",
    "lossless": "the reference: by class, entity and order",
}

_CSS: Final = """
:root { --ground:#fbfbfa; --card:#fff; --ink:#1d2129; --soft:#667085; --line:#e3e5e8; --ghost:#cdd2d9;
  --l0:#0f766e; --l1:#b8860b; --l2:#d9730d; --l3:#c43d2b; --l4:#8b1a3a; }
@media (prefers-color-scheme: dark) { :root { --ground:#14171c; --card:#1c2027; --ink:#e8eaed; --soft:#9aa3af;
  --line:#2d333c; --ghost:#434b57; --l0:#2dd4bf; --l1:#eab308; --l2:#fb923c; --l3:#f87171; --l4:#f472b6; } }
* { box-sizing: border-box }
body { margin:0; background:var(--ground); color:var(--ink); font:15px/1.5 system-ui, sans-serif }
main { max-width:1240px; margin:0 auto; padding:28px 20px 60px }
h1 { font-size:24px; margin:0 0 4px } h2 { font-size:18px; margin:34px 0 8px }
p { max-width:85ch; margin:6px 0; color:var(--soft) } p b { color:var(--ink) }
.panels { display:grid; grid-template-columns:repeat(auto-fit, minmax(340px, 1fr)); gap:16px; margin-top:18px }
figure { margin:0; background:var(--card); border:1px solid var(--line); border-radius:10px; padding:14px 14px 6px }
figcaption b { font-size:16px } figcaption span { display:block; color:var(--soft); font-size:13px }
svg { display:block; width:100%; height:auto; margin-top:6px }
svg text { font:11px system-ui, sans-serif; fill:var(--soft) }
svg .name { fill:var(--ink); font-weight:600; paint-order:stroke; stroke:var(--card); stroke-width:3px }
svg .grid { stroke:var(--line); stroke-width:1 } svg .ghost { stroke:var(--ghost); stroke-width:1.2; fill:none }
svg .path { stroke:var(--soft); stroke-width:1.6; fill:none }
.lossless { --c:var(--l0) } .loss-1 { --c:var(--l1) } .loss-2 { --c:var(--l2) } .loss-3 { --c:var(--l3) }
.loss-4 { --c:var(--l4) }
.mark { fill:var(--c); stroke:var(--card); stroke-width:1.5 }
.cross { stroke:var(--c); stroke-width:3; fill:none; stroke-linecap:round }
.key { display:flex; flex-wrap:wrap; gap:6px 20px; margin:14px 0 0; color:var(--soft); font-size:13px }
.key svg { display:inline-block; width:16px; height:12px; margin:0 6px -1px 0 }
.scroll { overflow-x:auto; background:var(--card); border:1px solid var(--line); border-radius:10px }
table { border-collapse:collapse; width:100%; font-size:13px; font-variant-numeric:tabular-nums }
th, td { padding:5px 8px; text-align:right; border-bottom:1px solid var(--line); white-space:nowrap }
th:first-child, td:first-child, th:last-child, td:last-child { text-align:left }
tr:last-child td { border-bottom:0 } th { color:var(--soft); font-weight:600 }
"""

_HEADS: Final = (
    *("policy", "interval", "offered", "published", "coalesced", "lost silently", "events/s", "peak/s", "kB"),
    *("text kept", "inversions", "stale p50", "stale p99", "convicted by"),
)


@dataclass(frozen=True, slots=True)
class _Axes:
    """Both logarithmic, the same in every panel."""

    left: float
    right: float
    low: float
    high: float

    @classmethod
    def of(cls, results: Sequence[Result]) -> "_Axes":
        rates = [one.events_per_s for one in results if one.events_per_s > 0] or [1.0]
        ages = [_age(one) for one in results]
        return cls(*_around(rates), *_around(ages))

    def x(self, rate: float) -> float:
        share_ = (log10(max(rate, self.left)) - log10(self.left)) / (log10(self.right) - log10(self.left))
        return round(_LEFT + share_ * (_WIDTH - _LEFT - _RIGHT), 1)

    def y(self, age_s: float) -> float:
        share_ = (log10(age_s) - log10(self.low)) / (log10(self.high) - log10(self.low))
        return round(_HEIGHT - _BOTTOM - share_ * (_HEIGHT - _TOP - _BOTTOM), 1)

    def rates(self) -> list[float]:
        return _ticks(self.left, self.right)

    def ages(self) -> list[float]:
        return _ticks(self.low, self.high)


def _around(values: Sequence[float]) -> tuple[float, float]:
    """A stretch with some room at both ends, so long that a grid fits in."""
    low, high = min(values), max(values)
    room = max(1.25, (4 / (high / low)) ** 0.5)
    return low / room, high * room


def _ticks(low: float, high: float) -> list[float]:
    """Where a grid stands: 1, 2, 5, 10 …"""
    decades = range(floor(log10(low)), floor(log10(high)) + 1)
    ticks = [digit * 10.0**decade for decade in decades for digit in (1, 2, 5)]
    return [tick for tick in ticks if low <= tick <= high]


def page(results: Sequence[Result], *, title: str, notes: Sequence[str]) -> str:
    """The page; whatever came from outside is escaped. The panels share their axes."""
    axes = _Axes.of(results)
    curves = {name: list(ones) for name, ones in groupby(results, key=lambda one: one.policy)}
    panels = "\n".join(_panel(name, curves, axes) for name in curves)
    rows = "\n".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells(one))}</tr>" for one in results)
    heads = "".join(f"<th>{name}</th>" for name in _HEADS)
    told = "\n".join(f"<p>{escape(note)}</p>" for note in notes)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{escape(title)}</title>
<style>{_CSS}</style>
</head>
<body><main>
<h1>{escape(title)}</h1>
<p>Each panel is one policy, each mark one interval. <b>Left is fewer events a second, below is fresher</b>, both
scales logarithmic. In grey the other policies. What no debouncer may trade away is told by the marks: a cross has
lost text.</p>
<div class="key">{"".join(_keys())}</div>
<div class="panels">
{panels}
</div>
<h2>The numbers</h2>
<div class="scroll"><table><thead><tr>{heads}</tr></thead><tbody>
{rows}
</tbody></table></div>
{told}
</main></body></html>
"""


def _panel(name: str, curves: dict[str, list[Result]], axes: _Axes) -> str:
    own = curves[name]
    ghosts = "".join(_line(ones, axes, "ghost") for other, ones in curves.items() if other != name)
    single = "".join(_ghost_dot(ones, axes) for other, ones in curves.items() if other != name and len(ones) == 1)
    marks = "".join(_mark(one, axes) + _label(one, axes) for one in own)
    return f"""<figure>
<figcaption><b>{escape(name)}</b><span>{_STORIES.get(name, "")}</span>
<span>{_text(own)}</span><span>{_losses(own)}</span></figcaption>
<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(name)}: {_text(own)}, {_losses(own)}">
{_grid(axes)}{ghosts}{single}{_line(own, axes, "path")}{marks}
</svg>
</figure>"""


def _text(ones: Sequence[Result]) -> str:
    texts = [one.text_kept for one in ones if one.text_kept is not None]
    if not texts:
        return "no text was streamed"
    low, high = min(texts), max(texts)
    return f"text kept {share(low)}" if low == high else f"text kept {share(low)} to {share(high)}"


def _losses(ones: Sequence[Result]) -> str:
    return f"events lost {_range(one.lost for one in ones)} · out of order {_range(one.inversions for one in ones)}"


def _range(counts: Iterable[int]) -> str:
    found = sorted(counts)
    return "none" if not found[-1] else f"{found[0]} to {found[-1]}" if found[0] < found[-1] else f"{found[0]}"


def _grid(axes: _Axes) -> str:
    bottom, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    upright = "".join(
        f'<line class="grid" x1="{axes.x(tick)}" x2="{axes.x(tick)}" y1="{_TOP}" y2="{bottom}"/>'
        f'<text x="{axes.x(tick)}" y="{bottom + 15}" text-anchor="middle">{tick:g}</text>'
        for tick in axes.rates()
    )
    level = "".join(
        f'<line class="grid" x1="{_LEFT}" x2="{right}" y1="{axes.y(tick)}" y2="{axes.y(tick)}"/>'
        f'<text x="{_LEFT - 7}" y="{axes.y(tick) + 4}" text-anchor="end">{_age_name(tick)}</text>'
        for tick in axes.ages()
    )
    middle = (_LEFT + right) / 2
    names = (
        f'<text x="{middle}" y="{_HEIGHT - 6}" text-anchor="middle">events a second</text>'
        f'<text transform="translate(12 {(_TOP + bottom) / 2}) rotate(-90)" text-anchor="middle">staleness p99</text>'
    )
    return upright + level + names


def _line(ones: Sequence[Result], axes: _Axes, kind: str) -> str:
    points = " ".join(f"{axes.x(one.events_per_s)},{axes.y(_age(one))}" for one in ones)
    return f'<polyline class="{kind}" points="{points}"/>' if len(ones) > 1 else ""


def _ghost_dot(ones: Sequence[Result], axes: _Axes) -> str:
    return f'<circle class="ghost" cx="{axes.x(ones[0].events_per_s)}" cy="{axes.y(_age(ones[0]))}" r="3"/>'


def _mark(one: Result, axes: _Axes) -> str:
    x, y = axes.x(one.events_per_s), axes.y(_age(one))
    told = ", ".join(cells(one))
    if _lost_text(one) == 0:
        shape = f'<circle class="mark" cx="{x}" cy="{y}" r="6"/>'
    else:
        shape = f'<path class="cross" d="M{x - 4.5} {y - 4.5}l9 9m0-9l-9 9"/>'
    return f'<g class="{_colour(one)}"><title>{escape(told)}</title>{shape}</g>'


def _label(one: Result, axes: _Axes) -> str:
    x, y = axes.x(one.events_per_s), axes.y(_age(one))
    left = x > _WIDTH * 0.72
    name = "no interval" if one.interval_s is None else milliseconds(one.interval_s)
    place = f'x="{x - 10}" text-anchor="end"' if left else f'x="{x + 10}"'
    return f'<text class="name" {place} y="{y - 6}">{name}</text>'


def _keys() -> Iterator[str]:
    circle = '<svg viewBox="0 0 16 12" class="lossless"><circle class="mark" cx="8" cy="6" r="5"/></svg>'
    yield f"<span>{circle}all text kept</span>"
    for bound, colour in _LOSS_COLOURS[1:]:
        cross = f'<svg viewBox="0 0 16 12" class="{colour}"><path class="cross" d="M4 2l8 8m0-8l-8 8"/></svg>'
        yield f"<span>{cross}up to {bound * 100:.0f} % lost</span>"


def _colour(one: Result) -> str:
    lost = _lost_text(one)
    return next(colour for bound, colour in _LOSS_COLOURS if lost <= bound)


def _lost_text(one: Result) -> float:
    return 0.0 if one.text_kept is None else 1 - one.text_kept


def _age(one: Result) -> float:
    """Seconds, at least a millisecond: the scale has no zero."""
    return max(one.staleness_p99_s or 0.0, 0.001)


def _age_name(seconds: float) -> str:
    return f"{seconds:g} s" if seconds >= 1 else f"{seconds * 1000:g} ms"
