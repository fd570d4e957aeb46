"""The automaton of a process allows what was said of it and what each reader applied; after its end comes nothing."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.checkers.checker import Finding, Verdict
from harness.checkers.reader_life import pages
from harness.errors import IllegalTransition
from harness.events.types import EVENT_TYPES, EventData
from harness.events.workflow import TERMINAL, TRANSITIONS, Phase, advance
from harness.history import History, Op
from harness.history.hops import APPLY, EMIT


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow:
    """Convicts an event that `events.workflow` does not allow where it comes.

    Looked at are the events of a process in the order in which the application meant them (the reader is then empty),
    and those that each reader applied, in that order: `not_allowed`, or `after_terminal` if the process had ended. A
    page that is mounted anew goes on where it was, unless it begins with the creation of the process. What was merged
    or replaced is not applied and so not looked at there, and a gap that the reader announced may hide what led on.
    Where the history does not say of which kind an error is, nothing after it is judged. Unknown if nothing was
    emitted or applied.
    """

    def check(self, history: History) -> Verdict:
        emits = history.where(f=EMIT, type="ok")
        said = {op.value.get("event_id"): op for op in reversed(emits)}
        gaps = history.where(f="gap_permanent").group_by("actor", "process_id")
        findings = [
            *(found for ops in emits.group_by("process_id").values() for found in _judge(_meant(ops), said)),
            *(found for ops in _applied(history, said) for found in _judge(ops, said, gaps.get(_key(ops[0]), ()))),
        ]
        return Verdict.of(findings, looked_at=len(emits) + len(history.where(f=APPLY, type="ok")))


def _meant(emits: Iterable[Op]) -> Sequence[Op]:
    """In the order of their intents; one that is told twice counts once."""
    once = {op.value.get("event_id"): op for op in reversed(list(emits))}
    return sorted(once.values(), key=lambda op: (op.value.get("intent", 0), op.index))


def _applied(history: History, said: Mapping[Any, Op]) -> Sequence[Sequence[Op]]:
    """What each reader applied from the beginning of a process on."""
    found: list[list[Op]] = []
    current: dict[tuple[str, Any], list[Op]] = {}
    for page in pages(history):
        key = _key(page[0])
        first = said.get(page[0].value.get("event_id"), page[0])
        if key not in current or first.value.get("event_type") == "process_created":
            current[key] = []
            found.append(current[key])
        current[key] += page
    return found


def _key(op: Op) -> tuple[str, Any]:
    return op.actor, op.value.get("process_id")


def _judge(ops: Sequence[Op], said: Mapping[Any, Op], gaps: Sequence[Op] = ()) -> Iterator[Finding]:
    phase, before = Phase.NEW, None
    for op in ops:
        emit = said.get(op.value.get("event_id"), op)
        if _kind_is_unknown(emit):
            return
        event_type = emit.value.get("event_type", "")
        try:
            phase = _after(phase, emit)
        except IllegalTransition:
            if phase in TERMINAL or not _skipped(before, op, gaps):
                yield _finding(op, emit, before, phase)
            phase = phase if phase in TERMINAL else _led_to(event_type, phase)
        before = op


def _after(phase: Phase, emit: Op) -> Phase:
    event_type = emit.value.get("event_type", "")
    if event_type not in EVENT_TYPES:
        raise IllegalTransition(phase, event_type)
    return advance(phase, _event(event_type, emit))


def _event(event_type: str, emit: Op) -> EventData:
    """As much of the event as the automaton looks at."""
    told = {"error_type": emit.value.error_type} if event_type == "process_error" else {}
    return EVENT_TYPES[event_type].model_construct(None, **told)


def _kind_is_unknown(emit: Op) -> bool:
    return emit.value.get("event_type") == "process_error" and "error_type" not in emit.value


def _led_to(event_type: str, phase: Phase) -> Phase:
    """Where the event would have led from where it is allowed, so that one thing wrong is told once."""
    targets = {row[event_type] for row in TRANSITIONS.values() if event_type in row}
    return targets.pop() if len(targets) == 1 else phase


def _skipped(before: Op | None, op: Op, gaps: Sequence[Op]) -> bool:
    """Whether between the two lies a gap that the reader announced as permanent."""
    earlier, later = (0 if before is None else before.value.get("sequence")), op.value.get("sequence")
    if earlier is None or later is None:
        return False
    return any(gap.value.after < later and gap.value.before > earlier + 1 for gap in gaps)


def _finding(op: Op, emit: Op, before: Op | None, phase: Phase) -> Finding:
    detail = {
        "reader": op.actor if op.f == APPLY else "",
        "process_id": op.value.get("process_id"),
        "event_id": op.value.get("event_id"),
        "event_type": emit.value.get("event_type"),
        "sequence": op.value.get("sequence"),
        "phase": phase.value,
    }
    ops = (op,) if before is None else (before, op)
    return Finding("after_terminal" if phase in TERMINAL else "not_allowed", ops, detail)
