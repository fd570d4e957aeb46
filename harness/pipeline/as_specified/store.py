"""The tables as the specification's code writes them: numbers from outside, each write a transaction of its own.

Between its publisher and the WAL. Everything that it has in common with ours is done by `PostgresStore`, which this
is made of; what reads is there for the application's HTTP side.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Protocol, Self, runtime_checkable
from uuid import UUID

from harness.errors import InsertFailed
from harness.events.event import ProcessEvent
from harness.pipeline.as_specified.schema import queries
from harness.pipeline.store import Content, Page, Row, page
from harness.pipeline.store_postgres import PostgresStore


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """A row of `process_events` as the specification's publisher makes it; the other columns are left to defaults."""

    id: UUID
    process_id: str
    event_type: str
    event_data: Mapping[str, Any]
    event_sequence: int
    event_category: str
    event_priority: int
    published_at: datetime
    event_source: str = "backend"


@dataclass(frozen=True, slots=True, kw_only=True)
class StateRow:
    """The columns of `generated_articles_state` that the specification's context save writes."""

    process_id: str
    article_context: Mapping[str, Any]
    status: str
    current_step: str
    updated_at: datetime
    realtime_channel: str
    executing_step: str | None
    step_execution_metadata: Mapping[str, Any]


@runtime_checkable
class Tables(Protocol):
    """What the specification's code writes through. Errors are those of `Store`; nothing may be called again."""

    async def max_sequence(self, process_id: str) -> int:
        """The largest number among the rows that are there now, 0 if there are none (D-34)."""
        ...

    async def insert_rows(self, rows: Sequence[EventRow]) -> None:
        """Commit the rows by one statement, all or none; raises `InsertFailed` if a number is taken (D-16)."""
        ...

    async def update_state(self, row: StateRow) -> None:
        """Commit the columns; raises `InsertFailed` if there is no such process."""
        ...

    async def save_content(self, content: Content, *, at: datetime) -> None: ...


class SpecifiedStore:
    """`Store` and `Tables` in PostgreSQL; `close` it.

    It keeps the form of `Store`, not all of its promises: what writes an event counts on from the rows that are
    there, so that two writers may take the same number, and a call that is repeated is refused or doubled.
    """

    def __init__(self, tables: PostgresStore, *, schema: str = "public") -> None:
        self._tables = tables
        self._sql = queries(schema)

    @classmethod
    async def open(cls, url: str, *, schema: str = "public", connections: int = 8, timeout_s: float = 30.0) -> Self:
        """A store with a pool of its own; raises `StoreError` if the database does not answer."""
        tables = await PostgresStore.open(url, schema=schema, connections=connections, timeout_s=timeout_s)
        return cls(tables, schema=schema)

    async def close(self) -> None:
        """Close the pool."""
        await self._tables.close()

    async def max_sequence(self, process_id: str) -> int:
        async with self._tables._reading() as session:
            return await session.fetchval(self._sql["max_sequence"], process_id) or 0

    async def insert_rows(self, rows: Sequence[EventRow]) -> None:
        async with self._tables._writing() as session:
            await session.execute(self._sql["insert_events"], _json([_columns(row) for row in rows]))

    async def update_state(self, row: StateRow) -> None:
        async with self._tables._writing() as session:
            found = await session.fetchval(
                self._sql["update_state"],
                row.process_id,
                _json(row.article_context),
                row.status,
                row.current_step,
                row.updated_at,
                row.realtime_channel,
                row.executing_step,
                _json(row.step_execution_metadata),
            )
        if found is None:
            raise InsertFailed("no such process")

    async def create_process(
        self, process_id: str, *, user_id: str, initial_request: Mapping[str, Any], at: datetime
    ) -> None:
        await self._tables.create_process(process_id, user_id=user_id, initial_request=initial_request, at=at)

    async def insert_event(self, event: ProcessEvent) -> int:
        return (await self.insert_events([event]))[0]

    async def insert_events(self, events: Sequence[ProcessEvent]) -> Sequence[int]:
        """For who has events of one process and no numbers: the next ones after the rows that are there."""
        first = await self.max_sequence(str(events[0].process_id)) + 1
        rows = [
            EventRow(
                id=event.id,
                process_id=str(event.process_id),
                event_type=event.event_type,
                event_data=event.event_data(),
                event_sequence=sequence,
                event_category=event.data.category,
                event_priority=event.data.priority,
                event_source=event.data.source,
                published_at=event.emitted_at,
            )
            for sequence, event in enumerate(events, start=first)
        ]
        await self.insert_rows(rows)
        return [row.event_sequence for row in rows]

    async def save_state(
        self,
        event: ProcessEvent,
        changes: Mapping[str, Any],
        *,
        context: Mapping[str, Any] | None = None,
        at: datetime,
    ) -> int:
        """As ours, in one transaction: the specification's context save does not come here."""
        return await self._tables.save_state(event, changes, context=context, at=at)

    async def events_since(self, process_id: str, since: int, *, limit: int) -> Page:
        found = await self._tables.events_since(process_id, since, limit=limit)
        return page(found.events, last_sequence=await self.max_sequence(process_id), limit=limit)

    async def last_sequence(self, process_id: str) -> int:
        return await self.max_sequence(process_id)

    async def state(self, process_id: str) -> Row | None:
        """The row as the specification's backend knows it: whether it waits stands in `step_execution_metadata`.

        The columns of these names, which ours fill and clients read, stay at their defaults (D-42).
        """
        row = await self._tables.state(process_id)
        if row is None:
            return None
        metadata = row["step_execution_metadata"] or {}
        return {
            **row,
            "is_waiting_for_input": metadata.get("is_waiting_for_input", False),
            "expected_user_input": metadata.get("expected_user_input"),
        }

    async def owner(self, process_id: str) -> str | None:
        return await self._tables.owner(process_id)

    async def acknowledge(self, process_id: str, *, user_id: str, up_to_sequence: int, at: datetime) -> int:
        return await self._tables.acknowledge(process_id, user_id=user_id, up_to_sequence=up_to_sequence, at=at)

    async def save_content(self, content: Content, *, at: datetime) -> None:
        await self._tables.save_content(content, at=at)

    async def content(self, process_id: str) -> Content | None:
        return await self._tables.content(process_id)


def _columns(row: EventRow) -> Row:
    return {**asdict(row), "id": str(row.id), "published_at": row.published_at.isoformat()}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
