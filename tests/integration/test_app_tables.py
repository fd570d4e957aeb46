"""The application's tables on a real PostgreSQL: schema, row security, numbering, and answers that are lost."""

import asyncio
import json
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
from harness.errors import InsertFailed, InsertInDoubt, StoreError
from harness.events.event import ProcessEvent
from harness.events.types import Heartbeat, StateUpdated, StepCompleted
from harness.history import History, Recorder
from harness.pipeline.publisher import Publisher
from harness.pipeline.schema import VERSION, migrate
from harness.pipeline.state_store import StateStore
from harness.pipeline.store import Content
from harness.pipeline.store_postgres import PostgresStore
from harness.tokens import user_id

AT = datetime(2026, 3, 1, tzinfo=UTC)
ALICE, BOB = str(user_id("alice")), str(user_id("bob"))
NUMBERS = count()
OWNED = ("generated_articles_state", "process_events", "article_contexts", "article_contents", "process_event_cursors")

Session = Any


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    cluster = asyncio.run(start_cluster())
    yield cluster
    asyncio.run(cluster.stop())


@pytest.fixture
async def url(cluster: Cluster) -> str:
    """An empty database."""
    name = f"tables_{next(NUMBERS)}"
    async with connected(cluster.url()) as session:
        await session.execute(f"create database {name}")
    return cluster.url(name)


@pytest.fixture
async def store(url: str) -> AsyncIterator[PostgresStore]:
    async with connected(url) as session:
        await migrate(session)
    store = await PostgresStore.open(url)
    yield store
    await store.close()


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Session]:
    session = await asyncpg.connect(url)
    try:
        yield session
    finally:
        await session.close()


async def a_process(store: PostgresStore, owner: str = ALICE) -> str:
    process_id = str(uuid4())
    await store.create_process(process_id, user_id=owner, initial_request={}, at=AT)
    return process_id


def beat(process_id: str) -> ProcessEvent:
    data = Heartbeat(timestamp=AT)
    return ProcessEvent(id=uuid4(), process_id=UUID(process_id), intent=1, emitted_at=AT, data=data)


async def test_the_migration_may_run_again_and_keeps_the_rows(url: str) -> None:
    async with connected(url) as session:
        await migrate(session)
        await session.execute("insert into generated_articles_state (user_id) values (gen_random_uuid())")
        await migrate(session)

        assert await session.fetchval("select count(*) from generated_articles_state") == 1
        assert await session.fetchval("select array_agg(version) from schema_version") == [VERSION]


async def test_tables_of_a_newer_version_are_left_alone(url: str) -> None:
    async with connected(url) as session:
        await migrate(session)
        await session.execute(f"insert into schema_version (version) values ({VERSION + 1})")

        with pytest.raises(asyncpg.RaiseError, match="newer harness"):
            await migrate(session)


async def test_two_migrations_at_once_take_turns(url: str) -> None:
    async with connected(url) as one, connected(url) as other:
        await asyncio.gather(migrate(one), migrate(other))

        assert await one.fetchval("select count(*) from schema_version") == 1


async def test_constraint_and_indexes_are_those_of_the_specification(url: str) -> None:
    async with connected(url) as session:
        await migrate(session)
        constraint = await session.fetchval(
            "select pg_get_constraintdef(oid) from pg_constraint where conname = 'unique_process_sequence'"
        )
        rows = await session.fetch("select indexname, indexdef from pg_indexes where tablename = 'process_events'")
        foreign = await session.fetchval(
            "select pg_get_constraintdef(oid) from pg_constraint where conrelid = 'process_events'::regclass"
            " and contype = 'f'"
        )

    assert constraint == "UNIQUE (process_id, event_sequence)"
    assert foreign == "FOREIGN KEY (process_id) REFERENCES generated_articles_state(id) ON DELETE CASCADE"
    indexes = {row["indexname"]: row["indexdef"].partition(" USING btree ")[2] for row in rows}
    assert {name: where for name, where in indexes.items() if name.startswith("idx_")} == {
        "idx_process_events_process_id": "(process_id)",
        "idx_process_events_created_at": "(created_at DESC)",
        "idx_process_events_type": "(event_type)",
        "idx_process_events_category": "(event_category)",
        "idx_process_events_published": "(published_at DESC) WHERE (published_at IS NOT NULL)",
        "idx_process_events_undelivered": "(process_id, event_sequence)"
        " WHERE ((delivery_attempts < 3) AND (acknowledged_by = '{}'::text[]))",
    }


@pytest.mark.parametrize("schema", ["public", "Mine"])
async def test_two_tables_of_the_schema_are_published_and_all_have_row_security(url: str, schema: str) -> None:
    async with connected(url) as session:
        await migrate(session, schema)
        published = await session.fetch(
            "select schemaname, tablename from pg_publication_tables where pubname = 'supabase_realtime' order by 2"
        )
        open_tables = await session.fetch(
            "select relname from pg_class where relnamespace = $1::regnamespace and relkind = 'r'"
            " and not relrowsecurity",
            f'"{schema}"',
        )

    assert [tuple(row) for row in published] == [(schema, "generated_articles_state"), (schema, "process_events")]
    assert open_tables == []


async def test_a_store_works_in_another_schema(url: str) -> None:
    async with connected(url) as session:
        await migrate(session, "Mine")
    store = await PostgresStore.open(url, schema="Mine")

    process_id = await a_process(store)
    sequence = await store.insert_event(beat(process_id))
    await store.close()

    assert sequence == 1


async def test_functions_that_a_supabase_has_made_stay_as_they_are(url: str) -> None:
    async with connected(url) as session:
        await session.execute(
            "create schema auth; create function auth.uid() returns uuid language sql as 'select null::uuid'"
        )
        before = await session.fetchval("select prosrc from pg_proc where oid = 'auth.uid()'::regprocedure")

        await migrate(session)

        after = await session.fetchval("select prosrc from pg_proc where oid = 'auth.uid()'::regprocedure")
        assert before == after == "select null::uuid"


async def visible(session: Session, role: str, user_id: str | None, table: str) -> int:
    claims = {"role": role} if user_id is None else {"role": role, "sub": user_id}
    async with session.transaction():
        await session.execute("select set_config('request.jwt.claims', $1, true)", json.dumps(claims))
        await session.execute(f"set local role {role}")
        rows: int = await session.fetchval(f"select count(*) from {table}")
        return rows


@pytest.mark.parametrize("table", OWNED)
@pytest.mark.parametrize(
    ("role", "user_id", "rows"),
    [("authenticated", ALICE, 1), ("authenticated", BOB, 0), ("anon", None, 0), ("service_role", None, 1)],
)
async def test_an_owner_sees_their_own_and_nobody_else_does(
    url: str, store: PostgresStore, table: str, role: str, user_id: str | None, rows: int
) -> None:
    process_id = await a_process(store)
    told = StateUpdated(current_step="editing", status="running", is_waiting_for_input=False)
    event = ProcessEvent(id=uuid4(), process_id=UUID(process_id), intent=1, emitted_at=AT, data=told)
    await store.save_state(event, {"status": "running"}, context={"a": 1}, at=AT)
    await store.save_content(
        Content(article_id=str(uuid4()), process_id=process_id, title="t", content="c", sha256="s"), at=AT
    )
    await store.acknowledge(process_id, user_id=ALICE, up_to_sequence=1, at=AT)

    async with connected(url) as session:
        assert await visible(session, role, user_id, table) == rows


@pytest.mark.parametrize("role", ["anon", "authenticated"])
@pytest.mark.parametrize(
    "statement",
    [
        "insert into process_events (process_id, event_type, event_sequence) values (gen_random_uuid(), 'x', 1)",
        "update generated_articles_state set status = 'x'",
        "delete from process_events",
        "select * from process_event_counters",
        "select publish_process_event(gen_random_uuid(), gen_random_uuid(), 'x', '{}', 'c', 1, 's', now())",
    ],
)
async def test_users_write_nothing_by_themselves(url: str, store: PostgresStore, role: str, statement: str) -> None:
    async with connected(url) as session:
        await session.execute(f"set role {role}")

        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await session.execute(statement)


async def test_eight_publishers_of_one_process_leave_no_gap_and_lose_nothing(url: str, store: PostgresStore) -> None:
    process_id = await a_process(store)
    clock = SystemClock()
    recorder = Recorder(clock.now)
    stores = [await PostgresStore.open(url, connections=1) for _ in range(8)]
    publishers = [Publisher(one, recorder, clock, Random(seed)) for seed, one in enumerate(stores)]

    async def publish(publisher: Publisher) -> None:
        for _ in range(25):
            await publisher.publish(process_id, StepCompleted(step="editing"))

    await asyncio.gather(*(publish(publisher) for publisher in publishers))
    for one in stores:
        await one.close()

    history = History(recorder.ops())
    page = await store.events_since(process_id, 0, limit=1000)
    assert [row["event_sequence"] for row in page.events] == list(range(1, 201))
    assert sorted(op.value.sequence for op in history.where(f="insert", type="ok")) == list(range(1, 201))
    assert not history.where(f="insert", type="fail")
    assert not history.where(f="insert", type="info")
    in_commit_order = sorted(page.events, key=lambda row: datetime.fromisoformat(row["created_at"]))
    assert [row["event_sequence"] for row in in_commit_order] == list(range(1, 201))


async def test_numbers_go_on_after_cleanup_and_after_deletion(url: str, store: PostgresStore) -> None:
    process_id = await a_process(store)
    for _ in range(3):
        await store.insert_event(beat(process_id))

    async with connected(url) as session:
        await session.execute("delete from process_events")
    cleaned = await store.insert_event(beat(process_id))
    async with connected(url) as session:
        await session.execute("delete from generated_articles_state")

    assert cleaned == 4
    assert await store.last_sequence(process_id) == 4


async def test_a_rollback_leaves_no_hole(url: str, store: PostgresStore) -> None:
    process_id = await a_process(store)
    call = "select publish_process_event(gen_random_uuid(), $1, 'heartbeat', '{}', 'c', 1, 's', now())"

    async with connected(url) as session:
        transaction = session.transaction()
        await transaction.start()
        await session.execute(call, process_id)
        await transaction.rollback()
    sequence = await store.insert_event(beat(process_id))

    assert sequence == 1


@asynccontextmanager
async def counter_held(url: str, process_id: str) -> AsyncIterator[None]:
    """While inside, no event of the process can be committed."""
    async with connected(url) as session, session.transaction():
        await session.execute("select 1 from process_event_counters where process_id = $1 for update", process_id)
        yield


async def test_an_answer_that_comes_too_late_leaves_it_in_doubt(url: str, store: PostgresStore) -> None:
    process_id = await a_process(store)
    await store.insert_event(beat(process_id))
    hasty = await PostgresStore.open(url, timeout_s=0.3)
    event = beat(process_id)

    async with counter_held(url, process_id):
        with pytest.raises(InsertInDoubt, match="no answer from the database"):
            await hasty.insert_event(event)
    again = await hasty.insert_event(event)
    await hasty.close()

    assert again == 2


async def test_a_lost_connection_leaves_it_in_doubt_and_the_retry_is_one_event(url: str, store: PostgresStore) -> None:
    process_id = await a_process(store)
    await store.insert_event(beat(process_id))
    event = beat(process_id)

    async with counter_held(url, process_id), connected(url) as other:
        inserting = asyncio.ensure_future(store.insert_event(event))
        ended = 0
        while not ended:
            await asyncio.sleep(0.02)
            ended = await other.fetchval(
                "select count(pg_terminate_backend(pid)) from pg_stat_activity"
                " where wait_event_type = 'Lock' and datname = current_database()"
            )
        with pytest.raises(InsertInDoubt):
            await inserting
    numbers = [await store.insert_event(event), await store.insert_event(beat(process_id))]

    assert numbers == [2, 3]


async def test_a_retry_that_overtakes_its_first_attempt_waits_for_it(url: str, store: PostgresStore) -> None:
    process_id = await a_process(store)
    event = beat(process_id)
    call = "select event_sequence from publish_process_event($1, $2, 'heartbeat', '{}', 'c', 1, 's', now())"

    async with connected(url) as session:
        transaction = session.transaction()
        await transaction.start()
        first = await session.fetchval(call, event.id, process_id)
        retry = asyncio.ensure_future(store.insert_event(event))
        await asyncio.sleep(0.1)
        waited = not retry.done()
        await transaction.commit()
        second = await retry

    assert (first, second, waited) == (1, 1, True)
    assert await store.last_sequence(process_id) == 1


async def test_a_saved_state_is_there_with_its_event_or_not_at_all(url: str, store: PostgresStore) -> None:
    process_id = await a_process(store)
    recorder = Recorder(SystemClock().now)
    states = StateStore(store, Publisher(store, recorder, SystemClock(), Random(1)), SystemClock())
    async with connected(url) as session:
        await session.execute("alter table generated_articles_state add check (retry_count < 9)")

    told = StateUpdated(current_step="editing", status="running", is_waiting_for_input=False)
    event = ProcessEvent(id=uuid4(), process_id=UUID(process_id), intent=1, emitted_at=AT, data=told)
    with pytest.raises(InsertFailed, match="refused by the database"):
        await store.save_state(event, {"status": "running", "retry_count": 9}, at=AT)
    nothing = await store.last_sequence(process_id)
    await states.save(process_id, told)

    state = await store.state(process_id)
    assert state is not None
    assert (nothing, state["last_event_sequence"], state["status"]) == (0, 1, "running")


async def test_a_database_that_is_not_there_is_said_so() -> None:
    with pytest.raises(StoreError, match="does not answer"):
        await PostgresStore.open("postgresql://postgres@127.0.0.1:1/postgres")
