"""`EventLog`: what passed lately, to be looked through and exported; the specification's debugger (D-61).

Beside the line: whoever hands events on may write them down here. It costs the same however much it keeps, and says
what it has had to forget.
"""

import json
from collections import deque
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from harness.events.event import ProcessEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """One event as it passed."""

    event: ProcessEvent
    received_at: datetime

    def as_json(self) -> dict[str, Any]:
        """With the names of the columns."""
        event = self.event
        return {
            "id": str(event.id),
            "process_id": str(event.process_id),
            "event_type": event.event_type,
            "event_sequence": event.sequence,
            "event_category": event.data.category,
            "event_priority": event.data.priority,
            "event_source": event.data.source,
            "published_at": event.emitted_at.isoformat(),
            "received_at": self.received_at.isoformat(),
            "event_data": event.event_data(),
        }


class EventLog:
    """The last `capacity` events. `forgotten` counts older ones, so that a gap in the evidence is no proof."""

    def __init__(self, *, capacity: int = 1000) -> None:
        self._entries: deque[Logged] = deque(maxlen=capacity)
        self.forgotten = 0

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, event: ProcessEvent, *, received_at: datetime) -> None:
        """Write down an event; beyond the capacity the oldest goes."""
        if len(self._entries) == self._entries.maxlen:
            self.forgotten += 1
        self._entries.append(Logged(event=event, received_at=received_at))

    def history(self, *, process_id: str | None = None, event_type: str | None = None) -> tuple[Logged, ...]:
        """What passed, the newest first; of one process, or of one type, if that is asked for."""
        return tuple(
            entry
            for entry in reversed(self._entries)
            if process_id in (None, str(entry.event.process_id)) and event_type in (None, entry.event.event_type)
        )

    def export(self) -> str:
        """JSON: `forgotten`, and `events`, the newest first."""
        events = [entry.as_json() for entry in self.history()]
        return json.dumps({"forgotten": self.forgotten, "events": events}, ensure_ascii=False, indent=2)

    def clear(self) -> None:
        """Begin anew."""
        self._entries.clear()
        self.forgotten = 0
