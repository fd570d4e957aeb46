"""A proxy between plain clients and plain servers, and what they say to each other."""

import asyncio
import json
import logging
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any, ClassVar

import aiohttp
import pytest
from aiohttp import web
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from harness.clock import SystemClock
from harness.faults.fault import Admission, Fate, Frame
from harness.proxy import FaultProxy

CLOCK = SystemClock()
PATIENCE_S = 10.0
NOTHING_S = 0.15
"""So long nothing must come for us to say that nothing comes."""

UPGRADE = (
    b"GET /socket/websocket?apikey=k HTTP/1.1\r\nHost: example.test:1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
ACCEPTED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nX-Any: 1\r\n\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scripted:
    """A fault of a test: what becomes of a frame is said by its payload."""

    fates: dict[bytes, Fate]
    link: str = "reader"
    at: float = 0.0
    lasts: float | None = None
    admission: ClassVar[Admission] = Admission.PASS
    onset: ClassVar[Fate] = Fate.PASS
    bytes_per_s: ClassVar[float | None] = None

    def fate(self, frame: Frame, rng: Random) -> Fate:
        return self.fates.get(frame.payload, Fate.PASS)


@dataclass(kw_only=True)
class Bench:
    """A proxy, and servers behind it that end with the test."""

    proxy: FaultProxy
    stack: AsyncExitStack
    sockets: list[ServerConnection] = field(default_factory=list)
    received: list[str | bytes] = field(default_factory=list)

    async def echo(self, link: str = "reader") -> ClientConnection:
        """A client of a new server that says what it hears; of both WebSocket by the letter, without own pings."""
        server = await self.stack.enter_async_context(serve(self.serve, "127.0.0.1", 0, ping_interval=None))
        return await self.client(await self.proxy.open_link(link, address(server.sockets)))

    async def client(self, port: int) -> ClientConnection:
        made = connect(f"ws://127.0.0.1:{port}/", proxy=None, ping_interval=None, close_timeout=1.0, open_timeout=5)
        return await self.stack.enter_async_context(made)

    async def streams(self, handler: Callable[..., Awaitable[None]], link: str = "reader") -> int:
        """The port of a link to a server of bytes."""
        server = await asyncio.start_server(handler, "127.0.0.1", 0)
        self.stack.callback(server.close)
        return await self.proxy.open_link(link, address(server.sockets))

    async def web(self, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> str:
        """The URL by which the link reaches a server of HTTP."""
        application = web.Application(client_max_size=0)
        application.router.add_route("*", "/", handler)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        self.stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port = await self.proxy.open_link("reader", ("127.0.0.1", runner.addresses[0][1]))
        return f"http://127.0.0.1:{port}/"

    async def browser(self) -> aiohttp.ClientSession:
        limits = aiohttp.ClientTimeout(total=5.0)
        return await self.stack.enter_async_context(aiohttp.ClientSession(timeout=limits))

    async def serve(self, socket: ServerConnection) -> None:
        """Say what is heard."""
        self.sockets.append(socket)
        with suppress(ConnectionClosed):
            async for message in socket:
                self.received.append(message)
                await socket.send(message)


def reset(writer: asyncio.WriteTransport) -> None:
    """Break the connection so that the other side is told at once, by a reset."""
    sock: socket.socket = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.abort()


def address(sockets: Any) -> tuple[str, int]:
    host, port = next(iter(sockets)).getsockname()[:2]
    return host, port


@asynccontextmanager
async def a_bench(proxy: FaultProxy | None = None) -> AsyncIterator[Bench]:
    async with AsyncExitStack() as stack:
        made = Bench(proxy=proxy or FaultProxy(clock=CLOCK, rng=Random(1)), stack=stack)
        stack.push_async_callback(made.proxy.close)
        yield made
        await made.proxy.close()
        assert [task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("tunnel")] == []


async def heard(client: ClientConnection, count: int = 1) -> list[str | bytes]:
    async with asyncio.timeout(PATIENCE_S):
        return [await client.recv() for _ in range(count)]


async def nothing(client: ClientConnection) -> bool:
    try:
        async with asyncio.timeout(NOTHING_S):
            await client.recv()
    except TimeoutError:
        return True
    return False


async def ended(client: ClientConnection) -> int | None:
    """The close code that the client got, None if the connection broke without one."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                await client.recv()
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else None


async def said(client: ClientConnection, *messages: str | bytes) -> None:
    for message in messages:
        await client.send(message)


def a_change(number: int) -> str:
    return json.dumps([None, None, "realtime:t", "postgres_changes", {"n": number}])


def a_reply(topic: str) -> str:
    return json.dumps(["1", "1", topic, "phx_reply", {"status": "ok", "response": {}}])


async def fetch(browser: aiohttp.ClientSession, url: str) -> str:
    """By a method that aiohttp does not try a second time by itself."""
    async with browser.post(url) as answer:
        return await answer.text()


@contextmanager
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Whatever is done to connections meanwhile: asyncio has nothing to say of it."""
    caplog.set_level(logging.WARNING, logger="asyncio")
    yield
    assert [record.getMessage() for record in caplog.records if record.name == "asyncio"] == []
