"""What a client knows and says of its own state: its last status, and the gaps that it was told of."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from harness.history.history import History

BEHIND: Final = frozenset({"stale", "offline"})
"""Statuses by which a client says that what it shows may be old."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Belief:
    """What one reader said of one process when it showed its view, or at the end.

    `gaps` are pairs (after, before), disjoint and ascending: the sequences between them were announced as missing.
    """

    status: str = ""
    gaps: tuple[tuple[int, int], ...] = ()

    def tells_of(self, sequence: int | None) -> bool:
        """Whether the client says that the event of this sequence is, or may be, missing."""
        if self.status in BEHIND:
            return True
        if sequence is None:
            return False
        place = bisect_right(self.gaps, (sequence - 1, float("inf"))) - 1
        return place >= 0 and self.gaps[place][0] < sequence < self.gaps[place][1]


def beliefs(history: History) -> Mapping[tuple[str, str], Belief]:
    """(reader, process_id) → its belief. What a client says after its last view, while it closes, does not count."""
    statuses: dict[tuple[str, str], str] = {}
    gaps: dict[tuple[str, str], list[tuple[int, int]]] = {}
    shown: set[tuple[str, str]] = set()
    for op in history:
        key = (op.actor, op.value.get("process_id", ""))
        if op.f == "view":
            shown.add(key)
        elif op.f == "subscribe":
            shown.discard(key)
        elif op.f == "status" and key not in shown:
            statuses[key] = op.value.get("status", "")
        elif op.f in ("gap", "gap_permanent"):
            gaps.setdefault(key, []).append((op.value.after, op.value.before))
    return {
        key: Belief(status=statuses.get(key, ""), gaps=_disjoint(gaps.get(key, ())))
        for key in statuses.keys() | gaps.keys()
    }


def _disjoint(gaps: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """The same sequences as ascending pairs that do not overlap."""
    merged: list[tuple[int, int]] = []
    for after, before in sorted(gaps):
        if merged and after < merged[-1][1] - 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], before))
        else:
            merged.append((after, before))
    return tuple(merged)
