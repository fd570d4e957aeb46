"""The reference's cleanup on a real PostgreSQL: what goes, what stays, and what every reader can still make of it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID, uuid4

import asyncpg
import pytest

from harness.backends.cluster import Cluster, start_cluster
from harness.events.event import ProcessEvent, received, text_hash
from harness.events.types import (
    EventData,
    Heartbeat,
    ProcessCreated,
    ResearchProgress,
    SectionChunk,
    SectionCompleted,
    StepCompleted,
)
from harness.pipeline.reducer import ProcessState, reduce
from harness.pipeline.reference import Reference
from harness.pipeline.retention import clean_up
from harness.pipeline.schema import migrate
from harness.pipeline.store_postgres import PostgresStore, SessionPool

AT = datetime(2026, 3, 1, tzinfo=UTC)
NUMBERS = count()


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    cluster = asyncio.run(start_cluster())
    yield cluster
    asyncio.run(cluster.stop())


@pytest.fixture
async def pool(cluster: Cluster) -> AsyncIterator[SessionPool]:
    """An empty database with our tables in a schema that has to be quoted."""
    name = f"retention_{next(NUMBERS)}"
    admin = await asyncpg.connect(cluster.url())
    await admin.execute(f"create database {name}")
    await admin.close()
    pool = asyncpg.create_pool(cluster.url(name), min_size=0, max_size=4)
    await pool
    async with pool.acquire() as session:
        await migrate(session, "Mine")
    yield pool
    await pool.close()


@pytest.fixture
def store(pool: SessionPool) -> PostgresStore:
    return PostgresStore(pool, schema="Mine")


async def a_process(store: PostgresStore) -> str:
    process_id = str(uuid4())
    await store.create_process(process_id, user_id=str(uuid4()), initial_request={}, at=AT)
    return process_id


async def write(store: PostgresStore, process_id: str, *said: EventData) -> None:
    await store.insert_events(
        [ProcessEvent(id=uuid4(), process_id=UUID(process_id), intent=1, emitted_at=AT, data=data) for data in said]
    )


async def age(pool: SessionPool, days: float, *, since: int = 0, up_to: int = 10_000) -> None:
    """Those rows are that much older."""
    await pool.execute(
        'update "Mine".process_events set created_at = created_at - $1::interval'
        " where event_sequence > $2 and event_sequence <= $3",
        timedelta(days=days),
        since,
        up_to,
    )


async def types(store: PostgresStore, process_id: str) -> list[str]:
    page = await store.events_since(process_id, 0, limit=1000)
    return [row["event_type"] for row in page.events]


def chunk(number: int, *, section: int = 0, attempt: int = 1) -> SectionChunk:
    return SectionChunk(
        section_index=section,
        section_heading="h",
        attempt=attempt,
        chunk_index=number,
        offset=number,
        html_chunk="x",
        total_chars_generated=number + 1,
        estimated_section_length=9,
        generation_progress=0,
    )


def completed(chars: int, *, section: int = 0, attempt: int = 1) -> SectionCompleted:
    text = "x" * chars
    return SectionCompleted(
        section_index=section, section_heading="h", attempt=attempt, content=text, content_sha256=text_hash(text)
    )


def beat() -> Heartbeat:
    return Heartbeat(timestamp=AT)


async def an_article(store: PostgresStore) -> str:
    process_id = await a_process(store)
    created = ProcessCreated(process_id=UUID(process_id), initial_request={})
    research = ResearchProgress(query_index=1, total_queries=1, query="q")
    await write(store, process_id, created, research, beat(), chunk(0), chunk(1), completed(2))
    await write(store, process_id, StepCompleted(step="writing_sections"))
    return process_id


async def test_expendable_events_go_when_they_are_old_and_transitions_stay(
    pool: SessionPool, store: PostgresStore
) -> None:
    process_id = await an_article(store)
    await age(pool, 91)

    deleted = await Reference().clean_up(pool, schema="Mine")

    assert deleted == 4
    assert await types(store, process_id) == ["process_created", "section_completed", "step_completed"]
    assert await Reference().clean_up(pool, schema="Mine") == 0


async def test_what_is_older_than_a_month_is_archived_and_says_when_it_expires(
    pool: SessionPool, store: PostgresStore
) -> None:
    process_id = await an_article(store)
    await age(pool, 31)

    assert await clean_up(pool, schema="Mine") == 0

    page = await store.events_since(process_id, 0, limit=99)
    archived = [row for row in page.events if row["archived"]]
    assert [row["event_type"] for row in archived] == [
        "research_progress",
        "heartbeat",
        "section_chunk",
        "section_chunk",
    ]
    ages = [datetime.fromisoformat(row["expires_at"]) - datetime.fromisoformat(row["created_at"]) for row in archived]
    assert all(abs(one - timedelta(days=90)) < timedelta(minutes=1) for one in ages)
    assert all(row["expires_at"] is None for row in page.events if not row["archived"])


async def test_what_is_young_stays_as_it_is(pool: SessionPool, store: PostgresStore) -> None:
    process_id = await an_article(store)
    await age(pool, 29)

    assert await clean_up(pool, schema="Mine") == 0
    assert await pool.fetchval('select count(*) from "Mine".process_events where archived') == 0
    assert len(await types(store, process_id)) == 7


async def test_the_text_of_a_section_that_is_not_completed_stays(pool: SessionPool, store: PostgresStore) -> None:
    process_id = await a_process(store)
    await write(store, process_id, chunk(0), completed(1), chunk(0, section=1), chunk(1, section=1))
    await write(store, process_id, chunk(0, section=2), completed(1, section=2), chunk(0, section=2, attempt=2))
    await age(pool, 400)

    await clean_up(pool, schema="Mine")

    page = await store.events_since(process_id, 0, limit=99)
    left = [(row["event_data"]["section_index"], row["event_data"]["attempt"]) for row in page.events]
    assert left == [(0, 1), (1, 1), (1, 1), (2, 1), (2, 2)]


async def test_a_section_goes_as_a_whole_or_not_at_all(pool: SessionPool, store: PostgresStore) -> None:
    process_id = await a_process(store)
    await write(store, process_id, *(chunk(number) for number in range(10)), completed(10))
    await age(pool, 89)
    await age(pool, 2, up_to=5)  # half of it is older than three months

    half = await clean_up(pool, schema="Mine", batch=3)
    await age(pool, 2, since=10)  # now its end is as well, but it was archived with the age that it had
    later = await clean_up(pool, schema="Mine", batch=3)
    await pool.execute("update \"Mine\".process_events set expires_at = expires_at - interval '2 days'")
    whole = await clean_up(pool, schema="Mine", batch=3)

    assert (half, later, whole) == (0, 0, 10)
    assert await types(store, process_id) == ["section_completed"]


async def test_many_rows_go_in_small_transactions(pool: SessionPool, store: PostgresStore) -> None:
    process_id = await a_process(store)
    await write(store, process_id, *(beat() for _ in range(95)), StepCompleted(step="editing"))
    await age(pool, 91)
    begun = await pool.fetchval("select pg_current_xact_id()::text::bigint")

    deleted = await clean_up(pool, schema="Mine", batch=10)

    ended = await pool.fetchval("select pg_current_xact_id()::text::bigint")
    assert deleted == 95
    assert ended - begun - 1 == 2 * 10
    assert await types(store, process_id) == ["step_completed"]


async def test_no_number_is_given_twice(pool: SessionPool, store: PostgresStore) -> None:
    process_id = await a_process(store)
    await write(store, process_id, beat(), beat(), beat())
    await age(pool, 91)

    assert await clean_up(pool, schema="Mine") == 3
    await write(store, process_id, beat())

    page = await store.events_since(process_id, 0, limit=9)
    assert [row["event_sequence"] for row in page.events] == [4]
    assert page.last_sequence == 4


async def test_whoever_reads_it_afterwards_still_finds_the_whole_text(pool: SessionPool, store: PostgresStore) -> None:
    process_id = await an_article(store)
    await age(pool, 91)
    await clean_up(pool, schema="Mine")

    state = ProcessState()
    for row in (await store.events_since(process_id, 0, limit=99)).events:
        state = reduce(state, received(row))

    assert (state.sections[0].text, state.sections[0].complete, state.sections[0].broken) == ("xx", True, None)
