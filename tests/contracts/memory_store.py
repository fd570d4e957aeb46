"""The application's tables in memory: the second arm of the store's contract, and what the flow's tests write to."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from harness.errors import InsertFailed, StoreError
from harness.events.event import ProcessEvent, content_hash
from harness.pipeline.store import Content, Page, Row, page
from harness.pipeline.topics import events_topic


class MemoryStore:
    """`faults` are raised by the next writes, before they write if they are definite and after it if not.

    `written` is set by every event.
    """

    def __init__(self) -> None:
        self.written = asyncio.Event()
        self.faults: list[StoreError] = []
        self.contexts: dict[str, Mapping[str, Any]] = {}
        self._states: dict[str, dict[str, Any]] = {}
        self._events: dict[str, list[dict[str, Any]]] = {}
        self._cursors: dict[tuple[str, str], int] = {}
        self._contents: dict[str, Content] = {}

    async def create_process(
        self, process_id: str, *, user_id: str, initial_request: Mapping[str, Any], at: datetime
    ) -> None:
        row = {
            "id": process_id,
            "user_id": user_id,
            "status": "new",
            "current_step": None,
            "initial_request": _json(initial_request),
            "realtime_channel": events_topic(process_id),
            "created_at": at.isoformat(),
            "updated_at": at.isoformat(),
            "last_event_sequence": 0,
            "is_waiting_for_input": False,
            "expected_user_input": None,
            "input_reminder_sent": False,
            "retry_count": 0,
        }
        self._states.setdefault(process_id, row)

    async def insert_event(self, event: ProcessEvent) -> int:
        fault = self._fault()
        sequence, _ = self._insert(event)
        if fault:
            raise fault
        return sequence

    async def insert_events(self, events: Sequence[ProcessEvent]) -> Sequence[int]:
        if any(str(event.process_id) not in self._states for event in events):
            raise InsertFailed("no such process")
        fault = self._fault()
        sequences = [self._insert(event)[0] for event in events]
        if fault:
            raise fault
        return sequences

    async def save_state(
        self,
        event: ProcessEvent,
        changes: Mapping[str, Any],
        *,
        context: Mapping[str, Any] | None = None,
        at: datetime,
    ) -> int:
        fault = self._fault()
        sequence, inserted = self._insert(event)
        if inserted:
            row = self._states[str(event.process_id)]
            row.update(_json(changes), last_event_sequence=sequence, updated_at=at.isoformat())
            if context is not None:
                row["article_context_sha256"] = content_hash(context)
                self.contexts[str(event.process_id)] = _json(context)
        if fault:
            raise fault
        return sequence

    async def events_since(self, process_id: str, since: int, *, limit: int) -> Page:
        rows = [row for row in self._events.get(process_id, []) if row["event_sequence"] > since]
        return page(_json(rows[:limit]), last_sequence=await self.last_sequence(process_id), limit=limit)

    async def last_sequence(self, process_id: str) -> int:
        rows = self._events.get(process_id)
        return rows[-1]["event_sequence"] if rows else 0

    async def state(self, process_id: str) -> Row | None:
        row: Row | None = _json(self._states.get(process_id))
        return row

    async def owner(self, process_id: str) -> str | None:
        row = self._states.get(process_id)
        return row["user_id"] if row else None

    async def acknowledge(self, process_id: str, *, user_id: str, up_to_sequence: int, at: datetime) -> int:
        before = self._cursors.get((process_id, user_id), 0)
        cursor = max(before, min(up_to_sequence, await self.last_sequence(process_id)))
        for row in self._events.get(process_id, []):
            if before < row["event_sequence"] <= cursor:
                row["acknowledged_by"].append(user_id)
                row["delivery_attempts"] += 1
        self._cursors[process_id, user_id] = cursor
        return cursor

    async def save_content(self, content: Content, *, at: datetime) -> None:
        fault = self._fault()
        self._contents.setdefault(content.process_id, content)
        if fault:
            raise fault

    async def content(self, process_id: str) -> Content | None:
        return self._contents.get(process_id)

    async def close(self) -> None:
        """Nothing was opened."""

    def _fault(self) -> StoreError | None:
        if not self.faults:
            return None
        fault = self.faults.pop(0)
        if fault.definite:
            raise fault
        return fault

    def _insert(self, event: ProcessEvent) -> tuple[int, bool]:
        if str(event.process_id) not in self._states:
            raise InsertFailed("no such process")
        rows = self._events.setdefault(str(event.process_id), [])
        for row in rows:
            if row["id"] == str(event.id):
                return row["event_sequence"], False
        rows.append(
            {
                "id": str(event.id),
                "process_id": str(event.process_id),
                "event_type": event.event_type,
                "event_data": event.event_data(),
                "event_sequence": len(rows) + 1,
                "created_at": datetime(2026, 1, 1, tzinfo=UTC).isoformat(),
                "published_at": event.emitted_at.isoformat(),
                "acknowledged_by": [],
                "delivery_attempts": 0,
                "event_category": event.data.category,
                "event_priority": event.data.priority,
                "event_source": event.data.source,
                "expires_at": None,
                "archived": False,
            }
        )
        self.written.set()
        return len(rows), True


def _json(value: Any) -> Any:
    """A copy that is JSON: what is no JSON shows itself here, as it would in PostgreSQL."""
    return json.loads(json.dumps(value, allow_nan=False))
