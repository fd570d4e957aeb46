"""The witness on a real PostgreSQL: it sees every commit, knows when it has, and survives a break."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from harness.backends.cluster import Cluster, start_cluster
from harness.clock import SystemClock
from harness.errors import ReplicationError
from harness.history import Op, Recorder
from harness.replication.source_stream import StreamedSource
from harness.replication.witness import SLOT, Witness

SCHEMA = """
create table notes (id int primary key, body text);
create table private (id int primary key);
create publication supabase_realtime for table notes;
"""
WITNESS_PID = "select active_pid from pg_replication_slots where slot_name = 'harness_witness'"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    started = asyncio.run(start_cluster())
    yield started
    asyncio.run(started.stop())


@pytest.fixture
async def database(cluster: Cluster) -> AsyncIterator[str]:
    """A database of the test's own, made of an empty one and our tables."""
    connection = await asyncpg.connect(cluster.url())
    await connection.execute("create database stage template template0")
    inside = await asyncpg.connect(cluster.url("stage"))
    await inside.execute(SCHEMA)
    await inside.close()
    yield "stage"
    await connection.execute("drop database stage with (force)")
    await connection.close()


@pytest.fixture
async def connection(cluster: Cluster, database: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(cluster.url(database))
    yield connection
    await connection.close()


@pytest.fixture
def recorder() -> Recorder:
    return Recorder(lambda: 0.0)


def trace(table: str, action: str, record: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Follows notes that have a body."""
    return {"note": record["id"]} if table == "notes" and record.get("body") != "secret" else None


STARTED = datetime.now(UTC) - timedelta(seconds=100)


def a_witness(cluster: Cluster, database: str, recorder: Recorder, *, trace: Any = trace) -> Witness:
    source = StreamedSource(cluster.socket_dir, cluster.port, database=database, slot=SLOT, temporary=False)
    return Witness(source, url=cluster.url(database), recorder=recorder, trace=trace, started=STARTED)


@pytest.fixture
async def witness(cluster: Cluster, database: str, recorder: Recorder) -> AsyncIterator[Witness]:
    witness = a_witness(cluster, database, recorder)
    await witness.start()
    yield witness
    await witness.stop()


def notes(recorder: Recorder) -> list[str]:
    return [op.value.note for op in recorder.ops() if op.type == "ok"]


async def test_each_commit_is_an_op_with_its_place_and_time(
    witness: Witness, connection: asyncpg.Connection, recorder: Recorder
) -> None:
    await connection.execute("insert into notes values (1, 'a'), (2, 'secret'), (3, 'c')")
    await connection.execute("delete from notes where id = 3")

    assert await witness.settled(10)

    ops = recorder.ops()
    assert [(op.actor, op.f, op.type, op.value.note, op.value.table, op.value.action) for op in ops] == [
        ("witness", "commit", "ok", "1", "notes", "INSERT"),
        ("witness", "commit", "ok", "3", "notes", "INSERT"),
        ("witness", "commit", "ok", "3", "notes", "DELETE"),
    ]
    committed = datetime.fromisoformat(ops[0].value.commit_timestamp)
    assert ops[0].value.at == (committed - STARTED).total_seconds()
    assert ops[0].value.at >= 100
    assert ops[0].value.lsn == ops[1].value.lsn != ops[2].value.lsn
    assert set(ops[0].value) == {"note", "table", "action", "lsn", "commit_timestamp", "at"}


async def test_an_idle_stream_is_settled_and_so_is_one_that_nobody_publishes_to(
    witness: Witness, connection: asyncpg.Connection, recorder: Recorder
) -> None:
    idle = await witness.settled(10)

    await connection.execute("insert into private values (1)")
    unpublished = await witness.settled(10)

    assert (idle, unpublished, recorder.ops()) == (True, True, ())


async def test_every_commit_before_the_question_is_recorded_at_the_answer(
    witness: Witness, connection: asyncpg.Connection, recorder: Recorder
) -> None:
    for number in range(50):
        await connection.execute("insert into notes values ($1, 'a')", number)

        assert await witness.settled(10)
        assert notes(recorder)[-1] == str(number)

    assert len(notes(recorder)) == 50


async def test_a_witness_that_is_behind_says_so(
    witness: Witness, connection: asyncpg.Connection, recorder: Recorder
) -> None:
    sender = await connection.fetchval(WITNESS_PID)
    os.kill(sender, signal.SIGSTOP)
    try:
        await connection.execute("insert into notes values (1, 'a')")
        behind = await witness.settled(0.2)
    finally:
        os.kill(sender, signal.SIGCONT)

    assert behind is False
    assert await witness.settled(10)
    assert notes(recorder) == ["1"]


async def test_a_break_is_told_and_nothing_is_lost_or_told_twice(
    witness: Witness, connection: asyncpg.Connection, recorder: Recorder
) -> None:
    for number in range(30):
        if number % 10 == 5:
            await connection.fetch("select pg_terminate_backend(active_pid) from pg_replication_slots where active")
        await connection.execute("insert into notes values ($1, 'a')", number)
        await SystemClock().sleep(0.02)

    assert await witness.settled(10)
    broken = [op for op in recorder.ops() if op.type == "info"]
    assert notes(recorder) == [str(number) for number in range(30)]
    assert broken
    assert all(is_a_break(op) for op in broken)


def is_a_break(op: Op) -> bool:
    return (op.actor, op.f) == ("witness", "commit") and "terminating connection" in (op.error or "")


async def test_the_slot_is_gone_after_the_witness_stopped(
    witness: Witness, connection: asyncpg.Connection, recorder: Recorder
) -> None:
    before = await connection.fetchval("select temporary from pg_replication_slots")

    await witness.stop()
    await witness.stop()

    assert before is False
    assert await connection.fetchval("select count(*) from pg_replication_slots") == 0
    assert recorder.ops() == ()


async def test_a_trace_that_fails_is_not_swallowed(
    cluster: Cluster, database: str, connection: asyncpg.Connection, recorder: Recorder
) -> None:
    def crash(table: str, action: str, record: Mapping[str, Any]) -> None:
        raise LookupError("no such note")

    witness = a_witness(cluster, database, recorder, trace=crash)
    await witness.start()
    await connection.execute("insert into notes values (1, 'a')")

    with pytest.raises(LookupError, match="no such note"):
        await witness.settled(10)
    with pytest.raises(LookupError, match="no such note"):
        await witness.stop()

    assert await connection.fetchval("select count(*) from pg_replication_slots") == 0


async def test_a_server_that_went_away_is_told(recorder: Recorder) -> None:
    async with await start_cluster() as cluster:
        connection = await asyncpg.connect(cluster.url())
        await connection.execute(SCHEMA)
        await connection.close()
        witness = a_witness(cluster, "postgres", recorder)
        await witness.start()

    with pytest.raises(ReplicationError, match="cannot ask how far"):
        await witness.settled(1)
    await witness.stop()

    assert [op.type for op in recorder.ops()] == ["info", "info"]
    assert "no PostgreSQL at" in (recorder.ops()[-1].error or "")
