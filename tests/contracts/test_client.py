"""What `clients.client.Client` promises, kept by the native client and by both official ones."""

import asyncio
import importlib.util
import os
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from http import HTTPStatus
from random import Random
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from harness.clients.client import (
    Binding,
    ChangeReceived,
    ChannelClosed,
    ChannelErrored,
    Client,
    ClientEvent,
    Closed,
    Joined,
    Opened,
    Refused,
    SystemNotice,
)
from harness.clients.native import NativeClient
from harness.clients.realtime_js import MODULES as JS_MODULES
from harness.clients.realtime_js import OfficialJsClient, find_node
from harness.clients.realtime_py import OfficialPyClient
from harness.clock import SystemClock
from harness.errors import ClientError, ClientMissing, ConnectRefused
from harness.phoenix.message import Message
from harness.phoenix.serializer import decode, encode

# realtime-py reads an attribute that websockets 15 has deprecated; as an error that would end its reconnecting.
pytestmark = pytest.mark.filterwarnings("ignore:ConnectionClosed:DeprecationWarning")

EVENTS = Binding(event="INSERT", schema="public", table="process_events", filter="process_id=eq.7")
STATE = Binding(event="*", schema="public", table="generated_articles_state")
READY = SystemNotice(topic="process:7", extension="postgres_changes", status="ok", message="Subscribed to PostgreSQL")
COLUMNS = [{"name": "id", "type": "text"}, {"name": "n", "type": "int4"}, {"name": "data", "type": "jsonb"}]
RECORD = {"id": '日本 "x"', "n": 5, "data": {"chunk": "a\n", "z": None, "list": [1, 2.5]}}
PATIENCE_S = 15.0


class ScriptedServer:
    """The least that can be called a Phoenix server: answers joins and leaves, and does what a test tells it."""

    def __init__(self) -> None:
        self.url = ""
        self.queries: list[dict[str, list[str]]] = []
        self.pushed: list[Message] = []
        self.refuse_joins_with: str | None = None
        self._sockets: list[ServerConnection] = []
        self._joined: dict[str, tuple[ServerConnection, str, Any]] = {}

    async def insert(self, topic: str, record: dict[str, Any], *, ids: Sequence[int] = (1,)) -> None:
        """One row of `process_events`, sent on the fast lane."""
        data = {
            "schema": "public",
            "table": "process_events",
            "type": "INSERT",
            "commit_timestamp": "2026-11-24T06:10:14.491Z",
            "columns": COLUMNS,
            "record": record,
            "errors": None,
        }
        await self._send(topic, "postgres_changes", {"data": data, "ids": list(ids)})

    async def end_channel(self, topic: str) -> None:
        _, _, join_ref = self._joined[topic]
        await self._send(topic, "phx_close", {}, join_ref=join_ref, ref=join_ref)

    async def crash_channel(self, topic: str) -> None:
        _, _, join_ref = self._joined[topic]
        await self._send(topic, "phx_error", {"reason": "channel_crash"}, join_ref=join_ref, ref=join_ref)

    async def go_away(self) -> None:
        for socket in self._sockets:
            await socket.close(1012, "restart")

    async def serve(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        query = parse_qs(urlsplit(socket.request.path).query)
        self.queries.append(query)
        self._sockets.append(socket)
        vsn = query.get("vsn", ["1.0.0"])[0]
        async for frame in socket:
            await self._answer(socket, decode(frame, vsn), vsn)

    async def _answer(self, socket: ServerConnection, message: Message, vsn: str) -> None:
        self.pushed.append(message)
        if message.event == "phx_join" and self.refuse_joins_with is not None:
            await self._reply(socket, message, vsn, {"reason": self.refuse_joins_with}, status="error")
        elif message.event == "phx_join":
            await self._join(socket, message, vsn)
        elif message.event in ("phx_leave", "heartbeat"):
            await self._reply(socket, message, vsn, {})

    async def _join(self, socket: ServerConnection, message: Message, vsn: str) -> None:
        topic = message.topic.removeprefix("realtime:")
        self._joined[topic] = (socket, vsn, message.ref)
        asked = message.payload["config"]["postgres_changes"]
        granted = [{**binding, "id": number} for number, binding in enumerate(asked, start=1)]
        await self._reply(socket, message, vsn, {"postgres_changes": granted})
        told = {"extension": "postgres_changes", "status": "ok", "message": "Subscribed to PostgreSQL"}
        await self._send(topic, "system", {**told, "channel": topic}, join_ref=message.ref)

    async def _reply(
        self, socket: ServerConnection, message: Message, vsn: str, response: Any, *, status: str = "ok"
    ) -> None:
        reply = Message(
            join_ref=message.join_ref,
            ref=message.ref,
            topic=message.topic,
            event="phx_reply",
            payload={"status": status, "response": response},
        )
        await socket.send(encode(reply, vsn, join_ref=False))

    async def _send(self, topic: str, event: str, payload: Any, *, join_ref: Any = None, ref: Any = None) -> None:
        socket, vsn, _ = self._joined[topic]
        message = Message(join_ref=join_ref, ref=ref, topic=f"realtime:{topic}", event=event, payload=payload)
        await socket.send(encode(message, vsn, join_ref=False))


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    """The one line to change for another server is `url`."""
    scripted = ScriptedServer()
    async with serve(scripted.serve, "127.0.0.1", 0, compression=None) as listening:
        port = next(iter(listening.sockets)).getsockname()[1]
        scripted.url = f"ws://127.0.0.1:{port}/socket"
        yield scripted


def missing(reason: str) -> None:
    """Skip, or fail where the environment says that every arm must run (CI)."""
    if os.environ.get("HARNESS_NO_SKIP") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


async def a_client(arm: str, url: str) -> Client:
    if arm == "native":
        return NativeClient(url, apikey="key", token="jwt", link="reader", clock=SystemClock(), rng=Random(1))
    if arm == "py":
        if importlib.util.find_spec("realtime") is None:
            missing("the official Python client is not installed")
        return OfficialPyClient(url, apikey="key", token="jwt", link="reader")
    try:
        await find_node(JS_MODULES)
    except ClientMissing as error:
        missing(str(error))
    return OfficialJsClient(url, apikey="key", token="jwt", link="reader")


@pytest.fixture(params=["native", "py", "js"])
async def client(request: pytest.FixtureRequest, server: ScriptedServer) -> AsyncIterator[Client]:
    """Connected, with nothing joined yet and its `Opened` already taken."""
    made = await a_client(request.param, server.url)
    await made.connect()
    assert await the_next(made) == Opened()
    yield made
    await made.close()


@pytest.fixture
async def reader(client: Client) -> Client:
    """Joined to `process:7` with both bindings, and ready."""
    await client.subscribe("process:7", [EVENTS, STATE])
    assert [await the_next(client), await the_next(client)] == [Joined(topic="process:7"), READY]
    return client


async def the_next(client: Client) -> ClientEvent:
    async with asyncio.timeout(PATIENCE_S):
        return await client.next_event()


async def until(client: Client, last: ClientEvent) -> list[ClientEvent]:
    """What happens up to and including `last`."""
    events = [await the_next(client)]
    while events[-1] != last:
        events.append(await the_next(client))
    return events


def without_size(event: ClientEvent) -> ClientEvent:
    return replace(event, bytes=0, ids=()) if isinstance(event, ChangeReceived) else event


def a_change(record: dict[str, Any]) -> ChangeReceived:
    return ChangeReceived(
        topic="process:7",
        schema="public",
        table="process_events",
        action="INSERT",
        commit_timestamp="2026-11-24T06:10:14.491Z",
        record=record,
    )


async def test_the_link_and_the_key_reach_the_server(client: Client, server: ScriptedServer) -> None:
    (query,) = server.queries

    assert (query["link"], query["apikey"]) == (["reader"], ["key"])


async def test_a_join_carries_the_bindings_and_the_token(reader: Client, server: ScriptedServer) -> None:
    (join,) = [message for message in server.pushed if message.event == "phx_join"]

    assert join.topic == "realtime:process:7"
    assert join.payload["config"]["postgres_changes"] == [EVENTS.as_json(), STATE.as_json()]
    assert join.payload["access_token"] == "jwt"


async def test_a_change_arrives_with_the_values_of_the_wire(reader: Client, server: ScriptedServer) -> None:
    await server.insert("process:7", RECORD)

    assert without_size(await the_next(reader)) == a_change(RECORD)


async def test_changes_arrive_in_order(reader: Client, server: ScriptedServer) -> None:
    records = [{"id": str(n), "n": n} for n in range(100)]

    for record in records:
        await server.insert("process:7", record)

    assert [without_size(await the_next(reader)) for _ in records] == [a_change(record) for record in records]


async def test_a_change_for_two_bindings_is_told_once(reader: Client, server: ScriptedServer) -> None:
    await server.insert("process:7", {"n": 1}, ids=[2, 1])
    await server.insert("process:7", {"n": 2}, ids=[1])

    assert [without_size(await the_next(reader)) for _ in range(2)] == [a_change({"n": 1}), a_change({"n": 2})]


async def test_a_change_for_no_binding_is_not_told(reader: Client, server: ScriptedServer) -> None:
    await server.insert("process:7", {"n": 1}, ids=[9])
    await server.insert("process:7", {"n": 2}, ids=[1])

    assert without_size(await the_next(reader)) == a_change({"n": 2})


async def test_a_refused_join_is_told_with_its_reason(client: Client, server: ScriptedServer) -> None:
    server.refuse_joins_with = "PrivateOnly: This project only allows private channels"

    await client.subscribe("process:7", [EVENTS])

    assert await the_next(client) == Refused(topic="process:7", reason=server.refuse_joins_with)


async def test_a_refused_join_is_tried_again(client: Client, server: ScriptedServer) -> None:
    server.refuse_joins_with = "InitializingProjectConnection: Connecting to the project database"
    await client.subscribe("process:7", [EVENTS])
    await the_next(client)

    server.refuse_joins_with = None

    assert await until(client, READY) == [Joined(topic="process:7"), READY]


async def test_a_close_from_the_server_ends_the_channel(reader: Client, server: ScriptedServer) -> None:
    await server.end_channel("process:7")

    assert await the_next(reader) == ChannelClosed(topic="process:7")


async def test_a_crash_of_the_channel_is_told_and_joined_again(reader: Client, server: ScriptedServer) -> None:
    await server.crash_channel("process:7")

    assert await until(reader, READY) == [
        ChannelErrored(topic="process:7", reason="channel_crash"),
        Joined(topic="process:7"),
        READY,
    ]


async def test_leaving_ends_the_channel_and_it_can_be_joined_again(reader: Client) -> None:
    await reader.unsubscribe("process:7")
    left = await the_next(reader)
    await reader.subscribe("process:7", [EVENTS])

    assert left == ChannelClosed(topic="process:7")
    assert await until(reader, READY) == [Joined(topic="process:7"), READY]


async def test_a_dropped_connection_comes_back_with_its_channels(reader: Client, server: ScriptedServer) -> None:
    await reader.drop()
    events = await until(reader, READY)
    await server.insert("process:7", RECORD)

    assert events[0] == Closed(code=1006, reason="", by="client")
    assert [type(event) for event in events[1:]] == [ChannelErrored, Opened, Joined, SystemNotice]
    assert without_size(await the_next(reader)) == a_change(RECORD)


async def test_a_socket_that_the_server_closes_is_told_and_opened_again(reader: Client, server: ScriptedServer) -> None:
    await server.go_away()

    events = await until(reader, READY)

    assert events[0] == Closed(code=1012, reason="restart", by="server")
    assert [type(event) for event in events[1:]] == [ChannelErrored, Opened, Joined, SystemNotice]


async def test_a_new_token_is_told_to_joined_channels_and_used_for_rejoins(
    reader: Client, server: ScriptedServer
) -> None:
    await reader.set_token("newer")
    await reader.drop()
    await until(reader, READY)

    tokens = [message.payload["access_token"] for message in server.pushed if "access_token" in message.payload]
    assert tokens[0] == "jwt"
    assert tokens[-1] == "newer"


async def test_a_topic_is_subscribed_once(reader: Client) -> None:
    with pytest.raises(ClientError, match="process:7 is subscribed to already"):
        await reader.subscribe("process:7", [EVENTS])
    with pytest.raises(ClientError, match="process:8 is not subscribed to"):
        await reader.unsubscribe("process:8")


async def test_after_close_everything_is_told_and_then_nothing_more_comes(reader: Client) -> None:
    await reader.close()
    await reader.close()

    assert await the_next(reader) == ChannelClosed(topic="process:7")
    closed = await the_next(reader)
    assert isinstance(closed, Closed)
    assert closed.by == "client"
    for _ in range(2):
        with pytest.raises(ClientError, match="the client was closed"):
            await the_next(reader)


# realtime-py tries a refused upgrade five times, for 15 s and more.
@pytest.mark.parametrize("arm", ["native", "js"])
async def test_a_refused_upgrade_is_an_error_with_the_words_of_the_server(arm: str) -> None:
    def refuse(connection: ServerConnection, request: Request) -> Response:
        return connection.respond(HTTPStatus.UNAUTHORIZED, '{"error":"Token has expired"}')

    async with serve(ScriptedServer().serve, "127.0.0.1", 0, process_request=refuse) as listening:
        port = next(iter(listening.sockets)).getsockname()[1]
        made = await a_client(arm, f"ws://127.0.0.1:{port}/socket")

        with pytest.raises(ConnectRefused) as refused:
            await made.connect()
        await made.close()

    assert (refused.value.status, refused.value.body) == (401, '{"error":"Token has expired"}')


@pytest.mark.parametrize("arm", ["native", "js"])
async def test_a_server_that_is_not_there_is_an_error(arm: str) -> None:
    async with serve(ScriptedServer().serve, "127.0.0.1", 0) as listening:
        port = next(iter(listening.sockets)).getsockname()[1]
    made = await a_client(arm, f"ws://127.0.0.1:{port}/socket")

    with pytest.raises(ClientError, match="socket"):
        await made.connect()
    await made.close()
