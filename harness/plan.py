"""Capacity: how many generations at once under a plan's limits and a server's own ceiling, and what comes first.

Beside the line: it looks at rates, not at events. Rates per second; sizes in bytes.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import exp, floor, log
from typing import Final, Literal, get_args

from harness.errors import UsageError
from harness.realtime.plans import Limits
from harness.realtime.rate import TICK_S

Compute = Literal["micro", "small", "large"]
COMPUTES: Final[tuple[Compute, ...]] = get_args(Compute)
Curve = Sequence[tuple[float, float]]
"""Subscribers of the same changes, ascending → the changes per second that a server was seen to deliver to each."""

CHANNELS_PER_TAB: Final = 2
"""A page joins one channel for the events of its process and one for its state row."""
MAX_CHANGE_BYTES: Final = 1_048_576
"""The largest change that is sent whole, on every plan (docs/limits.md)."""
_SLACK: Final = 1e-9

_SMALL_OPEN: Final[Curve] = ((500, 64), (5_000, 10), (10_000, 5), (35_000, 1))
_SMALL_ROW_SECURITY: Final[Curve] = ((500, 30), (1_500, 10), (3_000, 5))
PUBLISHED: Final[Mapping[tuple[Compute, bool], Curve]] = {
    ("micro", False): ((500, 64), (5_000, 10), (10_000, 5), (30_000, 1)),
    ("micro", True): _SMALL_ROW_SECURITY,
    ("small", False): _SMALL_OPEN,
    ("small", True): _SMALL_ROW_SECURITY,
    ("large", False): (*_SMALL_OPEN, (100_000, 0.1), (200_000, 0.05)),
    ("large", True): ((500, 40), (2_000, 10), (4_000, 5)),
}
"""What the vendor publishes of Postgres Changes, by compute and row security (load-practice 4.2)."""

MEASURED: Final[Mapping[bool, Curve]] = {
    False: ((1, 1_078), (10, 760), (50, 412), (200, 123)),
    True: ((1, 763), (10, 508), (50, 161)),
}
"""The real server v2.129.8, its database and all clients on the same two cores (real-performance a and b)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What one generation asks for: changes of the database, tabs that show it, seconds that it takes.

    `row_bytes` is its largest row, None if that is not known.
    """

    changes_per_s: float
    subscribers: int = 1
    duration_s: float
    row_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """One limit, and how many generations at once it allows; None: as many as you like."""

    limit: str
    generations: int | None
    allows: str
    takes: str
    """What a generation takes of it."""


def bounds(load: Load, limits: Limits, ceilings: Mapping[str, Curve]) -> Sequence[Bound]:
    """Every limit of the plan and every ceiling, the one that comes first at the head.

    What is counted per second is taken as spread evenly over the generations; a limit is a bound that may be reached.
    """
    found = [*_of_plan(load, limits), _payload(load), *(_ceiling(load, *one) for one in ceilings.items())]
    return sorted(found, key=lambda one: float("inf") if one.generations is None else one.generations)


def rate(curve: Curve, subscribers: float) -> float:
    """Changes per second for so many subscribers, on straight lines between the measured points of a log-log scale.

    Before the first point it is that of the first; behind the last one the deliveries in all stay the same.
    """
    first, last = curve[0], curve[-1]
    if subscribers <= first[0]:
        return first[1]
    if subscribers >= last[0]:
        return last[1] * last[0] / subscribers
    (n1, r1), (n2, r2) = next(pair for pair in pairwise(curve) if pair[1][0] > subscribers)
    return r1 * exp(log(r2 / r1) * log(subscribers / n1) / log(n2 / n1))


def knee(deliveries_per_s: Mapping[str, Mapping[str, float | None]], *, row_security: bool) -> Curve:
    """The curve of a `bench/latest.json`: deliveries in all, by subscribers and row security.

    Raises `UsageError` if it has none.
    """
    setting = "on" if row_security else "off"
    try:
        measured = [(float(number), by_setting.get(setting)) for number, by_setting in deliveries_per_s.items()]
        curve = sorted((number, float(total) / number) for number, total in measured if total and number > 0)
    except (AttributeError, TypeError, ValueError) as error:
        raise UsageError(f"these are no deliveries per second by subscribers and row security: {error}") from error
    if not curve:
        raise UsageError(f"no deliveries per second were measured with row security {setting}")
    return curve


def _of_plan(load: Load, limits: Limits) -> Iterable[Bound]:
    tabs, deliveries = load.subscribers, load.changes_per_s * load.subscribers
    joins = tabs * CHANNELS_PER_TAB
    opening = joins / load.duration_s
    changes = limits.max_events_per_second
    yield _shared("db_events_per_second", changes, deliveries, "deliveries of a change a second")
    yield _shared("max_concurrent_users", limits.max_concurrent_users, tabs, "sockets, one a tab")
    yield _shared("max_joins_per_second", limits.max_joins_per_second, opening, "joins a second, as pages are opened")
    # A counter that starts anew has an empty tick and one with all of them, and looks at the mean.
    storm = None if limits.max_joins_per_second is None else limits.max_joins_per_second * 2 * TICK_S
    yield _shared("max_joins_per_second, all at once", storm, joins, "joins within five seconds, after a restart")
    channels = limits.max_channels_per_client
    fits = channels is None or channels >= CHANNELS_PER_TAB
    yield Bound(
        limit="max_channels_per_client",
        generations=None if fits else 0,
        allows=_number(channels),
        takes=f"{CHANNELS_PER_TAB} channels of a socket: a tab shows one process",
    )
    yield Bound(
        limit="max_events_per_second",
        generations=None,
        allows=_number(changes),
        takes="0 messages: nothing is broadcast, changes have a counter of their own",
    )


def _shared(limit: str, allowed: float | None, taken: float, unit: str) -> Bound:
    return Bound(
        limit=limit,
        generations=None if allowed is None or taken <= 0 else floor(allowed / taken + _SLACK),
        allows=_number(allowed),
        takes=f"{_number(taken)} {unit}",
    )


def _payload(load: Load) -> Bound:
    fits = load.row_bytes is None or load.row_bytes <= MAX_CHANGE_BYTES
    return Bound(
        limit="change payload",
        generations=None if fits else 0,
        allows=_number(MAX_CHANGE_BYTES),
        takes="bytes not known" if load.row_bytes is None else f"{_number(load.row_bytes)} bytes, the largest row",
    )


def _ceiling(load: Load, name: str, curve: Curve) -> Bound:
    """The most generations whose changes the server still delivers to as many subscribers as there are then in all.

    It was measured with subscribers that get every change, and ours get those of one process: it is a careful bound.
    """

    def too_many(generations: int) -> bool:
        return generations * load.changes_per_s > rate(curve, generations * load.subscribers) + _SLACK

    if load.changes_per_s <= 0:
        return Bound(limit=name, generations=None, allows="–", takes="0 changes a second")
    most = floor(curve[0][1] / load.changes_per_s + _SLACK)
    generations = bisect_left(range(1, most + 1), True, key=too_many)
    at = max(generations, 1) * load.subscribers
    return Bound(
        limit=name,
        generations=generations,
        allows=f"{_number(rate(curve, at))} changes/s to {at:,}",
        takes=f"{_number(load.changes_per_s)} changes a second",
    )


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:,.3g}"
