"""What the load generator knows of an event beyond what the publisher tells of it: put into the history's `emit`.

A sink between the recorder of the publishing process and its file.
"""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

from harness.history import Op
from harness.history.hops import EMIT, INSERT
from harness.history.op import Value
from harness.history.recorder import Sink

Report = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """When an event was `due`, when the generator `offered` it (both seconds of the run), and how much text it has."""

    due: float
    offered: float
    chars: int = 0


STAMP: ContextVar[Stamp | None] = ContextVar("STAMP", default=None)
"""Set by the task that is about to publish: the publisher records the emit before it waits for anything."""


class Stamped:
    """Passes every op on, emits with their stamp, and reports what Locust counts.

    The report of an emit goes out before its insert is asked for, so that no delivery can be too fast to be expected
    (load-practice 4.1).
    """

    def __init__(self, sink: Sink, report: Callable[[Report], None]) -> None:
        self._sink = sink
        self._report = report

    def __call__(self, op: Op) -> None:
        stamp = STAMP.get()
        if op.f == EMIT and stamp is not None:
            op = replace(
                op, value=Value({**op.value, "due": stamp.due, "offered": stamp.offered, "chars": stamp.chars})
            )
            self._report(self._told("offered", op, due=stamp.due))
        elif op.f == INSERT and op.type != "invoke":
            self._report(self._told("published", op, type=op.type))
        self._sink(op)

    @staticmethod
    def _told(what: str, op: Op, **more: Any) -> Report:
        value = op.value
        return {
            "what": what,
            "process_id": value.process_id,
            "event_id": value.event_id,
            "event_type": value.event_type,
            "at": op.time,
            **more,
        }
