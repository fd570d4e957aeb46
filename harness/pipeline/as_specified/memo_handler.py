"""The specification's `ProcessEventHandler`, to the letter: a component whose prop is the newest event (D-57).

Beside the hook, which does not use it. Sans-IO, with the model of React that batching.py has: the prop is what was
set last when the render comes, and the effect runs if its event has another id than the one before.
"""

from collections.abc import Mapping
from typing import Any

from harness.pipeline.as_specified.batching import RENDER_S

Row = Mapping[str, Any]


class MemoHandler:
    """`<ProcessEventHandler event={event} />`: of several events in one render only the last is processed."""

    def __init__(self, *, render_s: float = RENDER_S) -> None:
        self._render_s = render_s
        self._event: Row | None = None
        self._rendered_id: Any = None
        self._render_at: float | None = None
        self._processed: list[Row] = []

    def give(self, event: Row, now: float) -> None:
        """The parent sets its state to this event."""
        self.tick(now)
        self._event = event
        if self._render_at is None:
            self._render_at = now + self._render_s

    def processed(self) -> tuple[Row, ...]:
        """The events that `processEvent` was called with since it was last asked, in order."""
        processed, self._processed = tuple(self._processed), []
        return processed

    def next_deadline(self) -> float | None:
        """When `tick` is due."""
        return self._render_at

    def tick(self, now: float) -> None:
        """Time has passed: render if it is due."""
        if self._render_at is None or now < self._render_at or self._event is None:
            return
        self._render_at = None
        if self._event["id"] != self._rendered_id:
            self._rendered_id = self._event["id"]
            self._processed.append(self._event)
