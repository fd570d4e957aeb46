"""What a reader shows is never older than it may be, unless the reader says that it is."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf

from harness.checkers.checker import Finding, Verdict
from harness.checkers.evidence import in_order
from harness.checkers.reader_life import Owed, live, owed
from harness.checkers.statement import Statement
from harness.history import History, Op
from harness.history.facts import Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Staleness:
    """Convicts a reader that says it is live while an event that it is owed stays unapplied for over `within` seconds.

    They count from when the event is committed and the reader says that it is live; they end when it applies the
    event, says that it is not live, announces the gap, or ends. Unknown if no reader was live while it was owed
    something.
    """

    within: float = 5.0

    def check(self, history: History) -> Verdict:
        facts = Facts.of(history)
        gaps = history.where(f="gap").group_by("actor", "process_id")
        gone = history.where(f="gap_permanent").group_by("actor", "process_id")
        looked_at = 0
        findings = []
        for key, statements in live(history).items():
            if key not in facts.subscribers:
                continue
            announced = [*gaps.get(key, ()), *gone.get(key, ())]
            for event in owed(facts, key, self.within):
                waits = list(_waits(event, statements, announced))
                looked_at += bool(waits)
                findings += [_finding(event, key[0], wait) for wait in waits if wait.seconds > self.within][:1]
        return Verdict.of(findings, looked_at=looked_at)


@dataclass(frozen=True, slots=True)
class _Wait:
    """How long a reader was live without an event that it is owed."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        return self.end - self.start


def _waits(event: Owed, live: Sequence[Statement], announced: Sequence[Op]) -> Iterator[_Wait]:
    """The stretches in which the reader was live and did not have the event."""
    known = (op.time for op in announced if op.value.after < (event.sequence or 0) < op.value.before)
    had = min(event.applied.time if event.applied is not None else inf, min(known, default=inf))
    for statement in live:
        start, end = max(event.at, statement.start), min(had, statement.end)
        if start <= end:
            yield _Wait(start, end)


def _finding(event: Owed, reader: str, wait: _Wait) -> Finding:
    detail = {
        **event.detail(reader),
        "committed_at": event.at,
        "waited_since": wait.start,
        "waited": round(wait.seconds, 6),
        "applied_at": None if event.applied is None else event.applied.time,
    }
    return Finding("shown_too_old", in_order(event.commit, event.applied), detail)
