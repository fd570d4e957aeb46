"""The application's tables in PostgreSQL."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final, Self, TypeAlias

import asyncpg

from harness.errors import InsertFailed, InsertInDoubt, StoreError
from harness.events.event import ProcessEvent, content_hash
from harness.pipeline.schema import queries
from harness.pipeline.store import Content, Page, Row, page
from harness.pipeline.topics import events_topic

Session: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
SessionPool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

_LOST: Final = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    # The server ends: it does not say whether before or after the commit.
    asyncpg.OperatorInterventionError,
)
"""What may come instead of the answer to something that was sent."""


class PostgresStore:
    """`Store` over a pool of connections; `close` it, unless the pool is somebody else's.

    Answers that take longer than `timeout_s` seconds count as lost.
    """

    def __init__(self, pool: SessionPool, *, schema: str = "public", timeout_s: float = 30.0) -> None:
        self._pool = pool
        self._sql = queries(schema)
        self._timeout_s = timeout_s

    @classmethod
    async def open(cls, url: str, *, schema: str = "public", connections: int = 8, timeout_s: float = 30.0) -> Self:
        """A store with a pool of its own; raises `StoreError` if the database does not answer."""
        # No minimum: a pool that has one logs every attempt to restore it when the database is gone.
        pool = asyncpg.create_pool(url, min_size=0, max_size=connections, command_timeout=timeout_s)
        try:
            await pool
            async with pool.acquire(timeout=timeout_s):
                return cls(pool, schema=schema, timeout_s=timeout_s)
        except (*_LOST, asyncpg.PostgresError) as error:
            pool.terminate()
            raise StoreError(f"the database does not answer: {_words(error)}") from error

    async def close(self) -> None:
        """Close the pool."""
        await self._pool.close()

    async def create_process(
        self, process_id: str, *, user_id: str, initial_request: Mapping[str, Any], at: datetime
    ) -> None:
        async with self._writing() as session:
            topic = events_topic(process_id)
            await session.execute(self._sql["create_process"], process_id, user_id, _json(initial_request), topic, at)

    async def insert_event(self, event: ProcessEvent) -> int:
        async with self._writing() as session:
            sequence, _ = await self._insert(session, event)
            return sequence

    async def insert_events(self, events: Sequence[ProcessEvent]) -> Sequence[int]:
        async with self._writing() as session:
            rows = await session.fetch(self._sql["publish_events"], _json([_row(event) for event in events]))
            return [row["event_sequence"] for row in rows]

    async def save_state(
        self,
        event: ProcessEvent,
        changes: Mapping[str, Any],
        *,
        context: Mapping[str, Any] | None = None,
        at: datetime,
    ) -> int:
        async with self._writing() as session, session.transaction():
            sequence, inserted = await self._insert(session, event)
            if inserted:
                columns = {**changes, "last_event_sequence": sequence, "updated_at": at.isoformat()}
                if context is not None:
                    sha256 = columns["article_context_sha256"] = content_hash(context)
                    await session.execute(self._sql["save_context"], event.process_id, _json(context), sha256, at)
                await session.execute(self._sql["save_state"], event.process_id, _json(columns))
            return sequence

    async def events_since(self, process_id: str, since: int, *, limit: int) -> Page:
        async with self._reading() as session:
            row = await session.fetchrow(self._sql["events_since"], process_id, since, limit)
        assert row is not None, "the query always gives one row"
        return page(json.loads(row["events"]), last_sequence=row["last_sequence"], limit=limit)

    async def last_sequence(self, process_id: str) -> int:
        async with self._reading() as session:
            return await session.fetchval(self._sql["last_sequence"], process_id) or 0

    async def state(self, process_id: str) -> Row | None:
        async with self._reading() as session:
            text = await session.fetchval(self._sql["state"], process_id)
        row: Row | None = None if text is None else json.loads(text)
        return row

    async def owner(self, process_id: str) -> str | None:
        async with self._reading() as session:
            user_id = await session.fetchval(self._sql["owner"], process_id)
        return None if user_id is None else str(user_id)

    async def acknowledge(self, process_id: str, *, user_id: str, up_to_sequence: int, at: datetime) -> int:
        async with self._writing() as session:
            cursor = await session.fetchval(self._sql["acknowledge"], process_id, user_id, up_to_sequence, at)
            return int(cursor)

    async def save_content(self, content: Content, *, at: datetime) -> None:
        async with self._writing() as session:
            await session.execute(
                self._sql["save_content"],
                content.article_id,
                content.process_id,
                content.title,
                content.content,
                content.sha256,
                at,
            )

    async def content(self, process_id: str) -> Content | None:
        async with self._reading() as session:
            row = await session.fetchrow(self._sql["content"], process_id)
        if row is None:
            return None
        return Content(
            article_id=str(row["article_id"]),
            process_id=str(row["process_id"]),
            title=row["title"],
            content=row["content"],
            sha256=row["sha256"],
        )

    async def _insert(self, session: Session, event: ProcessEvent) -> tuple[int, bool]:
        row = await session.fetchrow(
            self._sql["publish_event"],
            event.id,
            event.process_id,
            event.event_type,
            _json(event.event_data()),
            event.data.category,
            event.data.priority,
            event.data.source,
            event.emitted_at,
        )
        assert row is not None, "the function always gives one row"
        return row["event_sequence"], row["inserted"]

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[Session]:
        """A session for one write; what goes wrong comes out as `InsertFailed` or `InsertInDoubt`."""
        async with self._session(InsertFailed) as session:
            try:
                yield session
            except _LOST as error:
                raise InsertInDoubt(f"no answer from the database: {_words(error)}") from error
            except asyncpg.PostgresError as error:
                raise InsertFailed(f"refused by the database: {_words(error)}") from error

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[Session]:
        async with self._session(StoreError) as session:
            try:
                yield session
            except (*_LOST, asyncpg.PostgresError) as error:
                raise StoreError(f"the database did not answer: {_words(error)}") from error

    @asynccontextmanager
    async def _session(self, failure: type[StoreError]) -> AsyncIterator[Session]:
        try:
            session = await self._pool.acquire(timeout=self._timeout_s)
        except (*_LOST, asyncpg.PostgresError) as error:
            raise failure(f"no connection to the database: {_words(error)}") from error
        try:
            yield session
        finally:
            await self._pool.release(session)


def _row(event: ProcessEvent) -> Row:
    """The arguments of `publish_process_event`, by their names there."""
    return {
        "event_id": str(event.id),
        "of_process": str(event.process_id),
        "type_of_event": event.event_type,
        "data": event.event_data(),
        "category": event.data.category,
        "priority": event.data.priority,
        "source": event.data.source,
        "emitted_at": event.emitted_at.isoformat(),
    }


def _json(value: Any) -> str:
    """The JSON text of a value for a json parameter. NUL, which jsonb cannot hold, was kept out at the door."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _words(error: BaseException) -> str:
    return str(error) or type(error).__name__
