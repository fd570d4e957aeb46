"""Each reader applies the events of a process in order: of sequence, of intent and of commit."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from harness.checkers.checker import Finding, Verdict
from harness.history import History, Op
from harness.history.hops import APPLY, COMMIT, EMIT
from harness.history.journey import tells_of_event


@dataclass(frozen=True, slots=True)
class Order:
    """Convicts a reader that applies an event after a later one.

    `inverted`: by sequence. `against_intent`: the application meant the two the other way round. `against_commit`:
    the database committed them the other way round. A missing event is no inversion; `Accounting` counts those.
    A run in which nothing was applied is unknown, not valid.
    """

    def check(self, history: History) -> Verdict:
        applied = history.where(f=APPLY, type="ok")
        intents = {op.value.get("event_id"): op.value.get("intent") for op in history.where(f=EMIT)}
        commits = {op.value.event_id: op.index for op in history.where(f=COMMIT) if _is_placed(op)}
        findings = [
            Finding(what, (earlier, later))
            for ops in applied.group_by("actor", "process_id").values()
            for earlier, later in pairwise(ops)
            if (what := _disorder(earlier, later, intents, commits))
        ]
        return Verdict.of(findings, looked_at=len(applied))


def _is_placed(commit: Op) -> bool:
    """Whether it is the commit of an event, with its place in the log."""
    return bool(commit.value.get("lsn")) and tells_of_event(commit)


def _disorder(earlier: Op, later: Op, intents: Mapping[Any, Any], commits: Mapping[Any, Any]) -> str:
    """What is wrong with this order of two applications, or nothing."""
    if later.value.sequence < earlier.value.sequence:
        return "inverted"
    if _descends(intents, earlier, later):
        return "against_intent"
    return "against_commit" if _descends(commits, earlier, later) else ""


def _descends(places: Mapping[Any, Any], earlier: Op, later: Op) -> bool:
    """Whether both have a place and the later one's is lower. The witness records commits in the order of the log."""
    before, after = places.get(earlier.value.get("event_id")), places.get(later.value.get("event_id"))
    return before is not None and after is not None and after < before
