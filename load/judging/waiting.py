"""How long a reader waited for an event until it showed it.

Beside the line: what delivery, staleness and backlog are counted by. A reader waits from the due time on; a merged
event has come with the one that carries it. Not counted is only the time in which the reader was away by its own doing:
before it first came, and from where it dropped its socket itself (a storm, a churner) until it was back. Whatever the
server does, be it a close, a refused join or a channel that has to be joined afresh, is waited through. (An `Arrival`
counts anew from there: what a server owes to readers that it starves would be forgiven where it closes their sockets.)
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Final

from harness.history import History, Op
from harness.history.arrival import Arrival
from harness.history.facts import Facts
from harness.history.history import made_once
from harness.history.journey import Journey

_TOLD_BY: Final = frozenset({"subscribe", "join", "ready", "close"})
_GIVING_UP: Final = "heartbeat"
"""In the reason of a close by a client to which the server has not answered: not its own doing."""

Stretch = tuple[float, float]
"""From when to when, in seconds of the run."""


@dataclass(frozen=True, slots=True)
class Absences:
    """When one reader was away by its own doing: stretches in their order, which do not overlap."""

    stretches: Sequence[Stretch] = ()

    def at(self, moment: float) -> bool:
        return any(start <= moment < end for start, end in self.stretches)

    def wait(self, arrival: Arrival, due: float) -> float | None:
        """For how many seconds the reader waited for what was due then; None if it is no delivery.

        That is what was due while the reader was away, if it came by the fetch after that, or before the reader said
        that it was online.
        """
        if self.at(due) and (arrival.op.value.get("via") == "fetch" or self.at(arrival.op.time)):
            return None
        return self.seconds(due, arrival.op.time)

    def seconds(self, since: float, until: float) -> float:
        """How much of that time the reader was not away."""
        away = (min(end, until) - max(start, since) for start, end in self.stretches)
        return until - since - sum(each for each in away if each > 0)

    def waited(self, since: float, until: float) -> Iterator[Stretch]:
        """The parts of that time in which the reader was not away."""
        for start, end in self.stretches:
            if since < min(start, until):
                yield since, min(start, until)
            since = max(since, end)
        if since < until:
            yield since, until


@made_once
def absences(history: History) -> Mapping[str, Absences]:
    """Reader → its absences, of all who subscribed."""
    lines: dict[str, _Line] = {}
    for op in history:
        if op.f in _TOLD_BY:
            lines.setdefault(op.actor, _Line()).take(op)
    return {reader: Absences(tuple(line.told())) for reader, line in lines.items()}


def due(journey: Journey) -> float:
    """When it was due; long ago if nobody knows."""
    at: float = -inf if journey.emit is None else journey.emit.value.get("due", -inf)
    return at


def carrier(facts: Facts, journey: Journey) -> Journey:
    """The event with which this one's data came: itself, unless it was merged into another."""
    merged = journey.debounce is not None and journey.debounce.value.get("outcome") == "merged"
    return facts.carrier(journey) if merged else journey


@dataclass(slots=True)
class _Line:
    """One reader: `since` when it has been away by its own doing, None if it is not.

    It is back when all its channels are ready. A server that refuses it meanwhile makes it wait from then on.
    """

    since: float | None = -inf
    topics: set[str] = field(default_factory=set)
    ready: set[str] = field(default_factory=set)
    over: list[Stretch] = field(default_factory=list)

    def take(self, op: Op) -> None:
        topic = op.value.get("topic", "")
        if op.f == "join":
            self.topics.add(topic)
            if op.type == "fail":
                self._end(op.time)
        elif op.f == "ready":
            self.ready.add(topic)
            if self.ready >= self.topics:
                self._end(op.time)
        elif op.f == "close":
            self.ready.clear()
            self._closed(op)

    def told(self) -> Iterator[Stretch]:
        yield from self.over
        if self.since is not None:
            yield self.since, inf

    def _closed(self, op: Op) -> None:
        if op.value.get("by") != "client" or _GIVING_UP in str(op.value.get("reason", "")):
            self._end(op.time)
        elif self.since is None:
            self.since = op.time

    def _end(self, at: float) -> None:
        if self.since is not None:
            self.over.append((self.since, at))
            self.since = None
