"""What `clients.client.Client` promises, kept by the native client and both official ones on the embedded engine."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
from websockets.asyncio.server import serve

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
from harness.errors import ClientError, ConnectRefused
from harness.phoenix.client import MISMATCH
from harness.tokens import user_id
from tests.contracts.arms import ARMS, Listener, a_client, the_next
from tests.contracts.engine_stack import Engine, an_engine
from tests.contracts.scripted_server import ScriptedServer, a_scripted_server

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    # realtime-py reads an attribute that websockets 15 has deprecated; as an error it would end its reconnecting.
    pytest.mark.filterwarnings("ignore:ConnectionClosed:DeprecationWarning"),
]

EVENTS = Binding(event="INSERT", schema="public", table="process_events", filter="process_id=eq.7")
STATE = Binding(event="*", schema="public", table="articles")
OWNED = Binding(event="INSERT", schema="public", table="owned")
READY = SystemNotice(topic="process:7", extension="postgres_changes", status="ok", message="Subscribed to PostgreSQL")
DATA = {"chunk": "a\n", "z": None, "list": [1, 2.5], "deep": {"日本": "x"}}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine() -> AsyncIterator[Engine]:
    async with an_engine() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def scripted() -> AsyncIterator[ScriptedServer]:
    async with a_scripted_server() as running:
        yield running


@pytest.fixture(params=ARMS)
def arm(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@asynccontextmanager
async def connected(arm: str, url: str, engine: Engine) -> AsyncIterator[Client]:
    """Alice's, with nothing joined yet and its `Opened` already taken."""
    made = await a_client(arm, url, apikey=engine.token(), token=engine.token("alice"))
    await made.connect()
    assert await the_next(made) == Opened()
    yield made
    await made.close()


@pytest_asyncio.fixture(loop_scope="module")
async def client(arm: str, engine: Engine) -> AsyncIterator[Client]:
    await engine.sql.execute("delete from process_events; delete from owned")
    async with connected(arm, engine.url, engine) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def reader(client: Client) -> Listener:
    """Joined to `process:7` with two bindings, and ready."""
    return await joined(client, EVENTS, STATE)


@pytest_asyncio.fixture(loop_scope="module")
async def scripted_reader(arm: str, scripted: ScriptedServer, engine: Engine) -> AsyncIterator[Listener]:
    """The same on the scripted server."""
    async with connected(arm, scripted.url, engine) as made:
        yield await joined(made, EVENTS, STATE)


async def joined(client: Client, *bindings: Binding) -> Listener:
    listener = Listener(client=client, topic="process:7")
    await client.subscribe("process:7", bindings)
    assert await listener.until(READY) == [Joined(topic="process:7"), READY]
    return listener


def a_change(table: str, record: dict[str, Any]) -> ChangeReceived:
    return ChangeReceived(
        topic="process:7", schema="public", table=table, action="INSERT", commit_timestamp=None, record=record
    )


async def insert(engine: Engine, *numbers: int) -> None:
    await engine.sql.executemany("insert into process_events values ($1, 7)", [(number,) for number in numbers])


def inserted(number: int) -> ChangeReceived:
    return a_change("process_events", {"n": number, "process_id": 7, "title": None, "data": None})


async def test_the_link_reaches_the_server(client: Client, engine: Engine) -> None:
    assert engine.sockets() == ["reader"]


async def test_a_join_carries_the_bindings_and_the_token(arm: str, client: Client, engine: Engine) -> None:
    person = f"reader by {arm}"
    await client.set_token(engine.token(person))

    await joined(client, EVENTS, STATE)

    rows = await engine.sql.fetch(
        "select entity::text, action_filter, filters::text from realtime.subscription where claims ->> 'sub' = $1"
        " order by 1",
        str(user_id(person)),
    )
    assert [tuple(row) for row in rows] == [
        ("articles", "*", "{}"),
        ("process_events", "INSERT", '{"(process_id,eq,7,f)"}'),
    ]


async def test_a_change_arrives_with_the_values_of_the_row(reader: Listener, engine: Engine) -> None:
    await engine.sql.execute("insert into process_events values (5, 7, '日本 \"x\"', $1)", json.dumps(DATA))

    event = await the_next(reader.client)

    assert isinstance(event, ChangeReceived)
    assert event.commit_timestamp is not None
    assert replace(event, commit_timestamp=None, bytes=0, ids=(), handlers=()) == a_change(
        "process_events", {"n": 5, "process_id": 7, "title": '日本 "x"', "data": DATA}
    )


async def test_changes_arrive_in_order(reader: Listener, engine: Engine) -> None:
    await insert(engine, *range(100))

    assert [await reader.next() for _ in range(100)] == [inserted(number) for number in range(100)]


async def test_a_change_for_two_bindings_is_told_once(scripted_reader: Listener, scripted: ScriptedServer) -> None:
    await scripted.insert("process:7", {"n": 1}, ids=[2, 1])
    await scripted.insert("process:7", {"n": 2}, ids=[1])

    told = [await scripted_reader.next() for _ in range(2)]

    assert told == [a_change("process_events", {"n": 1}), a_change("process_events", {"n": 2})]


async def test_a_change_for_no_binding_is_not_told(scripted_reader: Listener, scripted: ScriptedServer) -> None:
    await scripted.insert("process:7", {"n": 1}, ids=[9])
    await scripted.insert("process:7", {"n": 2}, ids=[1])

    assert await scripted_reader.next() == a_change("process_events", {"n": 2})


async def test_a_reply_with_other_bindings_is_a_refusal(arm: str, scripted: ScriptedServer, engine: Engine) -> None:
    scripted.grant = {"filter": "process_id=eq.8"}

    told: list[ClientEvent] = []
    async with connected(arm, scripted.url, engine) as client:
        await client.subscribe("process:7", [EVENTS])
        while len(told) < 2:
            event = await the_next(client)
            told += [] if isinstance(event, SystemNotice) else [event]

    end = [Refused(topic="process:7", reason=MISMATCH), ChannelClosed(topic="process:7")]
    assert told == (end[::-1] if arm == "js" else end)  # realtime-js leaves first, and then says why


async def test_a_refused_join_is_told_with_its_reason(arm: str, engine: Engine) -> None:
    await engine.alter(private_only=True)
    try:
        async with connected(arm, engine.url, engine) as client:
            await client.subscribe("process:7", [EVENTS])
            told = await the_next(client)
    finally:
        await engine.alter(private_only=False)

    assert told == Refused(topic="process:7", reason="PrivateOnly: This project only allows private channels")


async def test_a_refused_join_is_tried_again_with_the_newest_token(client: Client, engine: Engine) -> None:
    await client.set_token(engine.token("alice", ttl=-60.0))
    await client.subscribe("process:7", [EVENTS])
    refused = await the_next(client)

    await client.set_token(engine.token("alice"))
    told = await Listener(client=client, topic="process:7").until(READY)

    assert isinstance(refused, Refused)
    assert refused.reason.startswith("InvalidJWTToken: Token has expired")
    assert told[-2:] == [Joined(topic="process:7"), READY]


async def test_a_close_from_the_server_ends_the_channel(arm: str, reader: Listener) -> None:
    words = "The token provided is not a valid JWT"
    await reader.client.set_token("rubbish")

    told = await reader.until(ChannelClosed(topic="process:7"))

    assert told == [
        SystemNotice(topic="process:7", extension="system", status="error", message=words),
        # realtime-py takes a system error for a broken channel.
        *([ChannelErrored(topic="process:7", reason=words)] if arm == "py" else []),
        ChannelClosed(topic="process:7"),
    ]


async def test_a_crash_of_the_channel_is_told_and_joined_again(reader: Listener, engine: Engine) -> None:
    engine.crash_channels("reader")

    assert await reader.until(READY) == [
        ChannelErrored(topic="process:7", reason="channel_crash"),
        Joined(topic="process:7"),
        READY,
    ]


async def test_leaving_ends_the_channel_and_it_can_be_joined_again(reader: Listener) -> None:
    await reader.client.unsubscribe("process:7")
    left = await reader.next()
    await reader.client.subscribe("process:7", [EVENTS])

    assert left == ChannelClosed(topic="process:7")
    assert await reader.until(READY) == [Joined(topic="process:7"), READY]


async def test_a_dropped_connection_comes_back_with_its_channels(reader: Listener, engine: Engine) -> None:
    await reader.client.drop()
    closed, errored, *back = await reader.until(READY)
    await insert(engine, 1)

    assert closed == Closed(code=1006, reason="", by="client")
    assert isinstance(errored, ChannelErrored)
    assert back == [Opened(), Joined(topic="process:7"), READY]
    assert await reader.next() == inserted(1)


async def test_a_socket_that_the_server_closes_is_told_and_opened_again(reader: Listener, engine: Engine) -> None:
    await engine.close_socket("reader", 1012)

    closed, errored, *back = await reader.until(READY)

    assert closed == Closed(code=1012, reason="", by="server")
    assert isinstance(errored, ChannelErrored)
    assert back == [Opened(), Joined(topic="process:7"), READY]


async def test_a_new_token_is_told_to_joined_channels_and_used_for_rejoins(client: Client, engine: Engine) -> None:
    rows = [(1, "alice"), (2, "bob")]
    reader = await joined(client, OWNED)

    await client.set_token(engine.token("bob"))
    await reader.until(READY)  # the server says so once more with the new token
    await client.drop()
    await reader.until(READY)
    for number, owner in rows:
        await engine.sql.execute("insert into owned values ($1, $2)", number, user_id(owner))

    assert await reader.next() == a_change("owned", {"id": 2, "owner": str(user_id("bob")), "public": False})


async def test_a_topic_is_subscribed_once(reader: Listener) -> None:
    with pytest.raises(ClientError, match="process:7 is subscribed to already"):
        await reader.client.subscribe("process:7", [EVENTS])
    with pytest.raises(ClientError, match="process:8 is not subscribed to"):
        await reader.client.unsubscribe("process:8")


async def test_after_close_everything_is_told_and_then_nothing_more_comes(reader: Listener) -> None:
    await reader.client.close()
    await reader.client.close()

    assert await reader.next() == ChannelClosed(topic="process:7")
    closed = await reader.next()
    assert isinstance(closed, Closed)
    assert closed.by == "client"
    for _ in range(2):
        with pytest.raises(ClientError, match="the client was closed"):
            await reader.next()


# realtime-py tries a refused upgrade five times, for 15 s and more.
@pytest.mark.parametrize("arm", ["native", "js"])
async def test_a_refused_upgrade_is_an_error_with_the_words_of_the_server(arm: str, engine: Engine) -> None:
    made = await a_client(arm, engine.url, apikey=engine.token(ttl=-60.0), token=engine.token("alice"))

    with pytest.raises(ConnectRefused) as refused:
        await made.connect()
    await made.close()

    assert (refused.value.status, refused.value.body) == (401, '{"error":"Token has expired"}')


@pytest.mark.parametrize("arm", ["native", "js"])
async def test_a_server_that_is_not_there_is_an_error(arm: str) -> None:
    async with serve(ScriptedServer().serve, "127.0.0.1", 0) as listening:
        port = next(iter(listening.sockets)).getsockname()[1]
    made = await a_client(arm, f"ws://127.0.0.1:{port}/socket", apikey="key", token="jwt")

    with pytest.raises(ClientError, match="socket"):
        await made.connect()
    await made.close()
