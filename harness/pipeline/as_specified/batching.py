"""The specification's `useBatchedStateUpdates`, to the letter: 50 ms after the last update, all of them at once (D-58).

Beside the hook, which does not use it. Sans-IO, with a model of React: what is set becomes the state at the next
render, `render_s` after the first thing that was set since the last one, and effects run with the render.
"""

from collections.abc import Mapping
from typing import Any, Final

DELAY_S: Final = 0.05
RENDER_S: Final = 0.016
"""One frame at 60 Hz: how long React may take from a `setState` outside its own events to the commit. A model."""

Update = Mapping[str, Any]


class BatchedUpdates:
    """The updates of one component. Each render with updates starts the 50 ms anew, so a steady stream never ends it.

    The timer applies what the last render knew, then sets the list to empty: an update that was set since that
    render is in neither.
    """

    def __init__(self, *, delay_s: float = DELAY_S, render_s: float = RENDER_S) -> None:
        self._delay_s = delay_s
        self._render_s = render_s
        self._pending: tuple[Update, ...] = ()  # the state, as of the last render
        self._next: tuple[Update, ...] = ()  # the state that the next render will have
        self._render_at: float | None = None
        self._timer_at: float | None = None
        self._applied: list[Update] = []

    def add(self, update: Update, now: float) -> None:
        """`setPendingUpdates(prev => [...prev, update])`."""
        self.tick(now)
        self._set((*self._next, update), now)

    def applied(self) -> tuple[Update, ...]:
        """What `applyStateUpdate` was called with since it was last asked, in order."""
        applied, self._applied = tuple(self._applied), []
        return applied

    def next_deadline(self) -> float | None:
        """When `tick` is due."""
        return min((at for at in (self._timer_at, self._render_at) if at is not None), default=None)

    def tick(self, now: float) -> None:
        """Time has passed: timer and render happen in the order in which they were due."""
        while (due := self.next_deadline()) is not None and due <= now:
            if due == self._timer_at:
                self._commit(due)
            else:
                self._render(due)

    def _set(self, updates: tuple[Update, ...], now: float) -> None:
        self._next = updates
        if self._render_at is None:
            self._render_at = now + self._render_s

    def _commit(self, now: float) -> None:
        batched: dict[str, Any] = {}
        for update in self._pending:
            batched.update(update)
        self._applied.append(batched)
        self._timer_at = None
        self._set((), now)

    def _render(self, now: float) -> None:
        self._render_at = None
        self._pending = self._next
        self._timer_at = now + self._delay_s if self._pending else None
