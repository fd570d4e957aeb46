"""From when an event was due, or happened, to when a reader has it: percentiles within the gate."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from harness.checkers.checker import Finding, Verdict
from harness.checkers.evidence import in_order
from harness.history import History, Op
from harness.history.audience import Subscriber
from harness.history.facts import Facts, moment
from harness.history.hops import APPLY, COMMIT
from harness.history.journey import Journey
from harness.history.percentile import place


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Convicts each percentile (nearest rank) that is above its gate in seconds; None is no gate.

    Counted for each event and each reader that is owed it, from `hop_from` (a commit when it happened, not when it
    was read) to `hop_to`; where a load generator says when the event was `due`, from then on, whatever held it up
    (load-practice 4.1). A merged event has arrived with the one that carries it. Time in which the reader was not yet
    online does not count. What never arrived is no sample, that is accounting's business; findings say how many.
    With `event_type` only that type. Unknown without a single sample.
    """

    p50: float | None = None
    p95: float | None = None
    p99: float | None = 5.0
    hop_from: str = COMMIT
    hop_to: str = APPLY
    event_type: str | None = None

    def check(self, history: History) -> Verdict:
        facts = Facts.of(history)
        taken = _Taken()
        for subscriber in facts.subscribers.values():
            for journey in facts.emitted.get(subscriber.process_id, ()) if subscriber.entitled else ():
                if self.event_type in (None, journey.described("event_type")):
                    self._take(taken, facts, journey, subscriber)
        taken.samples.sort(key=lambda sample: sample.seconds)
        findings = (self._over(name, share, gate, taken) for name, share, gate in self._gates())
        return Verdict.of((one for one in findings if one is not None), looked_at=len(taken.samples))

    def _gates(self) -> Iterator[tuple[str, float, float | None]]:
        yield from (("p50", 0.50, self.p50), ("p95", 0.95, self.p95), ("p99", 0.99, self.p99))

    def _take(self, taken: "_Taken", facts: Facts, journey: Journey, subscriber: Subscriber) -> None:
        carrier = _carrier(facts, journey)
        start, end = self._start(facts, journey, subscriber.reader), self._end(facts, carrier, subscriber.reader)
        if start is None:
            return
        if end is None:
            taken.missing += facts.commit(carrier) is not None and subscriber.left_at is None
            return
        op, since = start
        arrival, online_since = end
        if online_since is not None:
            seconds = arrival.time - max(since, online_since)
            taken.samples.append(_Sample(seconds, subscriber.reader, journey, op, arrival))

    def _start(self, facts: Facts, journey: Journey, reader: str) -> tuple[Op, float] | None:
        """From which op on it is counted, and since when."""
        if journey.emit is not None and "due" in journey.emit.value:
            return journey.emit, float(journey.emit.value.due)
        op = facts.commit(journey) if self.hop_from == COMMIT else journey.stop(self.hop_from, reader)
        return None if op is None else (op, moment(op))

    def _end(self, facts: Facts, carrier: Journey, reader: str) -> tuple[Op, float | None] | None:
        """The op of the arrival, and since when the reader was online then."""
        if self.hop_to == APPLY:
            arrival = facts.arrivals.get((reader, carrier.event_id))
            return None if arrival is None else (arrival.op, arrival.online_since)
        op = carrier.stop(self.hop_to, reader)
        return None if op is None else (op, 0.0)

    def _over(self, name: str, share: float, gate: float | None, taken: "_Taken") -> Finding | None:
        if gate is None or not taken.samples:
            return None
        sample = taken.samples[place(len(taken.samples), share)]
        if sample.seconds <= gate:
            return None
        return Finding(
            "slow",
            in_order(sample.start, sample.end),
            {
                "percentile": name,
                "seconds": round(sample.seconds, 6),
                "gate_s": gate,
                "samples": len(taken.samples),
                "missing": taken.missing,
                "hop_from": "due" if "due" in sample.start.value else self.hop_from,
                "hop_to": self.hop_to,
                "event_type": self.event_type,
                "reader": sample.reader,
                "process_id": sample.journey.described("process_id"),
                "event_id": sample.journey.event_id,
                "sequence": sample.journey.described("sequence"),
            },
        )


@dataclass(frozen=True, slots=True)
class _Sample:
    seconds: float
    reader: str
    journey: Journey
    start: Op
    end: Op


@dataclass(slots=True)
class _Taken:
    """What was measured; `missing` are committed events that never arrived at a reader who is still owed them."""

    samples: list[_Sample] = field(default_factory=list)
    missing: int = 0


def _carrier(facts: Facts, journey: Journey) -> Journey:
    """The event with which this one's data came: itself, unless it was merged into another."""
    merged = journey.debounce is not None and journey.debounce.value.get("outcome") == "merged"
    return facts.carrier(journey) if merged else journey
