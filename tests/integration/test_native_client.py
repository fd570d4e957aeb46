"""What only our own client promises: heartbeats that notice a dead link, and patience with refusals."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from http import HTTPStatus
from random import Random

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from harness.clients.client import Binding, ChangeReceived, ChannelErrored, Closed, Joined, Opened
from harness.clients.native import NativeClient
from harness.clock import ScaledClock, SystemClock
from harness.errors import ClientError
from harness.phoenix.connection import Timing
from harness.phoenix.message import Message
from harness.phoenix.serializer import V1, V2, decode, encode

BINDING = Binding(event="*", schema="public", table="t")
Handler = Callable[[ServerConnection], Awaitable[None]]


def a_client(port: int, *, vsn: str = V2, timing: Timing | None = None) -> NativeClient:
    url = f"ws://127.0.0.1:{port}/socket"
    return NativeClient(url, apikey="k", token=None, clock=SystemClock(), rng=Random(1), vsn=vsn, timing=timing)


@asynccontextmanager
async def a_server(handler: Handler, refuse: Callable[[], bool] = lambda: False, port: int = 0) -> AsyncIterator[int]:
    def gate(connection: ServerConnection, request: Request) -> Response | None:
        return connection.respond(HTTPStatus.TOO_MANY_REQUESTS, "too many") if refuse() else None

    async with serve(handler, "127.0.0.1", port, process_request=gate, compression=None) as listening:
        yield next(iter(listening.sockets)).getsockname()[1]


async def joins_only(socket: ServerConnection, vsn: str = V2) -> None:
    """Answers joins and nothing else, heartbeats least of all."""
    async for frame in socket:
        asked = decode(frame, vsn)
        if asked.event == "phx_join":
            granted = [{**BINDING.as_json(), "id": 1}]
            payload = {"status": "ok", "response": {"postgres_changes": granted}}
            reply = Message(
                join_ref=asked.join_ref, ref=asked.ref, topic=asked.topic, event="phx_reply", payload=payload
            )
            await socket.send(encode(reply, vsn, join_ref=False))


async def test_a_socket_that_answers_no_heartbeat_is_given_up_and_opened_again() -> None:
    async with a_server(joins_only) as port:
        client = a_client(port, timing=Timing(heartbeat_s=0.1, reconnect_delays_s=(0.05,)))
        await client.connect()
        await client.subscribe("topic", [BINDING])

        events = [await client.next_event() for _ in range(6)]
        await client.close()

    assert events == [
        Opened(),
        Joined(topic="topic"),
        ChannelErrored(topic="topic", reason="heartbeat timeout"),
        Closed(code=1000, reason="heartbeat timeout", by="client"),
        Opened(),
        Joined(topic="topic"),
    ]


async def test_a_refused_reconnect_is_told_and_tried_again() -> None:
    answers = iter([False, True, True, False])
    async with a_server(joins_only, refuse=lambda: next(answers)) as port:
        client = a_client(port, timing=Timing(reconnect_delays_s=(0.02,)))
        await client.connect()
        await client.drop()

        events = [await client.next_event() for _ in range(5)]
        await client.close()

    refused = Closed(code=1006, reason="the server refused the socket with HTTP 429: too many", by="server")
    assert events == [Opened(), Closed(code=1006, reason="", by="client"), refused, refused, Opened()]


async def test_a_server_that_is_away_for_a_while_is_found_again() -> None:
    timing = Timing(reconnect_delays_s=(0.05,))
    async with a_server(joins_only) as port:
        client = a_client(port, timing=timing)
        await client.connect()
        assert await client.next_event() == Opened()
    closed, failed = await client.next_event(), await client.next_event()

    async with a_server(joins_only, port=port):
        while await client.next_event() != Opened():
            pass
        await client.close()

    assert closed == Closed(code=1001, reason="", by="server")
    assert isinstance(failed, Closed)
    assert failed.code == 1006


async def test_closing_while_there_is_no_server_takes_no_time() -> None:
    async with a_server(joins_only) as port:
        client = a_client(port, timing=Timing(reconnect_delays_s=(600.0,), jitter=0.0))
        await client.connect()
    while not isinstance(await client.next_event(), Closed):
        pass

    async with asyncio.timeout(1.0):
        await client.close()

    with pytest.raises(ClientError, match="the client was closed"):
        await client.next_event()


async def test_a_client_that_never_connected_can_be_closed() -> None:
    client = a_client(1)

    await client.close()

    with pytest.raises(ClientError, match="the client was closed"):
        await client.next_event()


@pytest.mark.parametrize("vsn", [V1, V2])
async def test_a_change_of_four_megabytes_arrives_whole_with_its_size(vsn: str) -> None:
    text = "é" * 2_000_000
    sizes: list[int] = []

    async def one_big_change(socket: ServerConnection) -> None:
        reader = asyncio.create_task(joins_only(socket, vsn))
        data = {"schema": "public", "table": "t", "type": "INSERT", "record": {"text": text}}
        change = Message(topic="realtime:topic", event="postgres_changes", payload={"data": data, "ids": [1]})
        frame = encode(change, vsn, join_ref=False)
        sizes.append(len(frame.encode()))
        await joined.wait()
        await socket.send(frame)
        await reader

    joined = asyncio.Event()
    async with a_server(one_big_change) as port:
        client = a_client(port, vsn=vsn)
        await client.connect()
        await client.subscribe("topic", [BINDING])
        assert [await client.next_event(), await client.next_event()] == [Opened(), Joined(topic="topic")]

        joined.set()
        change = await client.next_event()
        await client.close()

    assert isinstance(change, ChangeReceived)
    assert (change.record, [change.bytes]) == ({"text": text}, sizes)


async def test_frames_that_were_for_nobody_are_counted() -> None:
    async def confused(socket: ServerConnection) -> None:
        await socket.send("hello")
        await socket.send(b"\x04\x00")
        await socket.close(1011)

    async with a_server(confused) as port:
        client = a_client(port, timing=Timing(reconnect_delays_s=(600.0,), jitter=0.0))
        await client.connect()
        while not isinstance(await client.next_event(), Closed):
            pass
        await client.close()

    assert sum(client.ignored.values()) == 2


@contextmanager
def a_deaf_server() -> Iterator[int]:
    """Takes connections and never says a word, as a link that has become a black hole."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


@pytest.mark.parametrize(
    ("factor", "timeout_s", "real_s"),
    [(1.0, 0.3, 0.3), (10.0, 13.0, 1.3), (1000.0, 13.0, 1.0)],
    ids=["in its time", "hurried", "not hurried below what a handshake takes"],
)
async def test_a_socket_that_nobody_opens_is_given_up_in_time(factor: float, timeout_s: float, real_s: float) -> None:
    with a_deaf_server() as port:
        client = NativeClient(
            f"ws://127.0.0.1:{port}/socket",
            apikey="k",
            token=None,
            clock=ScaledClock(SystemClock(), factor),
            rng=Random(1),
            timing=Timing(open_timeout_s=timeout_s),
        )
        begun = SystemClock().now()
        with pytest.raises(ClientError, match="no socket at"):
            await client.connect()
        took = SystemClock().now() - begun
        await client.close()

    assert real_s <= took < real_s + 0.8
