"""The append-only pen of a run: gives each op its index and time, and streams it to whoever listens."""

from collections.abc import Callable, Mapping
from typing import Any

from harness.history.op import Op, Type, Value

Sink = Callable[[Op], None]


class Recorder:
    """Records ops in the order in which they are told.

    `now` gives seconds from the start of the run. Every op goes to every sink at once (a file, a live
    line), then is kept for `ops()` unless `keep` is False, as for a stack that stays up for days. Each of
    `complaints` is a sink that gets only ops with an error. Not thread-safe: one event loop writes.
    """

    def __init__(
        self,
        now: Callable[[], float],
        *,
        sinks: tuple[Sink, ...] = (),
        complaints: tuple[Sink, ...] = (),
        keep: bool = True,
    ) -> None:
        self._now = now
        self._sinks = sinks
        self._complaints = complaints
        self._keep = keep
        self._count = 0
        self._ops: list[Op] = []

    @property
    def listens(self) -> bool:
        """Whether ops without an error go anywhere.

        Who makes many of them, as a server does for each frame, may leave them out as long as nobody listens.
        """
        return self._keep or bool(self._sinks)

    def record(
        self,
        actor: str,
        f: str,
        value: Mapping[str, Any] | None = None,
        *,
        type: Type = "ok",
        error: str | None = None,
    ) -> Op:
        """Append one op and return it."""
        op = Op(index=self._count, time=self._now(), actor=actor, f=f, type=type, value=Value(value), error=error)
        self._count += 1
        if self._keep:
            self._ops.append(op)
        for sink in self._sinks:
            sink(op)
        for complain in self._complaints if error is not None else ():
            complain(op)
        return op

    def attach(self, sink: Sink) -> None:
        """Add a sink: it gets the ops so far (if they are kept) and every later one."""
        for op in self._ops:
            sink(op)
        self._sinks = (*self._sinks, sink)

    def ops(self) -> tuple[Op, ...]:
        """All ops so far, in order."""
        return tuple(self._ops)
