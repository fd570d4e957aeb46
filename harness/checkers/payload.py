"""No column is missing and nothing is cut off without the reader noticing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from harness.checkers.checker import Finding, Verdict
from harness.history import History, Op
from harness.history.facts import changed, merged_into
from harness.history.hops import APPLY, EMIT, RECEIVE

_NOTICING: Final = ("gap", "gap_permanent", "fetch", "snapshot")


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """Convicts a reader that goes on with a row of which a part did not come.

    `truncated`: it applied an event with other data than was emitted. `part_missing`: columns were missing, or the
    server said an error, and the reader neither got the whole event in another way nor took it for a hole: it
    announced no gap and asked for nothing. A state row is noticed if it is refused; `shown_in_part` if it is used. A
    client that just listens notices nothing. Unknown if nothing was received or applied.
    """

    def check(self, history: History) -> Verdict:
        received, applied = history.where(f=RECEIVE, type="ok"), history.where(f=APPLY, type="ok")
        emits = {op.value.get("event_id"): op for op in history.where(f=EMIT, type="ok")}
        merged = merged_into(history)
        whole = {
            (op.actor, op.value.get("event_id"))
            for op in applied
            if op.value.get("event_id") in emits and not changed(emits[op.value.get("event_id")], op, merged)
        }
        findings = [*_truncated(applied, emits, merged), *_parts(received, history, whole)]
        return Verdict.of(findings, looked_at=len(received) + len(applied))


def _truncated(applied: History, emits: Mapping[Any, Op], merged: frozenset[str]) -> Iterator[Finding]:
    for op in applied:
        emit = emits.get(op.value.get("event_id"))
        if emit is not None and changed(emit, op, merged):
            yield Finding("truncated", (emit, op), _of(op))


def _parts(received: History, history: History, whole: set[tuple[str, Any]]) -> Iterator[Finding]:
    after = _by_reader(history)
    for op in received:
        missing, errors = op.value.get("missing") or (), op.value.get("errors") or ()
        if (missing or errors) and (op.actor, op.value.get("event_id")) not in whole:
            what = _unnoticed(op, after.get(op.actor, []))
            if what:
                yield Finding(what, (op,), {**_of(op), "missing": list(missing), "errors": list(errors)})


def _unnoticed(op: Op, reader_ops: list[Op]) -> str:
    """What a reader did wrong about a row of which a part is missing, or nothing."""
    if op.value.get("last_event_sequence") is not None or op.value.get("table") == "generated_articles_state":
        used = next((later for later in reader_ops if later.index > op.index and later.f == "snapshot"), None)
        if used is None:
            return "part_missing"
        return "shown_in_part" if used.value.get("taken") else ""
    noticed = any(later.index > op.index and _tells_of(later, op.value.get("sequence")) for later in reader_ops)
    return "" if noticed else "part_missing"


def _tells_of(op: Op, sequence: int | None) -> bool:
    """Whether by this op the reader announces, or asks for, the event of that sequence; any, if it has none."""
    if op.f == "snapshot" or (op.f == "fetch" and op.type != "invoke"):
        return False
    if sequence is None:
        return True
    if op.f == "fetch":
        return bool(op.value.get("since", 0) < sequence)
    return bool(op.value.after < sequence < op.value.before)


def _by_reader(history: History) -> Mapping[str, list[Op]]:
    """What readers do about holes and state rows, in order."""
    found: dict[str, list[Op]] = {}
    for op in history:
        if op.f in _NOTICING:
            found.setdefault(op.actor, []).append(op)
    return found


def _of(op: Op) -> dict[str, Any]:
    keys = ("process_id", "event_id", "event_type", "sequence", "table")
    return {"reader": op.actor, **{key: op.value.get(key) for key in keys if key in op.value}}
