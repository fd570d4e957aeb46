"""The outages of readers: from the loss of a socket or channel to when the reader is online again. For `recovery`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Final

from harness.checkers.statement import LIVE
from harness.history import History, Op
from harness.history.faults import fault_stretches

_CHANNELS: Final = frozenset({"postgres_changes", "phoenix"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """`lost` is the op that began it; `back` the op with which the reader was online again, if it was."""

    reader: str
    lost: Op
    back: Op | None = None


@dataclass(slots=True)
class _Line:
    """One reader's topics, and the outage that it is in."""

    reader: str
    topics: set[str] = field(default_factory=set)
    ready: set[str] = field(default_factory=set)
    lost: Op | None = None
    status: str = ""
    gone: bool = False

    def take(self, op: Op) -> Outage | None:
        """The outage that this op ends, if any."""
        topic = op.value.get("topic", "")
        if op.f == "join" and op.type == "ok":
            self.topics.add(topic)
        elif op.f == "ready":
            self.ready.add(topic)
            return self._back(op) if self.ready >= self.topics else None
        elif op.f == "status":
            self.status = op.value.get("status", "")
            return self._back(op) if self.status in (LIVE, "ended") else None
        elif op.f == "close":
            self.ready.clear()
            self._lose(op)
        elif op.f == "system" and op.type == "fail" and op.value.get("extension") in _CHANNELS:
            self.ready.discard(topic)
            self._lose(op)
        elif op.f in ("view", "leave", "subscribe"):
            self.gone = op.f != "subscribe"
        return None

    def _lose(self, op: Op) -> None:
        # Nothing more comes to a process that has ended, and what is lost after the reader's end was its own doing.
        if not self.gone and self.status != "ended":
            self.lost = self.lost or op

    def _back(self, op: Op) -> Outage | None:
        lost, self.lost = self.lost, None
        return None if lost is None else Outage(reader=self.reader, lost=lost, back=op)


def outages(history: History) -> Mapping[str, Sequence[Outage]]:
    """Reader → its outages in order. The close with which a reader ends is none."""
    lines = {op.actor: _Line(op.actor) for op in history.where(f="subscribe", type="ok")}
    found: dict[str, list[Outage]] = {reader: [] for reader in lines}
    for op in history:
        ended = lines[op.actor].take(op) if op.actor in lines else None
        if ended is not None:
            found[op.actor].append(ended)
    for reader, line in lines.items():
        if line.lost is not None:
            found[reader].append(Outage(reader=reader, lost=line.lost))
    return found


def calm_after(history: History, reader: str, start: float, within: float) -> float:
    """From when on, from `start`, no fault held for so many seconds that may keep the reader from being online.

    Infinite if there is one that is never ended.
    """
    for fault in fault_stretches(history):
        if (fault.concerns(reader) or not fault.where) and fault.start <= start + within and fault.end > start:
            start = inf if fault.ended is None else fault.end
    return start


def pauses(outages: Sequence[Outage]) -> Iterator[tuple[Outage, float]]:
    """Each outage with the time at which the next began."""
    for place, outage in enumerate(outages):
        following = outages[place + 1].lost.time if place + 1 < len(outages) else inf
        yield outage, following
