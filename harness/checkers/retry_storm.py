"""After an outage all come back, in time, and not all at once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf

from harness.checkers.checker import Finding, Verdict
from harness.checkers.evidence import in_order
from harness.checkers.rate import busiest
from harness.checkers.tokens import SERVER
from harness.history import History, Op
from harness.history.faults import fault_stretches


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryStorm:
    """Judges what follows the first outage: a fault, a `disconnect`, or a close that the client did not want.

    `storm`: more than `joins_per_s` joins in some second, of all readers and listeners together, as the server saw
    them, or else as they tell. The first join of each on each topic is the story's and does not count.

    `not_back`: a reader that was ready before is not so on all its topics within `within` seconds of the end of the
    last fault or `disconnect` (of a `momentary` one: its beginning; without any, of the first close). Who left, or
    showed its last view, need not come back. Unknown if there was no outage, or if the recording stops too early.
    """

    joins_per_s: int = 100
    within: float = 60.0
    momentary: tuple[str, ...] = ("cut",)

    def check(self, history: History) -> Verdict:
        outages = self._outages(history)
        if not outages:
            return Verdict.unknown("there was no outage to come back from")
        first, (over, last) = outages[0][1], max(outages, key=lambda one: one[0])
        joins = [op for op in _rejoins(history) if op.index > first.index]
        readers = _readers(history, first)
        missing = [reader for reader in readers if not reader.is_back(last, over, over + self.within)]
        due = [reader for reader in missing if reader.ended(history) >= over + self.within]
        findings = [*self._storm(joins), *(self._not_back(reader, over, last) for reader in due)]
        if missing and not findings:
            return Verdict.unknown(f"the recording stops before {len(missing)} readers had their time to come back")
        return Verdict.of(findings, looked_at=len(joins) + len(readers))

    def _outages(self, history: History) -> Sequence[tuple[float, Op]]:
        """When each outage was over, and the op with which it began, in their order."""
        told = [
            *((op.time, op) for op in history.where(f="disconnect")),
            *(
                (each.start if each.fault in self.momentary else each.end, each.begun)
                for each in fault_stretches(history)
            ),
        ]
        closes = [(op.time, op) for op in history.where(f="close") if op.value.get("by") != "client"]
        return sorted(told or closes[:1], key=lambda one: one[1].index)

    def _storm(self, joins: Sequence[Op]) -> Iterator[Finding]:
        crowd = busiest(joins, 1.0)
        if len(crowd) > self.joins_per_s:
            detail = {"joins": len(crowd), "allowed": self.joins_per_s, "links": len({_who(op) for op in crowd})}
            yield Finding("storm", (crowd[0], crowd[-1]), detail)

    def _not_back(self, reader: "_Reader", over: float, last: Op) -> Finding:
        back = next((op.time for op in reader.complete if op.time > over), None)
        detail = {"reader": reader.name, "over_at": over, "within_s": self.within, "back_at": back}
        return Finding("not_back", in_order(last, reader.lost), detail)


@dataclass(slots=True, kw_only=True)
class _Reader:
    """One reader: its topics before the outage, which of them are ready, and the ops by which that changed."""

    name: str
    topics: frozenset[str]
    ready: set[str] = field(default_factory=set)
    complete: list[Op] = field(default_factory=list)
    losses: list[Op] = field(default_factory=list)
    last_word: Op | None = None

    @property
    def lost(self) -> Op | None:
        return self.losses[-1] if self.losses else None

    def is_back(self, last: Op, over: float, due: float) -> bool:
        """Whether it was ready on all its topics at any time from `over` to `due`, after what it had lost."""
        lost = next((op.index for op in self.losses if op.index >= last.index and op.time <= due), -1)
        return any(lost < op.index and op.time <= due and self._until(op) >= over for op in self.complete)

    def _until(self, complete: Op) -> float:
        return next((op.time for op in self.losses if op.index > complete.index), inf)

    def ended(self, history: History) -> float:
        """Until when it can be blamed."""
        return (self.last_word or history[-1]).time

    def take(self, op: Op) -> None:
        topic = str(op.value.get("topic", ""))
        if self.last_word is not None:
            return  # what it closes after that is its own doing
        if op.f == "ready":
            self.ready.add(topic)
            if self.ready >= self.topics:
                self.complete.append(op)
        elif op.f == "close" or (op.type == "fail" and topic in self.topics):
            self.ready = set() if op.f == "close" else self.ready - {topic}
            self.losses.append(op)
        elif op.f in ("view", "leave"):
            self.last_word = op


def _readers(history: History, outage: Op) -> Sequence[_Reader]:
    """Those that had been ready before the outage began."""
    topics: dict[str, set[str]] = {}
    for op in history.where(f="ready"):
        if op.index < outage.index:
            topics.setdefault(op.actor, set()).add(str(op.value.get("topic", "")))
    readers: Mapping[str, _Reader] = {name: _Reader(name=name, topics=frozenset(own)) for name, own in topics.items()}
    for op in history:
        if op.actor in readers:
            readers[op.actor].take(op)
    return list(readers.values())


def _rejoins(history: History) -> Iterator[Op]:
    """All joins but the first of each on each topic."""
    joins = [op for op in history.where(f="join") if op.type != "invoke"]
    seen = [op for op in joins if op.actor == SERVER]
    known: set[tuple[str, str]] = set()
    for op in seen or joins:
        key = (_who(op), str(op.value.get("topic", "")))
        if key in known:
            yield op
        known.add(key)


def _who(join: Op) -> str:
    return str(join.value.get("link", "")) if join.actor == SERVER else join.actor
