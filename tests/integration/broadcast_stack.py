"""Our Realtime server over a fresh database with `realtime.messages`, and clients of it."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from types import MappingProxyType
from typing import Any, Final

import aiohttp
import asyncpg
from aiohttp import web
from websockets.asyncio.client import ClientConnection, connect

from harness.backends.cluster import Cluster
from harness.clock import SystemClock
from harness.history.recorder import Recorder
from harness.realtime.authorisation import Extension, Visitor
from harness.realtime.engine import Engine
from harness.realtime.messages_postgres import APPLICATION_NAME, PUBLICATION, SLOT, PostgresMessages
from harness.realtime.plans import PLANS, Limits
from harness.realtime.quirks import Quirks
from harness.realtime.tenant import Tenant
from harness.replication.source import ChangeSource
from harness.replication.source_postgres import PolledSource
from harness.replication.source_stream import StreamedSource
from harness.tokens import DEVELOPMENT_SECRET, mint

CLOCK: Final = SystemClock()
DATABASE: Final = "broadcast_test"


@dataclass(kw_only=True)
class Client:
    """A socket of vsn 1.0.0 or 2.0.0 that is joined to one topic."""

    socket: ClientConnection
    vsn: str
    topic: str
    refs: int = 0

    async def send(self, event: str, payload: Any) -> str:
        self.refs += 1
        ref = str(self.refs)
        parts = {"join_ref": "1", "ref": ref, "topic": self.topic, "event": event, "payload": payload}
        await self.socket.send(json.dumps(parts if self.vsn == "1.0.0" else list(parts.values())))
        return ref

    async def next(self) -> Any:
        """(event, payload), or the bytes of a binary frame."""
        frame = await asyncio.wait_for(self.socket.recv(), 10)
        if isinstance(frame, bytes):
            return frame
        message = json.loads(frame)
        return (message["event"], message["payload"]) if self.vsn == "1.0.0" else tuple(message[3:])

    async def join(self, config: dict[str, Any]) -> Any:
        await self.send("phx_join", {"config": config})
        _, payload = await self.next()
        return payload["response"].get("reason")

    async def broadcast(self, event: str, **payload: Any) -> str:
        return await self.send("broadcast", {"type": "broadcast", "event": event, "payload": payload})

    async def silence(self) -> None:
        """Nothing was sent before the reply to a heartbeat."""
        topic, self.topic = self.topic, "phoenix"
        await self.send("heartbeat", {})
        self.topic = topic
        assert await self.next() == ("phx_reply", {"status": "ok", "response": {}})


@dataclass(kw_only=True)
class Stack:
    port: int
    sql: asyncpg.Connection
    messages: PostgresMessages
    recorder: Recorder
    broke: asyncio.Event
    http: aiohttp.ClientSession = field(repr=False)

    def token(self, role: str) -> str:
        return mint(DEVELOPMENT_SECRET, role=role, wall=CLOCK.wall(), sub="68e50454-8374-4eca-9b95-bda47ae5926d")

    @asynccontextmanager
    async def client(
        self,
        topic: str = "proc:1",
        *,
        role: str = "authenticated",
        vsn: str = "2.0.0",
        config: Mapping[str, Any] = MappingProxyType({}),
    ) -> AsyncIterator[Client]:
        """A joined client; `config` is that of the join."""
        url = f"ws://127.0.0.1:{self.port}/socket/websocket?apikey={self.token(role)}&vsn={vsn}"
        async with connect(url, max_size=None) as socket:
            client = Client(socket=socket, vsn=vsn, topic=f"realtime:{topic}")
            assert await client.join(dict(config)) is None
            yield client

    async def refusal(
        self,
        topic: str = "proc:1",
        *,
        role: str = "authenticated",
        config: Mapping[str, Any] = MappingProxyType({"private": True}),
    ) -> Any:
        """The words that refuse a join."""
        url = f"ws://127.0.0.1:{self.port}/socket/websocket?apikey={self.token(role)}&vsn=2.0.0"
        async with connect(url) as socket:
            client = Client(socket=socket, vsn="2.0.0", topic=f"realtime:{topic}")
            return await client.join(dict(config))

    async def post(
        self,
        path: str,
        body: Any = None,
        *,
        role: str | None = "authenticated",
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, Any, Any]:
        """Status, JSON body (None if there is none) and headers of the answer."""
        bearer = {} if role is None else {"Authorization": f"Bearer {self.token(role)}"}
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", **bearer, **(headers or {})}
        async with self.http.post(f"http://127.0.0.1:{self.port}{path}", data=data, headers=headers) as answer:
            text = await answer.text()
            is_json = answer.content_type == "application/json"
            return answer.status, json.loads(text) if is_json and text else text or None, answer.headers

    async def asked(self) -> None:
        """All policies about which somebody asked before are answered: the next answer comes after them."""
        await self.messages.authorisation.writable(Visitor(topic="t", role="anon", claims="{}"), Extension.BROADCAST)

    async def streaming(self) -> None:
        while not self.messages.connected:
            await CLOCK.sleep(0.005)


@asynccontextmanager
async def a_stack(
    cluster: Cluster, *, migration: str = "select 1", limits: Limits | None = None, polled: bool = False, **quirks: bool
) -> AsyncIterator[Stack]:
    """A server over a fresh database in which somebody ran a `migration` between our preparation and our start."""
    await _recreate(cluster)
    url = cluster.url(DATABASE)
    tenant = Tenant(
        jwt_secret=DEVELOPMENT_SECRET,
        limits=limits or PLANS["selfhost"],
        quirks=Quirks(slow_join_refusal=False, **{"message_stream_retries_slowly": False, **quirks}),
    )
    broke = asyncio.Event()
    recorder = Recorder(CLOCK.now, sinks=(lambda op: broke.set() if op.f == "stream" else None,))

    def source() -> ChangeSource:
        slot = f"{SLOT}test"
        if polled:
            return PolledSource(url, slot=slot, publication=PUBLICATION, application_name=APPLICATION_NAME)
        return StreamedSource(
            cluster.socket_dir,
            cluster.port,
            database=DATABASE,
            slot=slot,
            publication=PUBLICATION,
            application_name=APPLICATION_NAME,
        )

    engine = Engine(
        tenant=tenant,
        url=url,
        open_changes=lambda: PolledSource(url),
        open_messages=source,
        clock=CLOCK,
        rng=Random(1),
        recorder=recorder,
    )
    async with AsyncExitStack() as stack:
        sql = await asyncpg.connect(url)
        stack.push_async_callback(sql.close)
        stack.push_async_callback(engine.close)
        await engine.prepare()
        await sql.execute(migration)
        await engine.open()
        application = web.Application()
        port = await engine.serve(application, lambda runner: web.TCPSite(runner, "127.0.0.1", 0), goodbye_s=1.0)
        http = await stack.enter_async_context(aiohttp.ClientSession())
        yield Stack(port=port, sql=sql, messages=engine.messages, recorder=recorder, broke=broke, http=http)


async def _recreate(cluster: Cluster) -> None:
    connection = await asyncpg.connect(cluster.url())
    try:
        await connection.execute(f"drop database if exists {DATABASE} with (force)")
        await connection.execute(f"create database {DATABASE}")
    finally:
        await connection.close()
