"""A search for the knee as text for a terminal, Markdown and CSV for CI: one line a step, then what it says."""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Final

from load.judging.knee import GENERATOR_LATE, READERS_BUSY, Knee, Step

UNITS: Final = {"rate": "events/s of each writer", "writers": "writers"}
"""What is varied, and what its values are."""
_OURS: Final = (GENERATOR_LATE, READERS_BUSY)
"""Limits of the load generator."""
_AGREE: Final = 0.2
"""Two searches that differ by more found no knee that can be relied on."""
_HEAD: Final = ("step", "load", "offered/s", "deliveries/s", "p50 ms", "p99 ms", "95 % of p99", "busiest", "")


def line(step: Step) -> str:
    """One step in a few words, as it is known."""
    cells = _cells(step)
    told = f"{cells[1]}/s offered, {cells[2]}/s delivered, p50 {cells[3]} ms, p99 {cells[4]} ms ({cells[5]})"
    return f"{cells[0]}: {told}, {cells[7]}" + (f"; busiest: {step.bound}" if step.bound else "")


def text(found: Knee) -> str:
    """The table, then the sentence."""
    rows = [_HEAD, *_rows(found)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(_HEAD))]
    lines = [[f"{cell:>{width}}" for cell, width in zip(row[:-1], widths, strict=False)] + [row[-1]] for row in rows]
    return "\n".join([*("  ".join(["", *each]).rstrip() for each in lines), "", sentence(found)])


def markdown(found: Knee) -> str:
    rows = [_HEAD, ["---:"] * len(_HEAD), *_rows(found)]
    table = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([f"## The knee by {found.varied}", "", *table, "", sentence(found), ""])


def comma_separated(found: Knee) -> str:
    """Times in seconds with all their digits; the hold is the last line."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    names = ("value", "offered", "delivered", "p50", "p99", "p99_low", "p99_high")
    writer.writerow(["step", *names, "bound", "verdict", "limits"])
    for name, step in _named(found):
        values = [getattr(step, each) for each in names]
        told = ["" if value is None else value for value in values]
        writer.writerow([name, *told, step.bound, _verdict(step), "; ".join(step.limits)])
    return out.getvalue()


def sentence(found: Knee) -> str:
    """What the search says, and what it does not."""
    return f"{_knee(found)}. {_held(found)}".strip()


def difference(searches: Sequence[Knee]) -> float | None:
    """By which share of the least knee several searches differ; None if one of them found none."""
    knees = [found.knee for found in searches if found.knee is not None and found.found]
    return max(knees) / min(knees) - 1 if len(knees) == len(searches) > 0 else None


def agreement(searches: Sequence[Knee]) -> str:
    """Whether they found the same."""
    by = difference(searches)
    if by is None:
        return "Not every search found a knee of the system: they cannot be compared."
    told = f"{len(searches)} searches on fresh stacks differ by {100 * by:.1f} %"
    return f"{told}." if by <= _AGREE else f"{told}, more than {100 * _AGREE:g} %: it cannot be said where the knee is."


def exit_code(searches: Sequence[Knee]) -> int:
    """Of all searches: 1 if a knee was not held, else 2 if one was not found or they do not agree, else 0."""
    codes = {found.exit_code for found in searches}
    if 1 in codes:
        return 1
    by = difference(searches)
    return 2 if 2 in codes or by is None or by > _AGREE else 0


def _knee(found: Knee) -> str:
    unit = UNITS[found.varied]
    beyond = found.beyond
    if found.knee is None:
        least = found.steps[0].value if found.steps else 0.0
        return (
            f"No knee: not even {least:g} {unit} could be said to be carried ({found.first_limit or 'nothing tried'})"
        )
    knee = f"{found.knee:g} {unit}"
    if beyond is None:
        return f"The knee is at least {knee}: the search ended there and found no limit"
    if beyond.unknown:
        why = beyond.limits[0]
        limit = f"the load generator is the limit ({why})" if why in _OURS else f"nothing can be said ({why})"
        return f"The knee is at least {knee}; beyond it {limit}, no knee of the system was found"
    return f"The knee is {knee}; the first limit beyond it, at {beyond.value:g}: {beyond.limits[0]}"


def _held(found: Knee) -> str:
    if found.held is None:
        return ""
    share = found.held.value / (found.knee or found.held.value)
    held = f"Held at {found.held.value:g} ({100 * share:.0f} %)"
    match _verdict(found.held):
        case "carried":
            return f"{held}: carried."
        case "unknown":
            return f"{held}: nothing can be said ({found.held.limits[0]})."
        case _:
            return f"{held}: NOT carried ({'; '.join(found.held.limits)})."


def _rows(found: Knee) -> Iterator[Sequence[str]]:
    for name, step in _named(found):
        yield name, *_cells(step)


def _named(found: Knee) -> Iterator[tuple[str, Step]]:
    yield from ((str(number), step) for number, step in enumerate(found.steps, start=1))
    if found.held is not None:
        yield "held", found.held


def _cells(step: Step) -> Sequence[str]:
    verdict = "carried" if step.carried else f"{_verdict(step)}: {', '.join(step.limits)}"
    between = "–" if step.p99_low is None else f"{_ms(step.p99_low)}–{_ms(step.p99_high)}"
    numbers = (f"{step.value:g}", f"{step.offered:,.1f}", f"{step.delivered:,.0f}", _ms(step.p50), _ms(step.p99))
    return *numbers, between, step.bound or "–", verdict


def _verdict(step: Step) -> str:
    if step.unknown:
        return "unknown"
    return "carried" if step.carried else "not carried"


def _ms(seconds: float | None) -> str:
    return "–" if seconds is None else f"{1000 * seconds:,.0f}"
