"""Stretches of a run in which something held: questions open, pauses, faults, readers offline, what clients said."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from harness.history import History, Op
from harness.history.faults import EVERYBODY, fault_stretches
from harness.history.hops import EMIT


class Kind(StrEnum):
    """What held."""

    WAITING = "waiting"
    PAUSED = "paused"
    OFFLINE = "offline"
    FAULT = "fault"
    STATUS = "status"


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """`label` held for `owner` (a process id, a reader, or `nemesis`) from `start` to `end`, seconds of the run.

    `name` and `where` are of a fault: its file in `faults/`, and the reader whose link or computer it befell, `*` for
    all, nothing for one of the database, the server or the application.
    """

    kind: Kind
    owner: str
    start: float
    end: float
    label: str
    name: str = ""
    where: str = ""

    def holds_at(self, time: float) -> bool:
        return self.start <= time <= self.end

    def concerns(self, reader: str) -> bool:
        """Whether it may have to do with what befell that reader."""
        return self.where in ("", EVERYBODY, reader) if self.kind is Kind.FAULT else self.owner == reader


_OPENS = {"user_input_required": (Kind.WAITING, "waits for the user"), "process_paused": (Kind.PAUSED, "paused")}
_CLOSES = {
    Kind.WAITING: frozenset({"user_input_received", "process_error", "process_completed", "process_paused"}),
    Kind.PAUSED: frozenset({"process_resumed", "process_error", "process_completed"}),
}


def windows(history: History) -> Sequence[Window]:
    """All windows of a run but statuses, by start. What was still open at the end ends with the run."""
    end = history[-1].time if len(history) else 0.0
    found = [*_of_processes(history, end), *_offline(history, end), *_faults(history, end)]
    return sorted(found, key=lambda window: (window.start, window.owner))


def statuses(history: History) -> Sequence[Window]:
    """What each client said of itself, from each `status` to its next; the last one to the end of the run."""
    end = history[-1].time if len(history) else 0.0
    found = []
    for (reader,), ops in history.where(f="status", type="ok").group_by("actor").items():
        ends = [*(op.time for op in ops[1:]), end]
        found += [
            Window(kind=Kind.STATUS, owner=reader, start=op.time, end=until, label=str(op.value.get("status")))
            for op, until in zip(ops, ends, strict=True)
        ]
    return found


def _of_processes(history: History, end: float) -> Iterator[Window]:
    begun: dict[tuple[str, Kind], Op] = {}
    for op in history.where(f=EMIT, type="ok"):
        process, event_type = str(op.value.get("process_id")), str(op.value.get("event_type"))
        for kind, closing in _CLOSES.items():
            if event_type in closing and (process, kind) in begun:
                yield _process_window(begun.pop((process, kind)), process, kind, op.time)
        if event_type in _OPENS:
            begun[process, _OPENS[event_type][0]] = op
    for (process, kind), op in begun.items():
        yield _process_window(op, process, kind, end)


def _process_window(op: Op, process: str, kind: Kind, end: float) -> Window:
    return Window(kind=kind, owner=process, start=op.time, end=end, label=_OPENS[op.value.event_type][1])


def _offline(history: History, end: float) -> Iterator[Window]:
    """From a close that the client did not want to the next `ready`."""
    closed: dict[str, Op] = {}
    for op in history:
        if op.f == "close" and op.value.get("by") != "client":
            closed.setdefault(op.actor, op)
        elif op.f == "ready" and op.actor in closed:
            yield _outage(closed.pop(op.actor), op.time)
    for op in closed.values():
        yield _outage(op, end)


def _outage(close: Op, end: float) -> Window:
    return Window(kind=Kind.OFFLINE, owner=close.actor, start=close.time, end=end, label="offline")


def _faults(history: History, end: float) -> Iterator[Window]:
    """What the nemesis did: each fault while it held, and each `disconnect` until the reader is ready again."""
    for stretch in fault_stretches(history):
        yield _fault(stretch.fault, stretch.where, stretch.start, stretch.end)
    cut: dict[str, Op] = {}
    for op in history:
        if op.f == "disconnect":
            cut.setdefault(str(op.value.get("reader", "")), op)
        elif op.f == "ready" and op.actor in cut:
            yield _fault("disconnect", op.actor, cut.pop(op.actor).time, op.time)
    for reader, op in cut.items():
        yield _fault("disconnect", reader, op.time, end)


def _fault(name: str, where: str, start: float, end: float) -> Window:
    """Of a fault of the database, the server or the application the name says it all."""
    place = "all readers" if where == EVERYBODY else where
    label = f"{name.replace('_', ' ')} {place}".rstrip()
    return Window(kind=Kind.FAULT, owner="nemesis", start=start, end=end, label=label, name=name, where=where)
