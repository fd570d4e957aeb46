"""The backlog of a load run: what was due and not yet shown, at the end of each second, and whether it grows.

From the history to figures. A system that carries its load has a backlog of rate x latency that goes up and down; one
that does not has more of it every second, long before a percentile shows it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import inf, isfinite, sqrt
from typing import Final

from harness.history import History
from harness.history.facts import Facts
from harness.history.journey import Journey
from load.judging.waiting import Absences, Stretch, absences, carrier, due

_WINDOWS: Final = 3
_POLL_S: Final = 0.5
"""After a poll that found nothing the server waits 500 ms, then reads all that has come (realtime-facts 4.3, 11.5)."""
_HELD_S: Final = 0.2
"""So long a debouncer holds an event back (the specification's 200 ms)."""
_DEVIATIONS: Final = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """`waiting[n]`: how many (event, reader) pairs wait at the end of second n of the load; `noise`: see `noise_of`."""

    waiting: Sequence[int] = ()
    noise: float = 0.0

    @property
    def most(self) -> int:
        return max(self.waiting, default=0)

    @property
    def grows_at(self) -> float | None:
        """At which second of the load it was clear that it grows; None if it never was."""
        return grows(self.waiting, noise=self.noise)


def backlog(history: History, *, begin: float, seconds: float) -> Backlog:
    """That of a load that began at `begin` and said events for so many seconds, without what lies between generations.

    Pairs are counted from when the event was due, but not while the reader is away by its own doing (see
    `load.judging.waiting`); what was committed and never came to a reader that stayed waits until its page closes.
    """
    facts = Facts.of(history)
    waits = list(_waits(facts, absences(history)))
    tooth = _POLL_S + (_HELD_S if any(map(_held, facts.journeys.values())) else 0.0)
    return Backlog(waiting=_at_ends(waits, begin), noise=_noise(waits, seconds, tooth=tooth))


def grows(windows: Sequence[int], *, noise: float) -> float | None:
    """The end of the first three windows in which it rose one after another, by more than `noise` all in all.

    One rise says nothing, nor do three small ones: `noise_of` says why. Windows are a second long, from 0 on.
    """
    for last in range(_WINDOWS, len(windows)):
        seen = windows[last - _WINDOWS : last + 1]
        rose = all(later > earlier for earlier, later in pairwise(seen))
        if rose and seen[-1] - seen[0] > noise:
            return float(last + 1)
    return None


def noise_of(pairs_per_s: float, *, readers: float, tooth: float) -> float:
    """By how much a backlog may rise from one end of a window to another at that rate while all is well.

    What is read or released every `tooth` seconds piles up until then: where in that time the window ends is chance, so
    that the backlog is a saw-tooth as high as what comes in it. How much comes is chance as well: three standard
    deviations of events that come independently, each to so many `readers` at once.
    """
    pile = pairs_per_s * tooth
    return pile + _DEVIATIONS * sqrt(readers * pile)


def _waits(facts: Facts, away: Mapping[str, Absences]) -> Iterator[Stretch]:
    """From when to when each pair waited; the end is infinite if the event never came and the page never closed."""
    for subscriber in facts.subscribers.values():
        absent = away[subscriber.reader]
        for journey in facts.emitted.get(subscriber.process_id, ()) if subscriber.entitled else ():
            carried, since = carrier(facts, journey), due(journey)
            if since == -inf:
                continue
            arrival = facts.arrivals.get((subscriber.reader, carried.event_id))
            if arrival is not None and absent.wait(arrival, since) is not None:
                yield from absent.waited(since, arrival.op.time)
            elif arrival is None and subscriber.left_at is None and facts.commit(carried) is not None:
                yield from absent.waited(since, inf)


def _held(journey: Journey) -> bool:
    """Whether a debouncer held it back, and it went into another one."""
    return journey.debounce is not None and journey.debounce.value.get("outcome") != "published"


def _at_ends(waits: Sequence[Stretch], begin: float) -> Sequence[int]:
    """How many wait at the end of each second, up to the last due time and until the last arrival."""
    last = max((max(since, until if isfinite(until) else since) for since, until in waits), default=begin)
    changes = [0] * (_window(last - begin) + 1)
    for since, until in waits:
        changes[_window(since - begin)] += 1
        if isfinite(until):
            changes[_window(until - begin)] -= 1
    return list(accumulate(changes))


def _window(at: float) -> int:
    """The window at whose end something that happened then is first seen."""
    return max(0, int(at))


def _noise(waits: Sequence[Stretch], seconds: float, *, tooth: float) -> float:
    events = {since for since, _ in waits}
    return noise_of(len(waits) / seconds, readers=len(waits) / len(events), tooth=tooth) if waits else 0.0
