"""A witness on a database that is reached by TCP alone: it misses nothing, leaves nothing, and admits a break."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from harness.backends.cluster import Cluster, start_cluster
from harness.errors import ReplicationError
from harness.history import Recorder
from harness.replication.source_waiting import WaitingSource
from harness.replication.witness import Witness

SCHEMA = "create table notes (id int primary key); create table private (id int); create publication p for table notes"
SLOTS = "select count(*) from pg_replication_slots"
END = "select pg_terminate_backend(active_pid) from pg_replication_slots"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    started = asyncio.run(start_cluster())
    yield started
    asyncio.run(started.stop())


@pytest.fixture
async def connection(cluster: Cluster) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(cluster.url())
    await connection.execute(f"drop table if exists notes, private; drop publication if exists p; {SCHEMA}")
    yield connection
    await connection.close()


@pytest.fixture
def recorder() -> Recorder:
    return Recorder(lambda: 0.0)


def trace(table: str, action: str, record: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"note": record["id"]}


@pytest.fixture
async def source(cluster: Cluster, connection: asyncpg.Connection) -> WaitingSource:
    return WaitingSource(cluster.url(), slot="of_a_test", publication="p")


@pytest.fixture
async def witness(cluster: Cluster, source: WaitingSource, recorder: Recorder) -> AsyncIterator[Witness]:
    witness = Witness(source, url=cluster.url(), recorder=recorder, trace=trace, started=datetime.now(UTC))
    await witness.start()
    yield witness
    await witness.stop()


async def test_every_commit_before_the_question_is_recorded_at_the_answer(
    witness: Witness, connection: asyncpg.Connection, recorder: Recorder
) -> None:
    for number in range(30):
        await connection.execute("insert into notes values ($1)", number)

    assert await witness.settled(10)

    assert [op.value.note for op in recorder.ops()] == [str(number) for number in range(30)]


async def test_a_large_transaction_comes_whole(
    witness: Witness, connection: asyncpg.Connection, recorder: Recorder
) -> None:
    await connection.execute("insert into notes select generate_series(1, 2000)")

    assert await witness.settled(10)

    assert len(recorder.ops()) == 2000


async def test_what_nobody_publishes_is_settled_too(
    witness: Witness, connection: asyncpg.Connection, recorder: Recorder
) -> None:
    await connection.execute("insert into private values (1)")

    assert await witness.settled(10)
    assert recorder.ops() == ()


async def test_nothing_is_left_at_the_end(witness: Witness, connection: asyncpg.Connection) -> None:
    during = await connection.fetchval(SLOTS)

    await witness.stop()

    assert (during, await connection.fetchval(SLOTS)) == (1, 0)


async def test_a_break_is_admitted_because_nobody_knows_what_was_missed(
    witness: Witness, source: WaitingSource, connection: asyncpg.Connection, recorder: Recorder
) -> None:
    await connection.execute("insert into notes values (1)")
    before = await witness.settled(10)

    await connection.execute(END)
    for _ in range(1000):
        if any(op.type == "info" for op in recorder.ops()):
            break
        await asyncio.sleep(0.01)

    assert before
    with pytest.raises(ReplicationError, match="commits may have been missed"):
        await witness.settled(10)


async def test_a_database_that_is_not_there_is_told(cluster: Cluster) -> None:
    source = WaitingSource("postgresql://postgres@127.0.0.1:1/postgres", slot="x", publication="p")

    with pytest.raises(ReplicationError, match="slot x could not be made"):
        await source.open()
    await source.close()
