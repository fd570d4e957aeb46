"""A client that says it is live hears of what is committed: no subscription is dead without its knowing."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.checkers.checker import Finding, Verdict
from harness.checkers.evidence import in_order
from harness.checkers.statement import LIVE, Statement, statements
from harness.history import History, Op
from harness.history.facts import Facts, moment
from harness.history.faults import FaultStretch, fault_stretches
from harness.history.hops import APPLY, RECEIVE
from harness.history.journey import Journey


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """Convicts a reader that said all the time that it was live, and heard nothing at all, for `within` seconds after
    an event that it is owed was committed: a zombie.

    To hear is to receive any row, or to fetch events. An event that it has all the same is no proof, nor is one whose
    `within` seconds were cut short: by another status, the end of the recording, or its machine being `asleep`.
    Unknown if no event was committed while a reader that is owed it said it was live.
    """

    within: float = 60.0
    asleep: tuple[str, ...] = ("laptop_sleeps", "tab_hidden")

    def check(self, history: History) -> Verdict:
        facts = Facts.of(history)
        heard = _heard(history)
        asleep = [fault for fault in fault_stretches(history) if fault.fault in self.asleep]
        committed = _committed(facts)
        findings, looked_at = [], 0
        for said in statements(history, status=LIVE):
            naps = [fault for fault in asleep if fault.concerns(said.reader)]
            for journey, commit in _owed(facts, committed, said):
                answered = self._answered(facts, heard.get(said.reader, []), said.reader, journey, commit)
                decided = answered or self._waited(said, moment(commit), naps)
                looked_at += decided
                if decided and not answered:
                    findings.append(_zombie(said, journey, commit, heard.get(said.reader, []), self.within))
                    break
        return Verdict.of(findings, looked_at=looked_at)

    def _answered(self, facts: Facts, heard: Sequence[Op], reader: str, journey: Journey, commit: Op) -> bool:
        """Whether it heard anything in time, or has that very event: clocks may differ by a little."""
        last = moment(commit) + self.within
        place = bisect_right(heard, moment(commit), key=_time)
        if place < len(heard) and heard[place].time <= last:
            return True
        came = (*journey.reader_hops.get(reader, {}).values(), *journey.applied.get(reader, ()))
        return any(op.actor == reader and op.time <= last for op in came)

    def _waited(self, said: Statement, at: float, naps: Sequence[FaultStretch]) -> bool:
        """Whether it said that it was live, and could have heard, all the time that it had."""
        last = at + self.within
        return last <= said.end and not any(nap.start <= last and nap.end >= at for nap in naps)


def _heard(history: History) -> Mapping[str, list[Op]]:
    """Reader → the ops by which something came to it, in their order."""
    found: dict[str, list[Op]] = {}
    for op in history:
        if op.f in (RECEIVE, APPLY) or (op.f == "fetch" and op.value.get("events", 0)):
            found.setdefault(op.actor, []).append(op)
    return found


def _committed(facts: Facts) -> Mapping[Any, list[tuple[Journey, Op]]]:
    """Process → its events and their commits, by the time of the commit."""
    found: dict[Any, list[tuple[Journey, Op]]] = {}
    for journey in facts.journeys.values():
        commit = facts.commit(journey)
        if commit is not None:
            found.setdefault(journey.described("process_id"), []).append((journey, commit))
    return {key: sorted(pairs, key=lambda pair: moment(pair[1])) for key, pairs in found.items()}


def _owed(
    facts: Facts, committed: Mapping[Any, list[tuple[Journey, Op]]], said: Statement
) -> Iterator[tuple[Journey, Op]]:
    subscriber = facts.subscribers.get((said.reader, said.process_id))
    if subscriber is None or not subscriber.entitled:
        return
    for journey, commit in committed.get(said.process_id, ()):
        if said.start <= moment(commit) <= said.end:
            yield journey, commit


def _zombie(said: Statement, journey: Journey, commit: Op, heard: Sequence[Op], within: float) -> Finding:
    place = bisect_right(heard, moment(commit), key=_time)
    before = heard[place - 1] if place else None
    return Finding(
        "zombie",
        in_order(said.op, before, commit),
        {
            "reader": said.reader,
            "process_id": said.process_id,
            "event_id": journey.event_id,
            "event_type": journey.described("event_type"),
            "sequence": journey.described("sequence"),
            "committed_at": moment(commit),
            "last_heard_at": before.time if before is not None else None,
            "within_s": within,
        },
    )


def _time(op: Op) -> float:
    return op.time
