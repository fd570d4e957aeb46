"""The embedded server over a fresh database of a real PostgreSQL, and sockets that speak to it.

Tables are like those of the recordings (p02, p02b, p12).
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import asyncpg
from aiohttp import web
from websockets.asyncio.client import ClientConnection, connect

from harness.backends.cluster import Cluster
from harness.clock import SystemClock
from harness.history.recorder import Recorder
from harness.realtime.server import RealtimeServer
from harness.realtime.tenant import Tenant
from harness.realtime.visibility_postgres import PostgresVisibility
from harness.realtime.worker import Worker
from harness.replication.source_postgres import PolledSource
from harness.replication.source_stream import StreamedSource
from harness.replication.source_visible import VisibleSource
from harness.tokens import DEVELOPMENT_SECRET, mint, user_id

CLOCK = SystemClock()
TABLES = Path(__file__).with_name("realtime_tables.sql").read_text("utf-8")
ALICE, BOB = str(user_id("alice")), str(user_id("bob"))


@dataclass(kw_only=True)
class Client:
    """A socket that keeps what it reads."""

    socket: ClientConnection
    read: list[Any] = field(default_factory=list)

    async def send(self, *parts: Any) -> None:
        await self.socket.send(json.dumps(list(parts)))

    async def say(self, text: str) -> Any:
        """Send a frame, and read the next."""
        await self.socket.send(text)
        return await self.next()

    async def next(self) -> Any:
        text = await asyncio.wait_for(self.socket.recv(), 10)
        assert isinstance(text, str)
        return json.loads(text)

    async def join(self, topic: str, *elements: Any, **payload: Any) -> Any:
        """Join and be subscribed; the reply's bindings."""
        config = {"postgres_changes": list(elements)}
        await self.send("1", "1", f"realtime:{topic}", "phx_join", {"config": config, **payload})
        reply = await self.next()
        assert reply[3:] == ["phx_reply", {"status": "ok", "response": reply[4]["response"]}]
        assert (await self.next())[4]["message"] == "Subscribed to PostgreSQL"
        return reply[4]["response"]["postgres_changes"]

    async def refused(self, topic: str, *elements: Any) -> str:
        """Join and be told why there is no subscription."""
        config = {"postgres_changes": list(elements)}
        await self.send("1", "1", f"realtime:{topic}", "phx_join", {"config": config})
        await self.next()
        payload = (await self.next())[4]
        assert payload["status"] == "error"
        message: str = payload["message"]
        return message

    async def data(self) -> Any:
        message = await self.next()
        assert message[3] == "postgres_changes"
        return message[4]["data"]

    async def silence(self) -> None:
        """Nothing was sent before the reply to a heartbeat."""
        await self.send(None, "h", "phoenix", "heartbeat", {})
        heard = await self.next()
        assert heard[1] == "h", heard


@dataclass(kw_only=True)
class Stack:
    port: int
    sql: asyncpg.Connection
    recorder: Recorder
    worker: Worker
    failed: asyncio.Event

    async def warm_again(self) -> None:
        """Wait until a worker that failed has opened its slot again; bindings tell when that is."""
        async with self.client() as other:
            await other.join("warm", {"event": "*", "schema": "public", "table": "t_events"})

    def url(self, *, role: str = "anon", sub: str | None = None, vsn: str = "2.0.0", more: str = "") -> str:
        token = mint(DEVELOPMENT_SECRET, role=role, wall=CLOCK.wall(), sub=sub)
        return f"ws://127.0.0.1:{self.port}/socket/websocket?apikey={token}&vsn={vsn}{more}"

    @asynccontextmanager
    async def client(self, **options: Any) -> AsyncIterator[Client]:
        async with connect(self.url(**options), ping_interval=None, max_size=None) as socket:
            yield Client(socket=socket)


@asynccontextmanager
async def a_stack(cluster: Cluster, *, polled: bool = False, before: str = "", **settings: Any) -> AsyncIterator[Stack]:
    """A server over a fresh database, in which `before` is executed before the server comes."""
    await _recreate(cluster)
    sql = await asyncpg.connect(cluster.url("realtime_test"))
    await sql.execute(TABLES + before)
    tenant = Tenant(jwt_secret=DEVELOPMENT_SECRET, **settings)
    failed = asyncio.Event()
    recorder = Recorder(CLOCK.now, sinks=(lambda op: failed.set() if op.f == "poll" else None,))
    visibility = PostgresVisibility(
        cluster.url("realtime_test"), quirks=tenant.quirks, max_record_bytes=tenant.max_record_bytes
    )
    await visibility.open()

    url = cluster.url("realtime_test")

    def open_source() -> VisibleSource:
        """As the engine has it: without the wait a row is now and then judged before it can be seen."""
        if polled:
            return VisibleSource(PolledSource(url, publication=tenant.feed), url)
        stream = StreamedSource(cluster.socket_dir, cluster.port, database="realtime_test", publication=tenant.feed)
        return VisibleSource(stream, url)

    worker = Worker(
        tenant=tenant,
        visibility=visibility,
        open_source=open_source,
        clock=CLOCK,
        rng=Random(1),
        recorder=recorder,
        trace=lambda table, action, record: {"event_id": record.get("id")} if table.startswith("t_") else None,
        instant=not polled,
    )
    server = RealtimeServer(tenant=tenant, worker=worker, recorder=recorder, clock=CLOCK)
    app = web.Application()
    app.add_routes(server.routes())
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield Stack(port=runner.addresses[0][1], sql=sql, recorder=recorder, worker=worker, failed=failed)
    finally:
        await server.close()
        await worker.close()
        await visibility.close()
        await runner.cleanup()
        await sql.close()


async def _recreate(cluster: Cluster) -> None:
    admin = await asyncpg.connect(cluster.url())
    await admin.execute("drop database if exists realtime_test with (force)")
    await admin.execute("create database realtime_test")
    await admin.close()
