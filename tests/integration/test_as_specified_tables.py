"""The accused's tables on a real PostgreSQL: its store, its cleanup, its partitions, and what it needs of ours."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import count
from random import Random
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from harness.backends.cluster import Cluster, start_cluster
from harness.clock import SystemClock
from harness.errors import InsertFailed, StoreError
from harness.events.event import ProcessEvent, text_hash
from harness.events.types import Heartbeat, StateUpdated, UserInputRequired
from harness.history import History, Recorder
from harness.pipeline.as_specified.app import AsSpecified
from harness.pipeline.as_specified.maintenance import function_sql
from harness.pipeline.as_specified.partitions import as_written, repaired
from harness.pipeline.as_specified.publisher import SpecifiedPublisher
from harness.pipeline.as_specified.store import EventRow, SpecifiedStore, StateRow
from harness.pipeline.schema import migrate
from harness.pipeline.store import Content
from harness.tokens import user_id
from tests.defects.database import listening

AT = datetime(2026, 3, 1, tzinfo=UTC)
ALICE = str(user_id("alice"))
NUMBERS = count()

Session = Any


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    cluster = asyncio.run(start_cluster())
    yield cluster
    asyncio.run(cluster.stop())


@pytest.fixture
async def empty(cluster: Cluster) -> str:
    name = f"accused_{next(NUMBERS)}"
    async with connected(cluster.url()) as session:
        await session.execute(f"create database {name}")
    return cluster.url(name)


@pytest.fixture
async def url(empty: str) -> str:
    """A database with its tables, made twice."""
    async with connected(empty) as session:
        for _ in range(2):
            await migrate(session)
            await session.execute(AsSpecified().more_tables("public"))
    return empty


@pytest.fixture
async def store(url: str) -> AsyncIterator[SpecifiedStore]:
    store = await AsSpecified().open_store(url, schema="public")
    yield store
    await store.close()


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Session]:
    session = await asyncpg.connect(url)
    try:
        yield session
    finally:
        await session.close()


async def a_process(store: SpecifiedStore) -> str:
    process_id = str(uuid4())
    await store.create_process(process_id, user_id=ALICE, initial_request={}, at=AT)
    return process_id


def a_row(process_id: str, number: int, **data: object) -> EventRow:
    return EventRow(
        id=uuid4(),
        process_id=process_id,
        event_type="generic_event",
        event_data=data,
        event_sequence=number,
        event_category="system",
        event_priority=5,
        published_at=AT,
    )


def a_state(process_id: str, **metadata: object) -> StateRow:
    return StateRow(
        process_id=process_id,
        article_context={"persona": "p"},
        status="waiting",
        current_step="theme_generating",
        updated_at=AT,
        realtime_channel=f"process_{process_id}",
        executing_step=None,
        step_execution_metadata=metadata,
    )


def beat(process_id: str) -> ProcessEvent:
    return ProcessEvent(id=uuid4(), process_id=UUID(process_id), intent=1, emitted_at=AT, data=Heartbeat(timestamp=AT))


async def test_a_row_is_as_it_was_given_and_the_rest_is_left_to_the_table(store: SpecifiedStore) -> None:
    process_id = await a_process(store)
    row = a_row(process_id, 5, text="値")

    await store.insert_rows([row])

    found = dict((await store.events_since(process_id, 0, limit=9)).events[0])
    assert datetime.fromisoformat(found.pop("created_at"))
    assert datetime.fromisoformat(found.pop("published_at")) == AT
    assert found == {
        "id": str(row.id),
        "process_id": process_id,
        "event_type": "generic_event",
        "event_data": {"text": "値"},
        "event_sequence": 5,
        "event_category": "system",
        "event_priority": 5,
        "event_source": "backend",
        "acknowledged_by": [],
        "delivery_attempts": 0,
        "expires_at": None,
        "archived": False,
    }
    assert await store.max_sequence(process_id) == await store.last_sequence(process_id) == 5


async def test_a_number_that_is_taken_and_a_nul_are_refused(store: SpecifiedStore) -> None:
    process_id = await a_process(store)
    await store.insert_rows([a_row(process_id, 1)])

    for refused in (a_row(process_id, 1), a_row(process_id, 2, text="a\x00b"), a_row(str(uuid4()), 1)):
        with pytest.raises(InsertFailed, match="refused by the database"):
            await store.insert_rows([refused])
    assert await store.max_sequence(process_id) == 1


async def test_rows_of_one_statement_are_all_there_or_none(store: SpecifiedStore) -> None:
    process_id = await a_process(store)

    await store.insert_rows([a_row(process_id, 1), a_row(process_id, 2)])
    with pytest.raises(InsertFailed):
        await store.insert_rows([a_row(process_id, 3), a_row(process_id, 2)])

    assert await store.max_sequence(process_id) == 2


async def test_events_without_numbers_get_the_next_ones(store: SpecifiedStore) -> None:
    process_id = await a_process(store)
    await store.insert_rows([a_row(process_id, 7)])

    one = await store.insert_event(beat(process_id))
    more = await store.insert_events([beat(process_id), beat(process_id)])

    assert (one, more) == (8, [9, 10])
    page = await store.events_since(process_id, 8, limit=1)
    assert ([row["event_sequence"] for row in page.events], page.last_sequence, page.complete) == ([9], 10, False)


async def test_the_state_row_is_told_as_its_backend_knows_it(url: str, store: SpecifiedStore) -> None:
    process_id = await a_process(store)

    await store.update_state(a_state(process_id, is_waiting_for_input=True, expected_user_input="SELECT_THEME"))

    row = await store.state(process_id)
    assert row is not None
    assert row["article_context"] == {"persona": "p"}
    assert (row["is_waiting_for_input"], row["expected_user_input"]) == (True, "SELECT_THEME")
    assert row["realtime_channel"] == f"process_{process_id}"
    async with connected(url) as session:
        columns = await session.fetchrow(
            "select is_waiting_for_input, expected_user_input, last_event_sequence from generated_articles_state"
        )
    assert tuple(columns) == (False, None, 0)


async def test_a_process_that_is_not_there_cannot_be_saved(store: SpecifiedStore) -> None:
    with pytest.raises(InsertFailed, match="no such process"):
        await store.update_state(a_state(str(uuid4())))

    assert await store.state(str(uuid4())) is None
    assert await store.owner(str(uuid4())) is None


async def test_articles_and_owners_are_kept_as_ours_are(store: SpecifiedStore) -> None:
    process_id = await a_process(store)
    content = Content(
        article_id=str(uuid4()), process_id=process_id, title="t", content="text", sha256=text_hash("text")
    )

    await store.save_content(content, at=AT)

    assert await store.content(process_id) == content
    assert await store.owner(process_id) == ALICE
    assert await store.acknowledge(process_id, user_id=ALICE, up_to_sequence=3, at=AT) == 0


async def test_a_question_and_its_state_reach_the_tables(store: SpecifiedStore) -> None:
    process_id = await a_process(store)
    app, clock = AsSpecified(), SystemClock()
    recorder = Recorder(clock.now)
    publisher = app.publisher(store, recorder=recorder, clock=clock, rng=Random(1))
    states = app.states(store, publisher, clock=clock)
    waiting = StateUpdated(
        current_step="s", status="waiting", is_waiting_for_input=True, expected_user_input="SELECT_PERSONA"
    )

    await publisher.publish(
        process_id, UserInputRequired(input_id=uuid4(), input_type="SELECT_PERSONA", timeout=AT, options=())
    )
    await states.save(process_id, waiting, context={"keywords": []})

    page = await store.events_since(process_id, 0, limit=9)
    assert [(row["event_type"], row["event_sequence"]) for row in page.events] == [
        ("generic_event", 1),
        ("state_updated", 2),
    ]
    inserted = History(recorder.ops()).where(f="insert", type="ok")
    assert [op.value.event_id for op in inserted] == [row["id"] for row in page.events]


async def test_an_insert_that_is_cancelled_leaves_the_store_in_order(url: str, store: SpecifiedStore) -> None:
    process_id = await a_process(store)
    clock = SystemClock()
    publisher = SpecifiedPublisher(store, recorder=Recorder(clock.now), clock=clock, rng=Random(1), debounced=False)

    async with connected(url) as session, session.transaction():
        await session.execute("lock table process_events in share mode")
        caller = asyncio.create_task(publisher.publish(process_id, Heartbeat(timestamp=AT)))
        await asyncio.sleep(0.2)
        caller.cancel()
        await asyncio.wait([caller])
    await publisher.publish(process_id, Heartbeat(timestamp=AT))

    assert caller.cancelled()
    assert [row["event_sequence"] for row in (await store.events_since(process_id, 0, limit=9)).events] == [2]


async def test_the_function_does_what_the_job_does(url: str, store: SpecifiedStore) -> None:
    process_id = await a_process(store)
    await store.insert_rows([a_row(process_id, number) for number in (1, 2, 3)])
    aged = (
        "update process_events set created_at = now() - case event_sequence"
        " when 1 then interval '4 months' when 2 then interval '2 months' else interval '1 day' end"
    )

    async with connected(url) as session:
        await session.execute(aged)
        await session.execute("select cleanup_old_process_events()")
        left = await session.fetch("select event_sequence, archived from process_events order by 1")
    async with asyncpg.create_pool(url, min_size=1, max_size=1) as pool:
        await pool.execute("update process_events set archived = false, created_at = now() - interval '4 months'")
        deleted = await AsSpecified().clean_up(pool, schema="public")

    assert [tuple(row) for row in left] == [(2, True), (3, False)]
    assert deleted == 2


async def test_d31_a_table_that_nobody_published_cannot_be_heard(empty: str) -> None:
    """Repaired: a Supabase project has the publication, and the specification puts nothing into it."""
    async with connected(empty) as session:
        await session.execute(
            "create publication supabase_realtime; create table process_events (id uuid primary key, process_id uuid)"
        )
    async with listening(empty) as listener:
        by_the_letter = await listener.subscribe("process_events")

    async with connected(empty) as session:
        await session.execute("drop table process_events")
        await migrate(session)
        await session.execute(AsSpecified().more_tables("public"))
    async with listening(empty) as listener:
        repaired_by_ours = await listener.subscribe("process_events")

    assert by_the_letter is not None
    assert "Please check Realtime is enabled" in by_the_letter.message
    assert repaired_by_ours is None


async def test_d32_the_partitioned_table_is_refused_as_it_is_written(url: str) -> None:
    """Repaired in a schema of its own."""
    async with connected(url) as session:
        with pytest.raises(asyncpg.DuplicateTableError):
            await session.execute(as_written())
        await session.execute("create schema parts")
        with pytest.raises(asyncpg.FeatureNotSupportedError, match="must include all partitioning columns"):
            await session.execute(as_written("parts"))
        await session.execute(repaired("parts"))
        tables = await session.fetch(
            "select relname from pg_class where relnamespace = 'parts'::regnamespace and relkind in ('r', 'p')"
            " order by 1"
        )

    assert [row[0] for row in tables] == ["process_events", "process_events_2025_01", "process_events_2025_02"]


def test_the_function_is_in_the_schema_that_is_asked_for() -> None:
    assert re.findall(r'"(\w+)"\.', function_sql("mine")) == ["mine"] * 3


async def test_a_database_that_is_not_there_is_said_so() -> None:
    with pytest.raises(StoreError, match="does not answer"):
        await AsSpecified().open_store("postgresql://postgres@127.0.0.1:1/postgres", schema="public")
