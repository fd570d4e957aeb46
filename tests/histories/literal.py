"""Histories written by hand: one function an op, with what a test does not care about filled in."""

from dataclasses import replace
from typing import Any

from harness.history import History, Op
from harness.history.op import Type, Value

PROCESS = "p1"
OWNER = "11111111-1111-4111-8111-111111111111"
STRANGER = "22222222-2222-4222-8222-222222222222"


def a_history(*ops: Op) -> History:
    """The ops in this order, with their index filled in; the time of an op without one is that of the op before."""
    placed: list[Op] = []
    for index, op in enumerate(ops):
        time = op.time if op.time >= 0 else (placed[-1].time if placed else 0.0)
        placed.append(replace(op, index=index, time=time))
    return History(placed)


def an_op(actor: str, f: str, *, at: float = -1.0, type: Type = "ok", error: str | None = None, **value: Any) -> Op:
    return Op(index=-1, time=at, actor=actor, f=f, type=type, value=Value(value), error=error)


def event(sequence: int) -> str:
    """The id that these histories give to the event of a sequence."""
    return f"e{sequence}"


def started(*, process: str = PROCESS, owner: str = OWNER, at: float = -1.0) -> Op:
    return an_op("story", "start_process", at=at, process="article", process_id=process, owner="alice", owner_id=owner)


def subscribed(
    reader: str, *, process: str = PROCESS, user: str = OWNER, role: str = "authenticated", at: float = -1.0
) -> Op:
    return an_op(reader, "subscribe", at=at, process_id=process, user="alice", user_id=user, role=role, client="native")


def emitted(
    sequence: int,
    *,
    event_type: str = "step_update",
    delivery_class: str = "transition",
    intent: int | None = None,
    content: str | None = None,
    process: str = PROCESS,
    at: float = -1.0,
) -> Op:
    return an_op(
        "app",
        "emit",
        at=at,
        process_id=process,
        event_id=event(sequence),
        event_type=event_type,
        intent=sequence if intent is None else intent,
        delivery_class=delivery_class,
        content=content or f"sha-{sequence}",
    )


def debounced(sequence: int, outcome: str, *, into: int, process: str = PROCESS, at: float = -1.0) -> Op:
    return an_op(
        "app", "debounce", at=at, process_id=process, event_id=event(sequence), outcome=outcome, into=event(into)
    )


def inserted(sequence: int, *, type: Type = "ok", process: str = PROCESS, at: float = -1.0) -> Op:
    told = {"process_id": process, "event_id": event(sequence), "attempt": 1}
    numbered = {**told, "sequence": sequence} if type == "ok" else told
    return Op(index=-1, time=at, actor="app", f="insert", type=type, value=Value(numbered))


def committed(sequence: int, *, at: float = -1.0, lsn: str = "0/1", process: str = PROCESS) -> Op:
    return an_op("witness", "commit", at=at, **row(sequence, process=process), lsn=lsn)


def row(sequence: int, *, process: str = PROCESS, event_type: str = "step_update") -> dict[str, Any]:
    return {
        "table": "process_events",
        "action": "INSERT",
        "event_id": event(sequence),
        "process_id": process,
        "event_type": event_type,
        "sequence": sequence,
    }


def applied(
    reader: str,
    *,
    sequence: int,
    via: str = "live",
    content: str | None = None,
    process: str = PROCESS,
    at: float = -1.0,
) -> Op:
    return an_op(
        reader,
        "apply",
        at=at,
        process_id=process,
        event_id=event(sequence),
        event_type="step_update",
        sequence=sequence,
        cursor=sequence,
        via=via,
        content=content or f"sha-{sequence}",
    )


def settled(*, type: Type = "ok", at: float = -1.0) -> Op:
    return an_op("story", "settle", at=at, type=type, timeout=30.0)


def source(section_index: int, *, sha256: str, chars: int, attempt: int = 1, process: str = PROCESS) -> Op:
    return an_op(
        "app", "source", process_id=process, section_index=section_index, attempt=attempt, sha256=sha256, chars=chars
    )


def text(section_index: int, *, sha256: str, chars: int) -> dict[str, Any]:
    return {"section_index": section_index, "sha256": sha256, "chars": chars}


def view(reader: str, *, process: str = PROCESS, stale: bool = False, **shown: Any) -> Op:
    return an_op(reader, "view", process_id=process, stale=stale, **shown)


def database(*, process: str = PROCESS, **stored: Any) -> Op:
    return an_op("story", "database", process_id=process, **stored)
