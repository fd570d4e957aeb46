"""When each event first took effect at each reader, and in what circumstances."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.history.history import History
from harness.history.hops import APPLY
from harness.history.op import Op


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """The first `apply` of an event by a reader.

    `online_since`: when the reader had last come online, None if it was offline then. `overtaken`: it had already
    applied a later sequence of the process.
    """

    op: Op
    online_since: float | None
    overtaken: bool


@dataclass(slots=True)
class _Line:
    """Whether one reader is online, told by its ops. Before anything is told it counts as online since ever."""

    since: float | None = 0.0
    topics: set[str] = field(default_factory=set)

    def take(self, op: Op) -> None:
        topic = op.value.get("topic", "")
        if op.f == "subscribe":
            self.since = op.time
        elif op.f == "close":
            self.since = None
            self.topics.clear()
        elif op.f == "join":
            self.topics.discard(topic)
        elif op.f == "ready" and topic not in self.topics:  # it may repeat on a topic that is ready
            self.since = op.time
            self.topics.add(topic)


def arrivals(history: History) -> Mapping[tuple[str, str], Arrival]:
    """(reader, event_id) → its first application, in one pass."""
    first: dict[tuple[str, str], Arrival] = {}
    furthest: dict[tuple[str, str], int] = {}
    lines: dict[str, _Line] = {}
    for op in history:
        if op.f in ("subscribe", "close", "join", "ready"):
            lines.setdefault(op.actor, _Line()).take(op)
        elif op.f == APPLY and op.type == "ok":
            place = (op.actor, op.value.get("process_id", ""))
            sequence = op.value.get("sequence", 0)
            highest = furthest.get(place, sequence)
            furthest[place] = max(highest, sequence)
            key = (op.actor, op.value.get("event_id", ""))
            if key not in first:
                since = lines[op.actor].since if op.actor in lines else 0.0
                first[key] = Arrival(op=op, online_since=since, overtaken=sequence < highest)
    return first
