"""What a load run came to: figures from its history, named as in the table, the thresholds and the CSV.

Times are in seconds inside, in milliseconds in the figures. A delivery is counted from the due time of each event, for
each reader, by the rules of `load.judging.waiting`: a merged event has arrived with the one that carries it, and the
time in which a reader was away by its own doing does not count. Staleness is how long a reader shows neither the event
nor a later one of its process: what a lost event costs, and what holding events back does. Of what is never shown it is
counted to the end of the settling.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from harness.checkers.order import Order
from harness.history import History
from harness.history.accounting import SILENT, Accounts, Bin, Entry
from harness.history.arrival import Arrival
from harness.history.audience import Subscriber
from harness.history.facts import Facts
from harness.history.hops import APPLY, EMIT, INSERT, RECEIVE
from harness.history.journey import Journey
from load.judging.backlog import Backlog, backlog
from load.judging.histogram import Times
from load.judging.usage import usage_figures
from load.judging.waiting import Absences, absences, carrier, due

OFFERED: Final = "events offered"
PUBLISHED: Final = "published"
DELIVERED: Final = "delivered"
COALESCED: Final = "coalesced"
LOST: Final = "lost silently"
MISSED: Final = "missed live"
"""Events that a reader found missing while it was live, and asked for."""
TEXT_KEPT: Final = "text kept %"
INVERSIONS: Final = "order inversions"
LAG_P99: Final = "generator lag p99 ms"
PER_S: Final = "deliveries/s"
COMMITS: Final = "database commits/s"
WAL: Final = "database WAL kB/s"
BYTES: Final = "bytes received kB"
BACKLOG: Final = "backlog max"
DELIVERY_P50: Final = "delivery p50 ms"
DELIVERY_P99: Final = "delivery p99 ms"

_SHARES: Final = {"p50": 0.50, "p95": 0.95, "p99": 0.99, "p99.9": 0.999}
_TOLD: Final[Mapping[str, Sequence[str]]] = {
    "staleness": ("p50", "p99"),
    "publish": ("p50", "p99"),
    "delivery": ("p50", "p95", "p99", "p99.9"),
}
"""Of which times the table has which percentiles."""
_COALESCED: Final = frozenset({Bin.COALESCED, Bin.SUPERSEDED})


@dataclass(slots=True, kw_only=True)
class Measured:
    """Durations by what they are of, and the backlog. `by_type` and `by_second` (of the load) are of the delivery."""

    lag: Times = field(default_factory=Times)
    publish: Times = field(default_factory=Times)
    delivery: Times = field(default_factory=Times)
    staleness: Times = field(default_factory=Times)
    by_type: defaultdict[str, Times] = field(default_factory=lambda: defaultdict(Times))
    by_second: defaultdict[int, Times] = field(default_factory=lambda: defaultdict(Times))
    backlog: Backlog = field(default_factory=Backlog)

    def named(self) -> Mapping[str, Times]:
        """Those of the table."""
        return {"staleness": self.staleness, "publish": self.publish, "delivery": self.delivery, "lag": self.lag}


def measure(history: History, *, begin: float, warm_up: float, seconds: float) -> Measured:
    """All durations but of what was due in the first `warm_up` seconds after `begin`, and the whole backlog.

    `seconds` is for how long events were said, all generations together and without what lies between them.
    """
    facts, away = Facts.of(history), absences(history)
    measured = Measured(backlog=backlog(history, begin=begin, seconds=seconds))
    for journey in facts.journeys.values():
        if due(journey) >= begin + warm_up:
            _before_commit(measured, journey)
    for subscriber in facts.subscribers.values():
        said = facts.emitted.get(subscriber.process_id, ()) if subscriber.entitled else ()
        counted = [one for one in said if due(one) >= begin + warm_up]
        _at_reader(measured, facts, counted, subscriber, away[subscriber.reader], begin)
    return measured


def figures(history: History, accounts: Accounts, measured: Measured) -> Mapping[str, float | None]:
    """Name → value, in the order of the table. None is what could not be measured."""
    counts = Counter(_by_event(accounts.entries).values())
    return {
        OFFERED: len(history.where(f=EMIT)),
        PUBLISHED: len({op.value.event_id for op in history.where(f=INSERT, type="ok")}),
        DELIVERED: len(history.where(f=APPLY, type="ok")),
        COALESCED: counts[COALESCED],
        LOST: counts[LOST],
        MISSED: sum(op.value.before - op.value.after - 1 for op in history.where(f="gap")),
        TEXT_KEPT: _text_kept(Facts.of(history), accounts.entries),
        INVERSIONS: len(Order().check(history).findings),
        **{
            f"{name} {share} ms": _ms(measured.named()[name].at(_SHARES[share]))
            for name, shares in _TOLD.items()
            for share in shares
        },
        BACKLOG: measured.backlog.most,
        LAG_P99: _ms(measured.lag.at(0.99)),
        PER_S: _per_second(history),
        **_database(history),
        **usage_figures(history),
        BYTES: sum(op.value.get("bytes", 0) for op in history.where(f=RECEIVE)) / 1000,
    }


def _before_commit(measured: Measured, journey: Journey) -> None:
    assert journey.emit is not None, "it has a due time"
    measured.lag.add(journey.emit.value.offered - due(journey))
    if journey.insert is not None and journey.insert.type == "ok":
        measured.publish.add(journey.insert.time - due(journey))


def _at_reader(
    measured: Measured,
    facts: Facts,
    said: Sequence[Journey],
    subscriber: Subscriber,
    away: Absences,
    begin: float,
) -> None:
    """`said` in the order of intent."""
    shown: Arrival | None = None  # by then it showed the event, or a later one
    for journey in reversed(said):
        arrival, since = facts.arrivals.get((subscriber.reader, carrier(facts, journey).event_id)), due(journey)
        if arrival is not None and (shown is None or arrival.op.time < shown.op.time):
            shown = arrival
        stale = _never_shown(facts, subscriber, away, since) if shown is None else away.wait(shown, since)
        if stale is not None:
            measured.staleness.add(stale)
        seconds = None if arrival is None else away.wait(arrival, since)
        if seconds is not None:
            measured.delivery.add(seconds)
            measured.by_type[str(journey.described("event_type"))].add(seconds)
            measured.by_second[int(since - begin)].add(seconds)


def _never_shown(facts: Facts, subscriber: Subscriber, away: Absences, since: float) -> float | None:
    """For how long a reader that stayed was stale in the end; None of one that has left, or was away all the time."""
    if subscriber.left_at is not None:
        return None
    rest = bisect_left(facts.rests, since)
    seconds = away.seconds(since, facts.rests[rest] if rest < len(facts.rests) else facts.end)
    return seconds if seconds > 0 else None


def _by_event(entries: Sequence[Entry]) -> Mapping[str, str]:
    """Event → `LOST` if any reader lost it in silence, else `COALESCED` if it went into another or gave way to it."""
    found: dict[str, str] = {}
    for entry in entries:
        if entry.bin in SILENT:
            found[entry.event_id] = LOST
        elif entry.bin in _COALESCED:
            found.setdefault(entry.event_id, COALESCED)
    return found


def lost_at(entries: Sequence[Entry], *, begin: float) -> float | None:
    """When the first event was due that some reader lost in silence, in seconds of the load; None if none was."""
    return min((max(0.0, due(entry.journey) - begin) for entry in entries if entry.bin in SILENT), default=None)


def _text_kept(facts: Facts, entries: Sequence[Entry]) -> float | None:
    """How much of the text that was streamed for each reader has come to it, in per cent of its characters."""
    owed = kept = 0
    for entry in entries:
        chars = 0 if entry.journey.emit is None else entry.journey.emit.value.get("chars", 0)
        owed += chars
        if (entry.reader, carrier(facts, entry.journey).event_id) in facts.arrivals and entry.bin != Bin.TRUNCATED:
            kept += chars
    return 100 * kept / owed if owed else None


def _per_second(history: History) -> float | None:
    """Live deliveries to all readers, from the first due time to the last of them."""
    dues = [op.value.due for op in history.where(f=EMIT) if "due" in op.value]
    live = [op.time for op in history.where(f=APPLY, type="ok", via="live")]
    return len(live) / (max(live) - min(dues)) if live and dues else None


def _database(history: History) -> Mapping[str, float | None]:
    """What the whole database did meanwhile, the engine's and the witness's polls with it."""
    told = history.where(f="database_load")
    if len(told) < 2:
        return {COMMITS: None, WAL: None}
    first, last = told[0], told[-1]
    seconds = last.time - first.time
    return {
        COMMITS: (last.value.commits - first.value.commits) / seconds,
        WAL: (last.value.wal_bytes - first.value.wal_bytes) / seconds / 1000,
    }


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else 1000 * seconds
