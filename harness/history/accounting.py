"""Accounting: exactly one bin for every emitted event and every subscriber that is owed it (contract 5).

The bins answer what became of an event on its way to one reader; what came to a reader beyond that is counted
apart, as extras.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from harness.history.arrival import Arrival
from harness.history.audience import Subscriber
from harness.history.belief import Belief
from harness.history.facts import Facts, changed, moment
from harness.history.history import History
from harness.history.hops import EMIT, HOPS
from harness.history.journey import Journey, next_hop
from harness.history.op import Op

DEADLINE_S: Final = 5.0
"""Contract 6: applied within this time of the client being online."""


class Bin(StrEnum):
    """In the order of contract 5: the first that applies is taken."""

    UNPUBLISHED = "unpublished"
    UNPUBLISHED_SILENT = "unpublished_silent"
    COALESCED = "coalesced"
    SUPERSEDED = "superseded"
    WITHHELD = "withheld"
    LOST_SILENT = "lost_silent"
    LOST_ANNOUNCED = "lost_announced"
    TRUNCATED = "truncated"
    LATE = "late"
    REORDERED = "reordered"
    RECOVERED = "recovered"
    DELIVERED = "delivered"


class Extra(StrEnum):
    """What a reader got beyond what it was owed."""

    DUPLICATE = "duplicate"
    PHANTOM = "phantom"
    FORBIDDEN = "forbidden"
    MISROUTED = "misrouted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One event and one subscriber. `undecided`: the recording stopped before the deadline of a missing event."""

    bin: Bin
    reader: str
    event_id: str
    process_id: str
    event_type: str
    sequence: int | None
    undecided: bool
    journey: Journey

    @property
    def last_seen(self) -> Op | None:
        """The op of the last hop that the event reached on its way to this reader."""
        return self.journey.last_seen(self.reader)

    @property
    def ops(self) -> tuple[Op, ...]:
        """The ops that tell the story, in their order: emitted, inserted, committed, last seen."""
        journey = self.journey
        told = {op.index: op for op in (journey.emit, journey.insert, journey.commit, self.last_seen) if op is not None}
        return tuple(told[index] for index in sorted(told))


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """The books of a run. `unexplained` are commits of events that nobody emitted, and events emitted twice."""

    entries: tuple[Entry, ...]
    extras: tuple[tuple[Extra, Op], ...]
    coverage: Mapping[str, int]
    observed: frozenset[str]
    unexplained: tuple[Op, ...] = ()

    @property
    def balanced(self) -> bool:
        """Whether the bins add up to what was emitted: every committed event was emitted, once."""
        return not self.unexplained

    def by_bin(self) -> Mapping[Bin, int]:
        """Every bin with its count, zeros too."""
        return _complete(entry.bin for entry in self.entries)

    def by_reader(self) -> Mapping[str, Mapping[Bin, int]]:
        return _grouped((entry.reader, entry.bin) for entry in self.entries)

    def by_type(self) -> Mapping[str, Mapping[Bin, int]]:
        return _grouped((entry.event_type, entry.bin) for entry in self.entries)

    def by_extra(self) -> Mapping[Extra, int]:
        counts = Counter(extra for extra, _ in self.extras)
        return {extra: counts[extra] for extra in Extra}

    def stretch(self, entry: Entry) -> tuple[str, str | None]:
        """The last hop an event reached and the next that can be seen here: it was lost between the two."""
        last = entry.last_seen
        hop = last.f if last is not None else EMIT
        return hop, next_hop(hop, self.observed)


def account(history: History, *, deadline_s: float = DEADLINE_S) -> Accounts:
    """The books of a history, in one pass over its ops and one over events × subscribers.

    An event is owed to a subscriber that is entitled to it, unless the subscriber left before the event was
    committed, or so soon after that it could still have come in time. If the history has no witness's commits (a
    backend without a witness), a successful insert counts as the commit.
    """
    return history.once(_account, deadline_s)


def _account(history: History, deadline_s: float) -> Accounts:
    facts = Facts.of(history)
    emits = history.where(f=EMIT, type="ok")
    return Accounts(
        entries=tuple(
            _entry(facts, journey, subscriber, deadline_s)
            for subscriber in facts.subscribers.values()
            for journey in facts.owed(subscriber, deadline_s)
        ),
        extras=tuple(_extras(facts)),
        coverage=dict(sorted(Counter(str(op.value.get("event_type")) for op in emits).items())),
        observed=frozenset(op.f for op in history if op.f in HOPS),
        unexplained=tuple(_unexplained(facts, emits)),
    )


@dataclass(frozen=True, slots=True)
class _Case:
    """One event and one subscriber, with what the rules ask of them."""

    facts: Facts
    journey: Journey
    subscriber: Subscriber
    deadline_s: float
    arrival: Arrival | None

    @property
    def unpublished(self) -> bool:
        return self.facts.commit(self.facts.carrier(self.journey)) is None

    @property
    def told(self) -> bool:
        insert = self.facts.carrier(self.journey).insert
        return insert is not None and insert.type == "fail" and not insert.value.get("unheard", False)

    def went_into_another(self, outcome: str) -> bool:
        debounce = self.journey.debounce
        return self.facts.commit(self.journey) is None and debounce is not None and debounce.value.outcome == outcome

    @property
    def withheld(self) -> bool:
        return self.arrival is None and self.subscriber.reader in self.journey.withheld_from

    @property
    def announced(self) -> bool:
        belief = self.facts.beliefs.get((self.subscriber.reader, self.subscriber.process_id), Belief())
        return belief.tells_of(self.journey.described("sequence"))

    @property
    def truncated(self) -> bool:
        return self.arrival is not None and changed(self.journey.emit, self.arrival.op, self.facts.merged_into)

    @property
    def late(self) -> bool:
        commit = self.facts.commit(self.journey)
        if commit is None or self.arrival is None or self.arrival.online_since is None:
            return False
        return self.arrival.op.time > max(moment(commit), self.arrival.online_since) + self.deadline_s


_RULES: Final[tuple[tuple[Bin, Callable[[_Case], bool]], ...]] = (
    (Bin.UNPUBLISHED, lambda case: case.unpublished and case.told),
    (Bin.UNPUBLISHED_SILENT, lambda case: case.unpublished),
    (Bin.COALESCED, lambda case: case.went_into_another("merged")),
    (Bin.SUPERSEDED, lambda case: case.went_into_another("replaced")),
    (Bin.WITHHELD, lambda case: case.withheld),
    (Bin.LOST_SILENT, lambda case: case.arrival is None and not case.announced),
    (Bin.LOST_ANNOUNCED, lambda case: case.arrival is None),
    (Bin.TRUNCATED, lambda case: case.truncated),
    (Bin.LATE, lambda case: case.late),
    (Bin.REORDERED, lambda case: case.arrival is not None and case.arrival.overtaken),
    (Bin.RECOVERED, lambda case: case.arrival is not None and case.arrival.op.value.get("via") == "fetch"),
    (Bin.DELIVERED, lambda case: True),
)

SILENT: Final = frozenset({Bin.UNPUBLISHED_SILENT, Bin.LOST_SILENT})
"""The bins that contract 6 forbids: something is missing and nobody was told."""


def _entry(facts: Facts, journey: Journey, subscriber: Subscriber, deadline_s: float) -> Entry:
    arrival = facts.arrivals.get((subscriber.reader, journey.event_id))
    case = _Case(facts, journey, subscriber, deadline_s, arrival)
    bin_ = next(bin_ for bin_, applies in _RULES if applies(case))
    return Entry(
        bin=bin_,
        reader=subscriber.reader,
        event_id=journey.event_id,
        process_id=subscriber.process_id,
        event_type=journey.described("event_type") or "",
        sequence=journey.described("sequence"),
        undecided=bin_ in SILENT and facts.stopped_before(facts.moment(journey), deadline_s),
        journey=journey,
    )


def _extras(facts: Facts) -> Iterator[tuple[Extra, Op]]:
    for journey in facts.journeys.values():
        for reader, hops in journey.reader_hops.items():
            came = [op for op in hops.values() if op.actor == reader]
            extra = _extra(facts, journey, reader) if came else None
            if extra is not None:
                yield extra, came[-1]
        for applied in journey.applied.values():
            yield from ((Extra.DUPLICATE, again) for again in applied[1:])


def _extra(facts: Facts, journey: Journey, reader: str) -> Extra | None:
    """What came too much to a reader; what may come to a client that just listens is the business of `routing`."""
    if reader in facts.listeners:
        return None
    subscriber = facts.subscribers.get((reader, journey.described("process_id")))
    if subscriber is not None and not subscriber.entitled:
        return Extra.FORBIDDEN
    if facts.commit(journey) is None:
        return Extra.PHANTOM
    return Extra.MISROUTED if subscriber is None else None


def _unexplained(facts: Facts, emits: History) -> Iterator[Op]:
    for journey in facts.journeys.values():
        commit = facts.commit(journey)
        if journey.emit is None and commit is not None:
            yield commit
    yield from (op for op in emits if facts.journeys[op.value.event_id].emit is not op)


def _complete(bins: Iterable[Bin]) -> Mapping[Bin, int]:
    counts = Counter(bins)
    return {bin_: counts[bin_] for bin_ in Bin}


def _grouped(pairs: Iterable[tuple[str, Bin]]) -> Mapping[str, Mapping[Bin, int]]:
    groups: dict[str, list[Bin]] = {}
    for name, bin_ in pairs:
        groups.setdefault(name, []).append(bin_)
    return {name: _complete(groups[name]) for name in sorted(groups)}
