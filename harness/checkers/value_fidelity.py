"""The value that is delivered is the value that is read back."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from harness.checkers.checker import Finding, Verdict
from harness.history import History, Op
from harness.history.facts import changed, merged_into
from harness.history.hops import APPLY, COMMIT, EMIT, RECEIVE

_MISSING = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueFidelity:
    """Convicts a value that came live and differs from what the application's HTTP side gives for the same row.

    `value_differs`: compared are the columns that both have, as JSON; two texts of one instant are the same value.
    Only rows of which the history has one version are compared: a row that was changed may rightly differ.
    `event_changed`: an event was applied with other data than it was emitted with, and nothing was merged into it.
    Unknown if there was nothing to compare.
    """

    def check(self, history: History) -> Verdict:
        pairs = list(_pairs(history))
        emits = {op.value.get("event_id"): op for op in history.where(f=EMIT, type="ok")}
        events = [
            (emits[id_], op) for op in history.where(f=APPLY, type="ok") if (id_ := op.value.get("event_id")) in emits
        ]
        merged = merged_into(history)
        findings = [
            *(found for live, back in pairs for found in _differences(live, back)),
            *(Finding("event_changed", pair, _of(pair[1])) for pair in events if changed(*pair, merged)),
        ]
        return Verdict.of(findings, looked_at=len(pairs) + len(events))


def _pairs(history: History) -> Iterator[tuple[Op, Op]]:
    """What came live with a record, and the same row as it was read back."""
    back = {key: op for op in history.where(f="read_back", type="ok") if (key := _row(op)) is not None}
    versions = Counter(_row(op) for op in history.where(f=COMMIT, type="ok"))
    for op in history.where(f=RECEIVE, type="ok"):
        key = _row(op)
        if key in back and versions[key] <= 1 and op.value.get("record") and op.value.get("action") != "DELETE":
            yield op, back[key]


def _row(op: Op) -> tuple[Any, ...] | None:
    """What names a row, and its version as far as that is known."""
    value = op.value
    if value.get("event_id") is not None:
        return value.get("table"), value.event_id
    if value.get("last_event_sequence") is not None:
        return value.get("table"), value.get("process_id"), value.last_event_sequence
    return None


def _differences(live: Op, back: Op) -> Iterator[Finding]:
    came, read = live.value.record, back.value.record
    for column in sorted(came.keys() & read.keys()):
        if not same_value(came[column], read[column]):
            detail = {**_of(live), "column": column, "came": came[column], "read_back": read[column]}
            yield Finding("value_differs", (live, back), detail)


def same_value(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same: exactly, but for the order of keys and the spelling of an instant."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return all(same_value(one.get(key, _MISSING), other.get(key, _MISSING)) for key in one.keys() | other.keys())
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same_value, one, other))
    if isinstance(one, str) and isinstance(other, str):
        return one == other or _is_one_instant(one, other)
    return bool(one == other)


def _is_one_instant(one: str, other: str) -> bool:
    try:
        instants = datetime.fromisoformat(one), datetime.fromisoformat(other)
    except ValueError:
        return False
    return instants[0].tzinfo is not None and instants[0] == instants[1]


def _of(op: Op) -> dict[str, Any]:
    keys = ("process_id", "event_id", "event_type", "sequence")
    return {"reader": op.actor, **{key: op.value.get(key) for key in keys}}
