"""A reader's cursor never passes an event that it has not seen, be it because it was not committed yet."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.checkers.checker import Finding, Verdict
from harness.checkers.evidence import in_order
from harness.checkers.reader_life import Key
from harness.history import History, Op
from harness.history.facts import Facts
from harness.history.hops import APPLY

Commits = Sequence[tuple[int, Op]]
"""Sequence and commit of the events of a process, ascending."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CursorSafety:
    """Convicts a reader whose cursor is beyond an event that is committed, then or later, and that it has not applied.

    The cursor is what an `apply` carries and what a `fetch` asks since; a fetch that goes on with the pages of the
    one before does not count. An event that the reader was told is gone (`gap_permanent`) may be passed. Each event
    is told once for each reader. Unknown if there was no cursor.
    """

    def check(self, history: History) -> Verdict:
        commits = _commits(Facts.of(history))
        cursors: dict[Key, _Cursor] = {}
        findings: list[Finding] = []
        looked_at = 0
        for op in history:
            cursor = cursors.setdefault((op.actor, op.value.get("process_id", "")), _Cursor())
            place = cursor.take(op)
            if place is not None:
                looked_at += 1
                findings += cursor.move(place, op, commits.get(op.value.get("process_id"), ()))
        return Verdict.of(findings, looked_at=looked_at)


@dataclass(slots=True)
class _Cursor:
    """Of one reader in one process. `passed`: events up to here were looked at."""

    passed: int = 0
    paging: bool = False
    applied: set[Any] = field(default_factory=set)
    gone: list[tuple[int, int]] = field(default_factory=list)

    def take(self, op: Op) -> int | None:
        """Where the cursor is by this op, if it tells."""
        if op.f == APPLY and op.type == "ok":
            self.applied.add(op.value.get("event_id"))
            return _number(op, "cursor")
        if op.f == "gap_permanent":
            self.gone.append((op.value.after, op.value.before))
        elif op.f == "fetch" and op.type == "invoke":
            return None if self.paging else _number(op, "since")
        elif op.f == "fetch":
            self.paging = op.type == "ok" and op.value.get("complete") is False
        return None

    def move(self, place: int, op: Op, commits: Commits) -> Iterator[Finding]:
        first = bisect_right(commits, self.passed, key=lambda pair: pair[0])
        last = bisect_right(commits, place, key=lambda pair: pair[0])
        self.passed = max(self.passed, place)
        for sequence, commit in commits[first:last]:
            if commit.value.event_id not in self.applied and not self._is_gone(sequence):
                yield _finding(op, place, sequence, commit)

    def _is_gone(self, sequence: int) -> bool:
        return any(after < sequence < before for after, before in self.gone)


def _number(op: Op, key: str) -> int | None:
    value = op.value.get(key)
    return value if isinstance(value, int) else None


def _commits(facts: Facts) -> Mapping[str, Commits]:
    found: dict[str, list[tuple[int, Op]]] = {}
    for journey in facts.journeys.values():
        commit = facts.commit(journey)
        if commit is not None and commit.value.get("sequence") is not None:
            found.setdefault(commit.value.get("process_id", ""), []).append((commit.value.sequence, commit))
    return {process_id: sorted(pairs, key=lambda pair: pair[0]) for process_id, pairs in found.items()}


def _finding(op: Op, place: int, sequence: int, commit: Op) -> Finding:
    detail = {
        "reader": op.actor,
        "process_id": op.value.get("process_id"),
        "event_id": commit.value.event_id,
        "event_type": commit.value.get("event_type"),
        "sequence": sequence,
        "cursor": place,
        "committed_by_then": commit.index < op.index,
    }
    return Finding("cursor_passed", in_order(op, commit), detail)
