"""Nothing is applied twice: no event by its id, and none that was committed again under another."""

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.checkers.checker import Finding, Verdict
from harness.checkers.evidence import in_order
from harness.checkers.reader_life import pages
from harness.history import History, Op
from harness.history.hops import APPLY, EMIT


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicates:
    """Convicts a page that applies an event twice.

    `applied_twice`: the same id. `same_event_again`: another id with the same data that is the same event all the
    same (D-22): it has the intent of the other, or is the same piece of text, or nobody emitted it but the other. A
    page that is mounted anew begins anew. Unknown if nothing was applied.
    """

    def check(self, history: History) -> Verdict:
        emits = {op.value.get("event_id"): op for op in history.where(f=EMIT, type="ok")}
        findings = [finding for page in pages(history) for finding in _repeats(page, emits)]
        return Verdict.of(findings, looked_at=len(history.where(f=APPLY, type="ok")))


def _repeats(page: tuple[Op, ...], emits: Mapping[Any, Op]) -> Iterator[Finding]:
    seen: dict[Hashable, Op] = {}
    emitted: dict[Hashable, Op] = {_data(op): op for op in reversed(page) if op.value.get("event_id") in emits}
    for op in page:
        event_id = op.value.get("event_id")
        if event_id in seen:
            yield _finding("applied_twice", seen[event_id], op)
            continue
        seen[event_id] = op
        original = _original(op, emits.get(event_id), seen, emitted)
        if original is not None:
            yield _finding("same_event_again", original, op)


def _original(op: Op, emit: Op | None, seen: dict[Hashable, Op], emitted: Mapping[Hashable, Op]) -> Op | None:
    """The application of the event of which this is another copy; what this one is known by is noted in `seen`."""
    if op.value.get("content") is None:
        return None
    if emit is None:
        return emitted.get(_data(op))
    names = [(*_data(op), *name) for name in _names(emit)]
    found = next((seen[name] for name in names if name in seen), None)
    for name in names:
        seen.setdefault(name, op)
    return found


def _data(op: Op) -> tuple[Any, Any]:
    return op.value.get("event_type"), op.value.get("content")


def _names(emit: Op) -> Iterator[tuple[Any, ...]]:
    """What an event is known by beside its id, if it has that."""
    if emit.value.get("intent") is not None:
        yield "intent", emit.value.intent
    if emit.value.get("chunk_index") is not None:
        yield "piece", emit.value.get("section_index"), emit.value.get("attempt"), emit.value.chunk_index


def _finding(what: str, first: Op, again: Op) -> Finding:
    keys = ("process_id", "event_id", "event_type", "sequence")
    detail = {"reader": again.actor, **{key: again.value.get(key) for key in keys}}
    if what == "same_event_again":
        detail |= {"other_event_id": first.value.get("event_id"), "other_sequence": first.value.get("sequence")}
    return Finding(what, in_order(first, again), detail)
