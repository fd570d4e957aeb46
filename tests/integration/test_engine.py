"""The engine as a whole over a real PostgreSQL: what it promises to whoever runs it."""

import json
from collections.abc import AsyncIterator
from random import Random

import asyncpg
import pytest
from aiohttp import web
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from harness.backends.cluster import Cluster, start_cluster
from harness.clock import SystemClock
from harness.errors import VisibilityError
from harness.history.recorder import Recorder
from harness.realtime.engine import Engine
from harness.realtime.messages_postgres import PUBLICATION
from harness.realtime.tenant import Tenant
from harness.replication.source_postgres import PolledSource
from harness.tokens import DEVELOPMENT_SECRET, mint

CLOCK = SystemClock()


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    async with await start_cluster() as started:
        yield started


def an_engine(url: str) -> Engine:
    tenant = Tenant(jwt_secret=DEVELOPMENT_SECRET)
    return Engine(
        tenant=tenant,
        url=url,
        open_changes=lambda: PolledSource(url, publication=tenant.feed),
        open_messages=lambda: PolledSource(url, slot="messages", publication=PUBLICATION),
        clock=CLOCK,
        rng=Random(1),
        recorder=Recorder(CLOCK.now, keep=False),
    )


async def test_sockets_are_closed_as_by_a_server_that_restarts_and_nothing_stays_behind(cluster: Cluster) -> None:
    engine = an_engine(cluster.url())
    await engine.prepare()
    await engine.open()
    port = await engine.serve(web.Application(), lambda runner: web.TCPSite(runner, "127.0.0.1", 0), goodbye_s=1.0)
    token = mint(DEVELOPMENT_SECRET, role="anon", wall=CLOCK.wall())

    async with connect(f"ws://127.0.0.1:{port}/socket/websocket?apikey={token}&vsn=2.0.0") as socket:
        await socket.send(json.dumps(["1", "1", "realtime:x", "phx_join", {}]))
        await socket.recv()
        sockets = engine.controls.census()["sockets"]
        await engine.close()
        with pytest.raises(ConnectionClosed) as closed:
            [frame async for frame in socket]
    await engine.close()

    assert sockets == 1
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1012
    assert await left_behind(cluster) == []


async def test_a_database_that_is_not_there_yet_may_be_tried_again(cluster: Cluster) -> None:
    engine = an_engine(cluster.url("later"))
    with pytest.raises(VisibilityError):
        await engine.prepare()

    await cluster_sql(cluster, "create database later")
    await engine.prepare()
    await engine.open()
    await engine.close()

    assert await left_behind(cluster) == []


async def cluster_sql(cluster: Cluster, sql: str) -> None:
    connection = await asyncpg.connect(cluster.url())
    await connection.execute(sql)
    await connection.close()


async def left_behind(cluster: Cluster) -> list[str]:
    """The applications that stay connected, but for the one that asks; a session takes a moment to end."""
    sql = (
        "select application_name from pg_stat_activity"
        " where backend_type in ('client backend', 'walsender') and pid <> pg_backend_pid()"
    )
    connection = await asyncpg.connect(cluster.url())
    deadline = CLOCK.now() + 5
    while (names := [str(row[0]) for row in await connection.fetch(sql)]) and CLOCK.now() < deadline:
        await CLOCK.sleep(0.02)
    await connection.close()
    return names
