"""What the history says of a reader over time: when it was live, its pages, when it ended. Judges nothing.

Between the history and the checkers of delivery, which all ask it the same questions.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf

from harness.checkers.statement import LIVE, Statement, statements
from harness.history import History, Op
from harness.history.facts import Facts, moment
from harness.history.history import made_once
from harness.history.hops import APPLY
from harness.history.journey import Journey

Key = tuple[str, str]
"""A reader and the process that it shows."""


@made_once
def ends(history: History) -> Mapping[Key, float]:
    """When each reader left, or showed its view at the end; infinite if it did neither. Its last subscribe counts."""
    found: dict[Key, float] = {}
    for op in history:
        key = (op.actor, op.value.get("process_id", ""))
        if op.f == "subscribe":
            found[key] = inf
        elif op.f in ("view", "leave") and key in found:
            found[key] = min(found[key], op.time)
    return found


@made_once
def live(history: History) -> Mapping[Key, Sequence[Statement]]:
    """The stretches in which each reader said that it was live."""
    found: dict[Key, list[Statement]] = {}
    for statement in statements(history, status=LIVE):
        found.setdefault((statement.reader, statement.process_id), []).append(statement)
    return found


@made_once
def pages(history: History) -> Sequence[tuple[Op, ...]]:
    """The applications of each page: a reader's, from when it is mounted to when it is mounted anew."""
    mounts: dict[Key, int] = {}
    found: dict[tuple[Key, int], list[Op]] = {}
    for op in history:
        key = (op.actor, op.value.get("process_id", ""))
        if op.f in ("subscribe", "remount"):
            mounts[key] = mounts.get(key, 0) + 1
        elif op.f == APPLY and op.type == "ok":
            found.setdefault((key, mounts.get(key, 0)), []).append(op)
    return [tuple(ops) for ops in found.values()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """A committed event that a reader is owed; `at` is when it was committed, `applied` its first application."""

    journey: Journey
    commit: Op
    at: float
    applied: Op | None

    @property
    def sequence(self) -> int | None:
        number = self.journey.described("sequence")
        return number if isinstance(number, int) else None

    def detail(self, reader: str) -> dict[str, object]:
        """What all findings about such an event tell."""
        return {
            "reader": reader,
            "process_id": self.journey.described("process_id"),
            "event_id": self.journey.event_id,
            "event_type": self.journey.described("event_type"),
            "sequence": self.sequence,
        }


def owed(facts: Facts, key: Key, within: float) -> Sequence[Owed]:
    """The events owed to a reader that were committed as they are; one that went into another is not among them."""
    found = []
    for journey in facts.owed(facts.subscribers[key], within):
        commit = facts.commit(journey)
        if commit is not None:
            arrival = facts.arrivals.get((key[0], journey.event_id))
            found.append(
                Owed(journey=journey, commit=commit, at=moment(commit), applied=arrival.op if arrival else None)
            )
    return found


def was_due(facts: Facts, start: float, end: float, within: float) -> bool:
    """Whether what began at `start` had its time by `end`: so many seconds, or the system had come to rest."""
    rest = bisect_left(facts.rests, start)
    return end >= start + within or (rest < len(facts.rests) and facts.rests[rest] <= end)


def watched_until(facts: Facts, end: float) -> float:
    """Until when a reader that ended then can be blamed for what it does not do: not after a story's recording."""
    return min(end, facts.end if facts.told_as_story else inf)
