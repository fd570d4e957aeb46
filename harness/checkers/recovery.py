"""After an outage a reader is back in time, with each event that it missed, once; a second recovery brings nothing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf

from harness.checkers.checker import Finding, Verdict
from harness.checkers.evidence import in_order
from harness.checkers.outage import Outage, calm_after, outages, pauses
from harness.checkers.reader_life import Key, Owed, ends, live, owed, pages, was_due, watched_until
from harness.history import History, Op
from harness.history.belief import Belief
from harness.history.facts import Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """Convicts a reader that does not recover from the loss of its socket or of a channel.

    It is online again when its channels are ready or it says that it is live. `not_recovered`: an event that was
    committed by then is not applied `within` seconds of it. `applied_again`: it applies what it has applied before.
    `never_back`: it is not online again, though for `back_within` seconds nothing kept it. The seconds count from the
    end of a fault that concerns it. Not judged is an outage after which there was less time than that, or after
    which the reader asked in vain and did not say that it was live; an event that it says is missing is no finding.
    Unknown if no outage could be judged.
    """

    within: float = 5.0
    back_within: float = 30.0

    def check(self, history: History) -> Verdict:
        facts = Facts.of(history)
        found = outages(history)
        looked_at = 0
        findings: list[Finding] = []
        for key, end in ends(history).items():
            if facts.subscribers[key].entitled:
                judged = list(self._judged(found[key[0]], key, end, facts, history))
                looked_at += len(judged)
                findings += _findings(judged, key, facts, history, self.within)
        return Verdict.of(findings, looked_at=looked_at)

    def _judged(
        self, found: Sequence[Outage], key: Key, end: float, facts: Facts, history: History
    ) -> Iterator[tuple[Outage, float]]:
        """The outages that had their time, each with when it was over."""
        for outage, following in pauses(found):
            if outage.back is None:
                calm = calm_after(history, key[0], outage.lost.time, self.within)
                # No rest of the system is an excuse here: a reader that is not online is no part of it.
                if min(end, facts.end) >= calm + self.back_within:
                    yield outage, inf
                continue
            start = calm_after(history, key[0], outage.back.time, self.within)
            due = start + self.within
            had_time = following > due and was_due(facts, start, watched_until(facts, end), self.within)
            if had_time and not _could_not_ask(history, outage, due, key):
                yield outage, due


def _could_not_ask(history: History, outage: Outage, due: float, key: Key) -> bool:
    """Whether it asked in vain for what it missed, and did not say that it had it."""
    asked = history.where(f="fetch", type="fail", actor=outage.reader)
    in_vain = any(outage.lost.time <= op.time <= due for op in asked)
    return in_vain and not any(said.start <= due < said.end for said in live(history).get(key, ()))


def _findings(
    judged: Sequence[tuple[Outage, float]], key: Key, facts: Facts, history: History, within: float
) -> Iterator[Finding]:
    events = owed(facts, key, within)
    gaps = Belief(gaps=facts.beliefs.get(key, Belief()).gaps)
    for outage, due in judged:
        if outage.back is None:
            detail = {"reader": key[0], "process_id": key[1], "lost_at": outage.lost.time}
            yield Finding("never_back", (outage.lost,), detail)
            continue
        for event in events:
            if event.at <= outage.back.time and not _came_by(event, due) and not gaps.tells_of(event.sequence):
                yield _not_recovered(event, outage, outage.back)
    for first, again in _repeats(history, key):
        outage_then = next((o for o, due in judged if o.lost.index < again.index and again.time <= due), None)
        if outage_then is not None:
            yield _again(first, again, outage_then)


def _came_by(event: Owed, due: float) -> bool:
    return event.applied is not None and event.applied.time <= due


def _repeats(history: History, key: Key) -> Iterator[tuple[Op, Op]]:
    for page in pages(history):
        if (page[0].actor, page[0].value.get("process_id", "")) == key:
            seen: dict[str, Op] = {}
            for op in page:
                event_id = op.value.get("event_id", "")
                if event_id in seen:
                    yield seen[event_id], op
                seen.setdefault(event_id, op)


def _not_recovered(event: Owed, outage: Outage, back: Op) -> Finding:
    applied = event.applied
    detail = {
        **event.detail(outage.reader),
        "lost_at": outage.lost.time,
        "back_at": back.time,
        "applied_at": None if applied is None else applied.time,
    }
    return Finding("not_recovered", in_order(outage.lost, event.commit, back, applied), detail)


def _again(first: Op, again: Op, outage: Outage) -> Finding:
    keys = ("process_id", "event_id", "event_type", "sequence")
    detail = {
        "reader": again.actor,
        **{key: again.value.get(key) for key in keys},
        "lost_at": outage.lost.time,
        "had_it_before": first.index < outage.lost.index,
    }
    return Finding("applied_again", (first, again), detail)
