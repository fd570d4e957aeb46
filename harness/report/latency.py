"""How long events took from hop to hop, as percentiles and as bars of a distribution."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from harness.history import History, Op
from harness.history.facts import moment
from harness.history.hops import (
    APPLY,
    COMMIT,
    DECODE,
    DISPATCH,
    EMIT,
    INSERT,
    RECEIVE,
    SEND,
)
from harness.history.journey import Journey, journeys
from harness.history.percentile import percentile

_LINE: Final = (EMIT, INSERT, COMMIT, DECODE, DISPATCH, SEND, RECEIVE, APPLY)
_BINS: Final = 24
_LOWEST_S: Final = 0.0001


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """The times between two hops, in seconds. `bars` are counts over `edges`, which grow by a constant factor."""

    name: str
    count: int
    p50: float
    p95: float
    p99: float
    worst: float
    bars: Sequence[int]
    edges: Sequence[float]


def latencies(history: History) -> Sequence[Stretch]:
    """One stretch from each observed hop to the next, then the whole way from commit to reader, live and fetched.

    `insert` is the moment at which the first attempt began, so that `emit → insert` is the debouncer and
    `insert → commit` the database. `commit` is when it happened, not when the witness read of it. Hops after the
    commit are counted once for each reader, and only for what came live. A little below zero is possible where two
    clocks meet.
    """
    found = journeys(history)
    hops = [hop for hop in _LINE if any(op.f == hop for op in history)]
    samples: dict[str, list[float]] = {}
    for journey in found.values():
        for reader in list(journey.applied) or [""]:
            _collect(samples, journey, reader, hops)
    lasting = {name: times for name, times in samples.items() if times}
    return [_stretch(name, times) for name, times in sorted(lasting.items(), key=lambda item: _rank(item[0]))]


def _rank(name: str) -> int:
    """Hop by hop first, then the whole way, live before fetched."""
    return ("live" in name) + 2 * ("fetched" in name)


def _collect(samples: dict[str, list[float]], journey: Journey, reader: str, hops: Sequence[str]) -> None:
    first = journey.applied[reader][0] if reader in journey.applied else None
    live = first is not None and first.value.get("via") == "live"
    # Hops up to `decode` are the event's, not a reader's: they count once.
    own = not journey.applied or reader == next(iter(journey.applied))
    for before, after in pairwise(hops):
        shared = after in (INSERT, COMMIT, DECODE)
        start, end = _time(journey, before, reader), _time(journey, after, reader)
        wanted = own if shared else live
        times = samples.setdefault(f"{before} → {after}", [])
        if wanted and start is not None and end is not None:
            times.append(end - start)
    _whole_way(samples, journey, first)


def _whole_way(samples: dict[str, list[float]], journey: Journey, first: Op | None) -> None:
    if first is None or journey.commit is None:
        return
    name = "commit → apply, live" if first.value.get("via") == "live" else "commit → apply, fetched"
    samples.setdefault(name, []).append(first.time - moment(journey.commit))


def _time(journey: Journey, hop: str, reader: str) -> float | None:
    op = journey.stop(hop, reader)
    if op is None:
        return None
    return moment(op) if hop == COMMIT else op.time


def _stretch(name: str, times: Iterable[float]) -> Stretch:
    ordered = sorted(times)
    return Stretch(
        name=name,
        count=len(ordered),
        p50=percentile(ordered, 0.5),
        p95=percentile(ordered, 0.95),
        p99=percentile(ordered, 0.99),
        worst=ordered[-1],
        bars=_bars(ordered),
        edges=_EDGES,
    )


_EDGES: Final = tuple(_LOWEST_S * 10 ** (place / 4) for place in range(_BINS + 1))
"""0.1 ms to 100 s, four bars a decade."""


def _bars(times: Sequence[float]) -> Sequence[int]:
    bars = [0] * _BINS
    for time in times:
        place = math.floor(4 * math.log10(max(time, _LOWEST_S) / _LOWEST_S) + 1e-9)
        bars[min(place, _BINS - 1)] += 1
    return bars
