"""The results as a table for a terminal, and what stands below it."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.lab.input import Input
from harness.lab.result import Result

_COLUMNS = (
    "policy",
    "interval",
    "offered",
    "published",
    "coalesced",
    "lost",
    "events/s",
    "peak/s",
    "kB",
    "text kept",
    "inversions",
    "stale p50",
    "p99",
    "convicted by",
)
_NAMES = ("policy", "convicted by")
_WIDTH = 180
"""Columns, whatever the terminal has: a number that is cut is none."""


def text_table(results: Sequence[Result]) -> str:
    """One line a result, in colour only on a terminal."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in _COLUMNS:
        table.add_column(name, justify="left" if name in _NAMES else "right", no_wrap=True)
    for one in results:
        table.add_row(*cells(one)[:-1], Text(cells(one)[-1], style="red" if one.convicted_by else ""))
    console = Console(width=_WIDTH, highlight=False)
    with console.capture() as captured:
        console.print(table)
    return "\n".join(line.rstrip() for line in captured.get().rstrip("\n").splitlines())


def cells(one: Result) -> tuple[str, ...]:
    """A result as text, by the names of the columns."""
    return (
        one.policy,
        "–" if one.interval_s is None else milliseconds(one.interval_s),
        f"{one.offered}",
        f"{one.published}",
        f"{one.coalesced}",
        f"{one.lost}",
        f"{one.events_per_s:.1f}",
        f"{one.peak_per_s:.1f}",
        "–" if one.bytes is None else f"{one.bytes / 1000:.1f}",
        "–" if one.text_kept is None else share(one.text_kept),
        f"{one.inversions}",
        "–" if one.staleness_p50_s is None else milliseconds(one.staleness_p50_s),
        "–" if one.staleness_p99_s is None else milliseconds(one.staleness_p99_s),
        ", ".join(one.convicted_by),
    )


def legend(given: Input, *, write_s: float) -> Sequence[str]:
    """What was said, and what the columns mean."""
    unit = "streamed characters" if given.texts else "chunks (the history has neither texts nor sizes)"
    return (
        f"input: {given.name}; {len(given.sayings)} events, {len(given.by_process())} process(es), "
        f"{max((one.at for one in given.sayings), default=0.0):.1f} s; a write takes {milliseconds(write_s)} "
        "in the median",
        f"text kept: share of the {unit}, published where they belong. Lost: published in no form, and nobody was "
        "told. Stale: from when an event was due until the row that carries it is committed; what was lost has no age. "
        "Peak: the busiest five seconds.",
    )


def share(part: float) -> str:
    """In per cent; 100 % only if it is all."""
    return "100 %" if part == 1 else f"{min(part * 100, 99.9):.1f} %"


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds * 1000 >= 10 else f"{seconds * 1000:.1f} ms"
