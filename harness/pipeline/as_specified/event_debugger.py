"""The specification's `RealtimeDebugger`, to the letter: the newest 1,000 events, newest first (D-61).

Beside the line. What it prints to the browser's console is left out: nobody reads it here.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

MAX_LOG_SIZE: Final = 1000

Row = Mapping[str, Any]


class RealtimeDebugger:
    """Keeps rows as they came. Evidence of what came first is lost first, and each row costs the length of the log."""

    def __init__(self, *, max_log_size: int = MAX_LOG_SIZE) -> None:
        self._max_log_size = max_log_size
        self._log: list[Row] = []

    def log_event(self, event: Row, *, received_at: datetime) -> None:
        """Keep the row and when it came, in the words of JavaScript's `toISOString`."""
        at = received_at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self._log.insert(0, {**event, "received_at": at})
        if len(self._log) > self._max_log_size:
            self._log.pop()

    def event_history(self, *, process_id: str | None = None, event_type: str | None = None) -> tuple[Row, ...]:
        """What is kept, newest first, of one process and one type where they are given."""
        return tuple(
            event
            for event in self._log
            if (not process_id or event.get("process_id") == process_id)
            and (not event_type or event.get("event_type") == event_type)
        )

    def export_event_log(self) -> str:
        """What is kept as JSON, as `JSON.stringify` writes it with two spaces."""
        return json.dumps(self._log, ensure_ascii=False, indent=2)

    def clear_log(self) -> None:
        """Forget all."""
        self._log = []
