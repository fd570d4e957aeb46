"""The embedded engine for the conformance suite: everything on, over a real PostgreSQL, and nothing that waits.

Only the times are not those of a real server: refusals come at once, changes at the commit, limits are off.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final

import aiohttp
import asyncpg
from aiohttp import web

from harness.backends.cluster import Cluster, start_cluster
from harness.clock import SystemClock
from harness.history.recorder import Recorder
from harness.phoenix.close_codes import ABNORMAL
from harness.realtime.link import Link
from harness.realtime.messages_postgres import APPLICATION_NAME, PUBLICATION, SLOT, PostgresMessages
from harness.realtime.plans import PLANS
from harness.realtime.quirks import Quirks
from harness.realtime.server import RealtimeServer
from harness.realtime.tenant import Tenant
from harness.realtime.visibility_postgres import PostgresVisibility
from harness.realtime.worker import Worker
from harness.replication.source import ChangeSource
from harness.replication.source_stream import StreamedSource
from harness.replication.source_visible import VisibleSource
from harness.tokens import DEVELOPMENT_SECRET, mint, user_id

CLOCK: Final = SystemClock()
DATABASE: Final = "postgres"
_TABLES: Final = Path(__file__).with_name("conformance.sql")
_PATIENCE_S: Final = 10.0
_NO_CODE: Final = 1005
_CLOSE_WITHOUT_CODE: Final = b"\x88\x00"
_QUICK: Final = Quirks(
    slow_connect_refusal=False,
    slow_join_refusal=False,
    cold_worker_delay=False,
    message_stream_retries_slowly=False,
)


@dataclass(kw_only=True)
class Engine:
    """A running engine. `url` is what clients are given, `sql` a superuser's connection to its database."""

    url: str
    sql: asyncpg.Connection
    server: RealtimeServer
    http: aiohttp.ClientSession = field(repr=False)

    def token(self, name: str | None = None, *, ttl: float = 3600.0) -> str:
        """The token of the user `name`, or of nobody (`anon`); with a negative `ttl` it has expired already."""
        if name is None:
            return mint(DEVELOPMENT_SECRET, role="anon", wall=CLOCK.wall(), ttl=ttl)
        return mint(DEVELOPMENT_SECRET, role="authenticated", wall=CLOCK.wall(), sub=user_id(name), ttl=ttl)

    async def close_socket(self, name: str, code: int) -> None:
        """End a socket with this code.

        The engine itself does it for causes that cannot be had on demand: a minute of silence, a bug, a storm of
        joins. What a client gets is the same.
        """
        link = self._link(name)
        if code == ABNORMAL:
            link._transport.abort()
        elif code == _NO_CODE:
            link._transport.write(_CLOSE_WITHOUT_CODE)
        else:
            await link._socket.close(code=code)

    def crash_channels(self, name: str) -> None:
        """Break the channels of a socket, as a bug in them would."""
        link = self._link(name)
        for number in tuple(link.channels):
            link.crash(number)

    def sockets(self) -> list[str]:
        """The names of the sockets that are open."""
        return [link.name for link in self.server._links]

    async def alter(self, **columns: Any) -> None:
        """Change columns of the tenant by the admin API; some of them end every socket with 1012."""
        headers = {"Authorization": f"Bearer {self.token()}"}
        address = f"{self.url.replace('ws://', 'http://').removesuffix('/socket')}/api/tenants/realtime-dev"
        async with self.http.patch(address, json={"tenant": columns}, headers=headers) as answer:
            assert answer.status == 200

    def _link(self, name: str) -> Link:
        (found,) = [link for link in self.server._links if link.name == name]
        return found


@asynccontextmanager
async def an_engine(*, idle_timeout_s: float = 66.0) -> AsyncIterator[Engine]:
    """A database, an engine over it, and nothing left of both afterwards."""
    tenant = Tenant(
        jwt_secret=DEVELOPMENT_SECRET,
        limits=PLANS["off"],
        quirks=_QUICK,
        idle_timeout_s=idle_timeout_s,
        subscribe_retry_s=(0.0, 0.0),
    )
    recorder = Recorder(CLOCK.now)
    async with AsyncExitStack() as stack:
        cluster = await stack.enter_async_context(await start_cluster())
        messages = _messages(cluster, recorder)
        stack.push_async_callback(messages.close)
        await messages.open()
        sql = await asyncpg.connect(cluster.url(DATABASE))
        stack.push_async_callback(sql.close)
        await sql.execute(_TABLES.read_text("utf-8"))
        visibility = PostgresVisibility(cluster.url(DATABASE), quirks=tenant.quirks)
        stack.push_async_callback(visibility.close)
        await visibility.open()
        worker = _worker(cluster, tenant, visibility, recorder)
        stack.push_async_callback(worker.close)
        server = RealtimeServer(tenant=tenant, worker=worker, messages=messages, recorder=recorder, clock=CLOCK)
        port = await _serve(server, stack)
        http = await stack.enter_async_context(aiohttp.ClientSession())
        await _hears_messages(messages)
        yield Engine(url=f"ws://127.0.0.1:{port}/socket", sql=sql, server=server, http=http)


def _worker(cluster: Cluster, tenant: Tenant, visibility: PostgresVisibility, recorder: Recorder) -> Worker:
    def source() -> ChangeSource:
        stream = StreamedSource(cluster.socket_dir, cluster.port, database=DATABASE, publication=tenant.feed)
        return VisibleSource(stream, cluster.url(DATABASE))

    return Worker(
        tenant=tenant,
        visibility=visibility,
        open_source=source,
        clock=CLOCK,
        rng=Random(1),
        recorder=recorder,
        instant=True,
    )


def _messages(cluster: Cluster, recorder: Recorder) -> PostgresMessages:
    def source() -> ChangeSource:
        return StreamedSource(
            cluster.socket_dir,
            cluster.port,
            database=DATABASE,
            slot=f"{SLOT}test",
            publication=PUBLICATION,
            application_name=APPLICATION_NAME,
        )

    url = cluster.url(DATABASE)
    return PostgresMessages(url, open_source=source, clock=CLOCK, rng=Random(1), recorder=recorder)


async def _serve(server: RealtimeServer, stack: AsyncExitStack) -> int:
    application = web.Application()
    application.add_routes(server.routes())
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    stack.push_async_callback(server.close)
    port: int = runner.addresses[0][1]
    return port


async def _hears_messages(messages: PostgresMessages) -> None:
    async with asyncio.timeout(_PATIENCE_S):
        while not messages.connected:
            await CLOCK.sleep(0.005)
