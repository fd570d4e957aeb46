"""What every `ChangeSource` promises: one body, polled and streamed slots as arms, a real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest

from harness.backends.cluster import Cluster, start_cluster
from harness.errors import ReplicationError
from harness.replication.change import Action, Change
from harness.replication.source import ChangeSource
from harness.replication.source_postgres import PolledSource
from harness.replication.source_stream import StreamedSource
from harness.replication.source_visible import VisibleSource

Connection = asyncpg.Connection

SCHEMA = """
create table notes (id int primary key, sequence int, body text);
create table whole (id int primary key, body text, big text);
alter table whole replica identity full;
create table private (id int primary key);
alter table notes alter body set storage external;
alter table whole alter big set storage external;
create publication supabase_realtime for table notes, whole;
"""

BIG = "x" * 10_000
QUIET_S = 0.3


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """One cluster for all tests; a template database with the tables."""

    async def start() -> Cluster:
        cluster = await start_cluster()
        connection = await asyncpg.connect(cluster.url())
        await connection.execute("create database model")
        await connection.close()
        connection = await asyncpg.connect(cluster.url("model"))
        await connection.execute(SCHEMA)
        await connection.close()
        return cluster

    started = asyncio.run(start())
    yield started
    asyncio.run(started.stop())


@pytest.fixture
async def database(cluster: Cluster, request: pytest.FixtureRequest) -> str:
    """A database for one test: slots see their own database only."""
    name = f"test_{abs(hash(request.node.name))}"
    connection = await asyncpg.connect(cluster.url())
    await connection.execute(f"create database {name} template model")
    await connection.close()
    return name


@pytest.fixture
async def first(cluster: Cluster, database: str) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(cluster.url(database))
    yield connection
    await connection.close()


@pytest.fixture
async def second(cluster: Cluster, database: str) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(cluster.url(database))
    yield connection
    await connection.close()


@pytest.fixture(params=["polled", "streamed", "visible"])
async def closed_source(cluster: Cluster, database: str, request: pytest.FixtureRequest) -> AsyncIterator[ChangeSource]:
    source: ChangeSource
    if request.param == "polled":
        source = PolledSource(cluster.url(database), snapshot_every_s=0.05)
    else:
        source = StreamedSource(cluster.socket_dir, cluster.port, database=database)
    if request.param == "visible":
        source = VisibleSource(source, cluster.url(database))
    yield source
    await source.close()


@pytest.fixture
async def source(closed_source: ChangeSource) -> ChangeSource:
    await closed_source.open()
    return closed_source


async def read_until(source: ChangeSource, count: int) -> list[Change]:
    """At least that many changes; a source that is asked is asked again."""
    changes: list[Change] = []
    async with asyncio.timeout(10):
        while len(changes) < count:
            batch = await source.read()
            changes += batch.changes
            await asyncio.sleep(0 if batch.changes else 0.005)
    return changes


async def nothing_more(source: ChangeSource) -> bool:
    """Whether nothing comes for a while: an empty poll, or a stream that keeps waiting."""
    try:
        async with asyncio.timeout(QUIET_S):
            return not (await source.read()).changes
    except TimeoutError:
        return True


def sequences(changes: list[Change]) -> list[int]:
    return [int(change.record["sequence"] or 0) for change in changes if change.record is not None]


async def insert(connection: Connection, sequence: int) -> None:
    await connection.execute("insert into notes values ($1, $1, 'a note')", sequence)


async def test_a_row_is_told_with_all_that_is_known_of_it(source: ChangeSource, first: Connection) -> None:
    await first.execute("insert into notes values (1, null, '茶')")
    committed = await first.fetchval("select clock_timestamp()")

    [change] = await read_until(source, 1)

    assert (change.action, change.record, change.old_record, change.position) == (
        Action.INSERT,
        {"id": "1", "sequence": None, "body": "茶"},
        None,
        0,
    )
    assert (change.relation.schema, change.relation.table, change.relation.replica_identity) == ("public", "notes", "d")
    assert [(column.name, column.type_oid, column.key) for column in change.relation.columns] == [
        ("id", 23, True),
        ("sequence", 23, False),
        ("body", 25, False),
    ]
    assert 0 <= (committed - change.commit_timestamp).total_seconds() < 5
    assert await nothing_more(source)


async def test_changes_come_in_commit_order(source: ChangeSource, first: Connection, second: Connection) -> None:
    slow, fast = first.transaction(), second.transaction()
    await slow.start()
    await fast.start()
    await insert(first, 11)
    await insert(second, 12)
    await insert(first, 13)
    await fast.commit()
    await slow.commit()

    changes = await read_until(source, 3)

    assert sequences(changes) == [12, 11, 13]
    assert [change.position for change in changes] == [0, 0, 1]
    assert changes[0].lsn < changes[1].lsn == changes[2].lsn


async def test_a_transaction_is_not_seen_before_its_commit_and_never_if_rolled_back(
    source: ChangeSource, first: Connection, second: Connection
) -> None:
    open_one, lost = first.transaction(), second.transaction()
    await open_one.start()
    await insert(first, 1)
    await lost.start()
    await insert(second, 2)
    await lost.rollback()
    before = await nothing_more(source)

    await open_one.commit()

    assert before
    assert sequences(await read_until(source, 1)) == [1]
    assert await nothing_more(source)


async def test_a_large_transaction_comes_whole_in_one_batch(source: ChangeSource, first: Connection) -> None:
    await first.execute("insert into notes select n, n, repeat('a', 300) from generate_series(1, 5000) n")

    changes = await read_until(source, 1)

    assert sequences(changes) == list(range(1, 5001))
    assert [change.position for change in changes] == list(range(5000))
    assert len({change.lsn for change in changes}) == 1


async def test_many_writers_at_once_are_each_seen_exactly_once(
    source: ChangeSource, cluster: Cluster, database: str
) -> None:
    async def write(writer: int) -> None:
        connection = await asyncpg.connect(cluster.url(database))
        for number in range(100):
            await insert(connection, writer * 100 + number)
        await connection.close()

    reading = asyncio.create_task(read_until(source, 500))
    await asyncio.gather(*(write(writer) for writer in range(5)))
    changes = await reading

    assert sorted(sequences(changes)) == list(range(500))
    assert sorted(changes, key=lambda change: (change.lsn, change.position)) == changes
    assert await nothing_more(source)


async def test_an_update_has_no_old_row_unless_its_key_changed(source: ChangeSource, first: Connection) -> None:
    await insert(first, 1)
    await first.execute("update notes set sequence = 2")
    await first.execute("update notes set id = 9")

    changes = await read_until(source, 3)

    assert [(change.action, change.record, change.old_record) for change in changes[1:]] == [
        (Action.UPDATE, {"id": "1", "sequence": "2", "body": "a note"}, None),
        (Action.UPDATE, {"id": "9", "sequence": "2", "body": "a note"}, {"id": "1"}),
    ]


async def test_a_delete_knows_the_key_of_the_row(source: ChangeSource, first: Connection) -> None:
    await insert(first, 1)
    await first.execute("delete from notes")

    changes = await read_until(source, 2)

    assert (changes[1].action, changes[1].record, changes[1].old_record) == (Action.DELETE, None, {"id": "1"})


async def test_with_full_identity_the_whole_old_row_is_there(source: ChangeSource, first: Connection) -> None:
    await first.execute("insert into whole values (1, 'a', $1)", BIG)
    await first.execute("update whole set body = 'b'")
    await first.execute("delete from whole")

    changes = await read_until(source, 3)

    assert changes[1].record == {"id": "1", "body": "b"}
    assert changes[1].old_record == {"id": "1", "body": "a", "big": BIG}
    assert changes[2].old_record == {"id": "1", "body": "b", "big": BIG}


async def test_a_large_value_that_was_not_touched_is_absent(source: ChangeSource, first: Connection) -> None:
    await first.execute("insert into notes values (1, 1, $1)", BIG)
    await first.execute("update notes set sequence = 2")

    changes = await read_until(source, 2)

    assert [change.record for change in changes] == [
        {"id": "1", "sequence": "1", "body": BIG},
        {"id": "1", "sequence": "2"},
    ]


async def test_truncates_and_tables_outside_the_publication_are_not_told(
    source: ChangeSource, first: Connection
) -> None:
    await first.execute("insert into private values (1)")
    await first.execute("truncate notes")
    await insert(first, 1)

    changes = await read_until(source, 1)

    assert sequences(changes) == [1]
    assert await nothing_more(source)


async def test_what_was_committed_before_open_is_not_seen(closed_source: ChangeSource, first: Connection) -> None:
    await insert(first, 1)

    await closed_source.open()
    await insert(first, 2)

    assert sequences(await read_until(closed_source, 1)) == [2]
    assert await nothing_more(closed_source)


async def test_a_source_that_was_closed_can_be_opened_at_once_and_missed_what_was_between(
    source: ChangeSource, first: Connection
) -> None:
    await insert(first, 1)
    seen = await read_until(source, 1)
    await source.close()
    await source.close()
    await insert(first, 2)

    await source.open()
    await insert(first, 3)

    assert sequences(seen) == [1]
    assert sequences(await read_until(source, 1)) == [3]


async def test_a_source_that_is_not_open_refuses_to_read(closed_source: ChangeSource) -> None:
    with pytest.raises(ReplicationError, match="is not open"):
        await closed_source.read()


async def test_a_session_that_the_server_ends_is_an_error_and_the_source_can_be_opened_again(
    source: ChangeSource, first: Connection
) -> None:
    await first.fetch(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity "
        "where application_name like 'realtime%' and datname = current_database()"
    )
    with pytest.raises(ReplicationError):
        async with asyncio.timeout(5):
            await source.read()

    await source.close()
    await source.open()
    await insert(first, 1)

    assert sequences(await read_until(source, 1)) == [1]


async def test_a_slot_that_another_session_holds_is_refused(
    source: ChangeSource, cluster: Cluster, database: str
) -> None:
    for other in (
        PolledSource(cluster.url(database)),
        StreamedSource(cluster.socket_dir, cluster.port, database=database),
    ):
        with pytest.raises(ReplicationError, match="supabase_realtime_replication_slot"):
            await other.open()
