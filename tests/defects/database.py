"""The two applications over tables in PostgreSQL, and what a subscriber would hear of those tables."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from random import Random
from typing import Any, Final
from uuid import UUID

import asyncpg

from harness.clock import Clock, ScaledClock, SystemClock
from harness.errors import StoreError
from harness.events.types import EventData, StateUpdated
from harness.history import History, Recorder
from harness.pipeline.app import App, EventPublisher, StateSaver
from harness.pipeline.as_specified.app import AsSpecified
from harness.pipeline.reference import Reference
from harness.pipeline.store import Store
from harness.realtime.auth import Claims
from harness.realtime.quirks import Quirks
from harness.realtime.subscription import Refused, Subscriber, Subscription, Wanted, binding, understand
from harness.realtime.tenant import feed
from harness.realtime.visibility import Question
from harness.realtime.visibility_postgres import PostgresVisibility
from harness.replication.change import Change
from harness.replication.source_postgres import PolledSource

PROCESS: Final = str(UUID(int=1))
OWNER: Final = str(UUID(int=2))
AT: Final = datetime(2026, 3, 1, tzinfo=UTC)
PUBLICATION: Final = "supabase_realtime"

ACCUSED: Final[App] = AsSpecified(debounce="off")
"""Without its debouncer, whose defects are shown elsewhere."""
REFERENCE: Final[App] = Reference(debounce="off")

SEEDS: Final = count()
"""One for each worker, so that no two of them draw the same ids."""

Databases = Callable[[App], Awaitable[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """One process of a backend: its connections, its publisher, its memory."""

    store: Store
    publisher: EventPublisher
    states: StateSaver
    recorder: Recorder

    async def say(self, *events: EventData) -> list[StoreError]:
        """Publish them one after another; what was raised."""
        raised = []
        for event in events:
            try:
                await self.publisher.publish(PROCESS, event)
            except StoreError as error:
                raised.append(error)
        return raised

    @property
    def history(self) -> History:
        return History(self.recorder.ops())


@asynccontextmanager
async def working(app: App, url: str, *, clock: Clock | None = None) -> AsyncIterator[Worker]:
    """A worker of that application; a hundred seconds of its clock are one."""
    clock = ScaledClock(SystemClock(), 100.0) if clock is None else clock
    store = await app.open_store(url, schema="public")
    await store.create_process(PROCESS, user_id=OWNER, initial_request={}, at=AT)
    recorder = Recorder(clock.now)
    publisher = app.publisher(store, recorder=recorder, clock=clock, rng=Random(next(SEEDS)))
    states = app.states(store, publisher, clock=clock)
    try:
        yield Worker(store=store, publisher=publisher, states=states, recorder=recorder)
    finally:
        await publisher.close()
        await store.close()


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Any]:
    session = await asyncpg.connect(url)
    try:
        yield session
    finally:
        await session.close()


async def numbers(url: str) -> list[int]:
    """The sequences of the process in their order."""
    async with connected(url) as session:
        rows = await session.fetch("select event_sequence from process_events order by 1")
        return [row[0] for row in rows]


async def sql(url: str, *statements: str) -> None:
    async with connected(url) as session:
        for statement in statements:
            await session.execute(statement)


def state(step: str) -> StateUpdated:
    return StateUpdated(current_step=step, status="running", is_waiting_for_input=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A change as a subscriber gets it."""

    table: str
    record: Mapping[str, Any]
    error: str | None


class Listener:
    """Subscribes to a table as a browser does, through the parts of our server."""

    def __init__(self, visibility: PostgresVisibility, source: PolledSource) -> None:
        self._visibility = visibility
        self._source = source
        self._subscriptions: tuple[Subscription, ...] = ()

    async def subscribe(self, table: str, *, schema: str = "public") -> Refused | None:
        """The refusal, if it is refused."""
        element = {"event": "*", "schema": schema, "table": table}
        wanted = understand(element)
        assert isinstance(wanted, Wanted)
        claims = Claims(role="service_role", expires=0, text='{"role": "service_role"}', token="")
        subscriber = Subscriber(link="l", topic=table, vsn="2.0.0")
        found = await self._visibility.subscribe(subscriber, [(binding(element), wanted)], claims)
        if isinstance(found, Refused):
            return found
        self._subscriptions = found
        return None

    async def changes(self) -> Sequence[Change]:
        """All changes since the last time."""
        return (await self._source.read()).changes

    async def hear(self) -> list[Heard]:
        """The changes since the last time as the subscriber gets them."""
        relations = {one.relation for one in self._subscriptions}
        changes = [change for change in await self.changes() if change.relation.oid in relations]
        judged = await self._visibility.judge(
            [Question(change=change, subscriptions=self._subscriptions) for change in changes]
        )
        return [
            Heard(table=change.relation.table, record=json.loads(output.record), error=output.error)
            for change, judgement in zip(changes, judged, strict=True)
            for output in judgement.outputs
        ]


@asynccontextmanager
async def listening(url: str) -> AsyncIterator[Listener]:
    """A server and its slot; what is committed from now on can be heard."""
    visibility = PostgresVisibility(url)
    source = PolledSource(url, publication=feed(PUBLICATION, Quirks()))
    await visibility.open()
    try:
        await source.open()
        yield Listener(visibility, source)
    finally:
        await source.close()
        await visibility.close()
