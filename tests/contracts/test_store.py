"""The contract of `Store`, with its arms: memory and PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain, count
from random import Random
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from harness.backends.cluster import Cluster, start_cluster
from harness.errors import InsertFailed
from harness.events.event import ProcessEvent, content_hash
from harness.events.types import EventData, Heartbeat, StateUpdated, StepCompleted
from harness.pipeline.ids import new_id
from harness.pipeline.schema import migrate
from harness.pipeline.store import Content, Page, Store
from harness.pipeline.store_postgres import PostgresStore
from tests.contracts.memory_store import MemoryStore

AT = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)
NUMBERS = count()


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    cluster = asyncio.run(start_cluster())
    yield cluster
    asyncio.run(cluster.stop())


@pytest.fixture(params=["memory", "postgres"])
def arm(request: pytest.FixtureRequest) -> Cluster | None:
    return request.getfixturevalue("cluster") if request.param == "postgres" else None


@pytest.fixture
async def store(arm: Cluster | None) -> AsyncIterator[Store]:
    if arm is None:
        yield MemoryStore()
        return
    cluster = arm
    name = f"store_{next(NUMBERS)}"
    admin = await asyncpg.connect(cluster.url())
    await admin.execute(f"create database {name}")
    await admin.close()
    connection = await asyncpg.connect(cluster.url(name))
    await migrate(connection)
    await connection.close()
    store = await PostgresStore.open(cluster.url(name))
    yield store
    await store.close()


@pytest.fixture
async def process_id(store: Store) -> str:
    process_id = str(uuid4())
    await store.create_process(process_id, user_id=str(uuid4()), initial_request={"keywords": ["札幌"]}, at=AT)
    return process_id


def event(process_id: str, data: EventData | None = None) -> ProcessEvent:
    told = data or Heartbeat(timestamp=AT)
    return ProcessEvent(id=uuid4(), process_id=UUID(process_id), intent=1, emitted_at=AT, data=told)


def waiting() -> StateUpdated:
    return StateUpdated(current_step="editing", status="waiting", is_waiting_for_input=True)


async def test_a_new_process_has_the_defaults(store: Store) -> None:
    process_id, user_id = str(uuid4()), str(uuid4())

    await store.create_process(process_id, user_id=user_id, initial_request={"keywords": ["札幌"]}, at=AT)
    row = await store.state(process_id)

    assert row is not None
    assert {key: row[key] for key in ("id", "user_id", "status", "current_step", "initial_request")} == {
        "id": process_id,
        "user_id": user_id,
        "status": "new",
        "current_step": None,
        "initial_request": {"keywords": ["札幌"]},
    }
    assert (row["last_event_sequence"], row["is_waiting_for_input"], row["expected_user_input"]) == (0, False, None)
    assert row["realtime_channel"] == f"process_events:process_id=eq.{process_id}"
    assert datetime.fromisoformat(row["created_at"]) == datetime.fromisoformat(row["updated_at"]) == AT
    assert await store.owner(process_id) == user_id
    assert await store.last_sequence(process_id) == 0


async def test_a_process_that_is_made_again_stays_the_first(store: Store, process_id: str) -> None:
    owner = await store.owner(process_id)

    await store.create_process(process_id, user_id=str(uuid4()), initial_request={}, at=AT)

    assert await store.owner(process_id) == owner


async def test_many_events_are_written_in_one_statement_in_their_order(store: Store, process_id: str) -> None:
    first = event(process_id)
    await store.insert_event(first)
    many = [event(process_id, StepCompleted(step=str(number))) for number in range(20)]

    sequences = await store.insert_events(many)

    page = await store.events_since(process_id, 1, limit=99)
    assert list(sequences) == list(range(2, 22))
    assert [(row["id"], row["event_data"]["step"], row["event_sequence"]) for row in page.events] == [
        (str(one.id), str(number), number + 2) for number, one in enumerate(many)
    ]
    assert {key: page.events[0][key] for key in ("event_category", "event_priority", "event_source")} == {
        "event_category": "process",
        "event_priority": 3,
        "event_source": "generation_flow_manager",
    }
    assert datetime.fromisoformat(page.events[0]["published_at"]) == AT


async def test_events_that_are_known_keep_their_numbers(store: Store, process_id: str) -> None:
    known, new = event(process_id), event(process_id)
    await store.insert_event(known)

    assert list(await store.insert_events([new, known])) == [2, 1]
    assert await store.last_sequence(process_id) == 2


async def test_of_many_events_all_are_written_or_none(store: Store, process_id: str) -> None:
    with pytest.raises(InsertFailed):
        await store.insert_events([event(process_id), event(str(uuid4()))])

    assert await store.last_sequence(process_id) == 0


async def test_what_is_not_there_is_none(store: Store) -> None:
    unknown = str(uuid4())

    assert await store.state(unknown) is None
    assert await store.owner(unknown) is None
    assert await store.content(unknown) is None
    assert await store.events_since(unknown, 0, limit=5) == Page(events=(), last_sequence=0, complete=True)


async def test_an_event_comes_back_with_its_columns_as_spelled(store: Store, process_id: str) -> None:
    data = StepCompleted(step="editing", result={"text": "日本語 \x00'\"\\", "number": 1.5, "none": None})
    said = event(process_id, data)

    sequence = await store.insert_event(said)
    (row,) = (await store.events_since(process_id, 0, limit=10)).events

    times = {"created_at": row["created_at"], "published_at": row["published_at"]}
    assert sequence == 1
    assert datetime.fromisoformat(times["published_at"]) == AT
    assert datetime.fromisoformat(times["created_at"]).tzinfo is not None
    assert row == {
        **times,
        "id": str(said.id),
        "process_id": process_id,
        "event_type": "step_completed",
        "event_data": {"step": "editing", "result": {"text": "日本語 '\"\\", "number": 1.5, "none": None}},
        "event_sequence": 1,
        "acknowledged_by": [],
        "delivery_attempts": 0,
        "event_category": "process",
        "event_priority": 3,
        "event_source": "generation_flow_manager",
        "expires_at": None,
        "archived": False,
    }


async def test_a_retry_with_the_same_id_gets_the_same_number_and_leaves_no_hole(store: Store, process_id: str) -> None:
    first, second = event(process_id), event(process_id)

    numbers = [await store.insert_event(one) for one in (first, first, second, first, second)]

    assert numbers == [1, 1, 2, 1, 2]
    assert await store.last_sequence(process_id) == 2


async def test_writers_at_once_leave_no_hole_and_double_nothing(store: Store, process_id: str) -> None:
    async def write(events: list[ProcessEvent]) -> list[int]:
        return [await store.insert_event(one) for one in events]

    told = [[event(process_id) for _ in range(5)] for _ in range(4)]
    numbers = await asyncio.gather(*(write(events) for events in told))

    assert sorted(chain.from_iterable(numbers)) == list(range(1, 21))
    assert all(mine == sorted(mine) for mine in numbers)


async def test_an_event_of_no_process_is_certainly_not_written(store: Store) -> None:
    with pytest.raises(InsertFailed) as caught:
        await store.insert_event(event(str(uuid4())))

    assert caught.value.definite


async def test_pages_follow_each_other_until_one_is_complete(store: Store, process_id: str) -> None:
    for _ in range(5):
        await store.insert_event(event(process_id))

    pages = [await store.events_since(process_id, since, limit=2) for since in (0, 2, 4, 5)]

    assert [[row["event_sequence"] for row in one.events] for one in pages] == [[1, 2], [3, 4], [5], []]
    assert [one.complete for one in pages] == [False, False, True, True]
    assert {one.last_sequence for one in pages} == {5}


async def test_a_full_page_that_reaches_the_end_is_complete(store: Store, process_id: str) -> None:
    await store.insert_event(event(process_id))

    page = await store.events_since(process_id, 0, limit=1)

    assert (len(page.events), page.complete) == (1, True)


async def test_state_and_event_are_saved_together(store: Store, process_id: str) -> None:
    await store.insert_event(event(process_id))
    later = AT + timedelta(seconds=9)
    changes: dict[str, Any] = {
        "status": "waiting",
        "current_step": "editing",
        "is_waiting_for_input": True,
        "expected_user_input": "SELECT_THEME",
        "user_input_timeout": later.isoformat(),
        "interaction_history": [{"action": "skip"}],
    }

    sequence = await store.save_state(event(process_id, waiting()), changes, context={"a": ["日本"]}, at=later)
    row = await store.state(process_id)

    assert row is not None
    assert datetime.fromisoformat(row["user_input_timeout"]) == datetime.fromisoformat(row["updated_at"]) == later
    assert {key: row[key] for key in changes if key != "user_input_timeout"} == {
        key: value for key, value in changes.items() if key != "user_input_timeout"
    }
    assert row["last_event_sequence"] == sequence == 2
    assert row["article_context_sha256"] == content_hash({"a": ["日本"]})


async def test_columns_that_are_not_named_stay(store: Store, process_id: str) -> None:
    await store.save_state(event(process_id, waiting()), {"status": "waiting", "retry_count": 2}, context={}, at=AT)
    before = await store.state(process_id)

    await store.save_state(event(process_id, waiting()), {"status": "running"}, at=AT)
    after = await store.state(process_id)

    assert before is not None
    assert after == {**before, "status": "running", "last_event_sequence": 2}


async def test_a_retried_save_changes_nothing_that_came_later(store: Store, process_id: str) -> None:
    early = event(process_id, waiting())
    await store.save_state(early, {"status": "waiting"}, at=AT)
    await store.save_state(event(process_id, waiting()), {"status": "running"}, at=AT)
    before = await store.state(process_id)

    again = await store.save_state(early, {"status": "waiting"}, at=AT)

    assert again == 1
    assert await store.state(process_id) == before


async def test_the_cursor_of_acknowledgements_moves_only_forward(store: Store, process_id: str) -> None:
    user_id = str(uuid4())
    for _ in range(3):
        await store.insert_event(event(process_id))

    cursors = [
        await store.acknowledge(process_id, user_id=user_id, up_to_sequence=up_to, at=AT) for up_to in (2, 1, 2, 99)
    ]
    await store.insert_event(event(process_id))
    rows = (await store.events_since(process_id, 0, limit=9)).events

    assert cursors == [2, 2, 2, 3]
    assert [(row["acknowledged_by"], row["delivery_attempts"]) for row in rows] == [([user_id], 1)] * 3 + [([], 0)]


async def test_users_acknowledge_for_themselves(store: Store, process_id: str) -> None:
    one, other = sorted((str(new_id(Random(1))), str(new_id(Random(2)))))
    await store.insert_event(event(process_id))

    for user_id in (one, other):
        await store.acknowledge(process_id, user_id=user_id, up_to_sequence=1, at=AT)
    (row,) = (await store.events_since(process_id, 0, limit=9)).events

    assert (row["acknowledged_by"], row["delivery_attempts"]) == ([one, other], 2)


async def test_the_first_content_stays(store: Store, process_id: str) -> None:
    first = Content(article_id=str(uuid4()), process_id=process_id, title="題", content="<p>本文</p>\n", sha256="1")
    second = Content(article_id=str(uuid4()), process_id=process_id, title="別", content="別", sha256="2")

    await store.save_content(first, at=AT)
    await store.save_content(second, at=AT)

    assert await store.content(process_id) == first
