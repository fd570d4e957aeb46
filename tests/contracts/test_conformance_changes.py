"""The official clients and ours get from the embedded engine the row changes that they asked for and may see."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
import pytest_asyncio

from harness.clients.client import (
    Binding,
    ChangeReceived,
    ChannelClosed,
    ChannelErrored,
    Client,
    ClientEvent,
    Joined,
    SystemNotice,
)
from harness.tokens import user_id
from tests.contracts.arms import ARMS, Listener, a_client, listening, mark, the_next
from tests.contracts.engine_stack import Engine, an_engine

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    # realtime-py reads an attribute that websockets 15 has deprecated.
    pytest.mark.filterwarnings("ignore:ConnectionClosed:DeprecationWarning"),
]

ROWS = ((1, "eins", 10), (2, "zwei, drei", 20), (3, "日本", 30), (4, None, 40), (5, "Eins", None))
FILTERS = {
    "id=eq.3": {3},
    "title=eq.日本": {3},
    'title=eq."zwei, drei"': {2},
    "id=neq.3": {1, 2, 4, 5},
    "title=neq.eins": {2, 3, 5},
    "words=gt.20": {3, 4},
    "words=gte.20": {2, 3, 4},
    "words=lt.20": {1},
    "words=lte.20": {1, 2},
    "id=in.(1,4)": {1, 4},
    'title=in.("zwei, drei",eins)': {1, 2},
    "title=like.ei%": {1},
    "title=ilike.ei%": {1, 5},
    "title=match.^[a-z]+$": {1},
    "title=is.null": {4},
    "title=not.is.null": {1, 2, 3, 5},
    "words=not.in.(10,20)": {3, 4},
    "words=gt.10,title=like.z%": {2},
}

ODD_ROWS = ((1, 'a "b" \\c (d), e'), (2, " lead"), (3, "lead"), (4, "plain"), (5, ""))
ODD_FILTERS = {
    r'title=eq."a \"b\" \\c (d), e"': {1},
    r'title=neq."a \"b\" \\c (d), e"': {2, 3, 4, 5},
    r'title=in.("a \"b\" \\c (d), e",plain)': {1, 4},
    'title=eq." lead"': {2},
    'title=in.(" lead",plain)': {2, 4},
    "title=eq.": {5},
    "title=isdistinct.plain": {1, 2, 3, 5},
}
"""Written as the filter builder of realtime-js writes such values."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine() -> AsyncIterator[Engine]:
    async with an_engine() as running:
        yield running


@pytest.fixture(scope="module", params=ARMS)
def arm(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(arm: str, engine: Engine) -> AsyncIterator[Client]:
    """Alice's, connected."""
    made = await a_client(arm, engine.url, apikey=engine.token(), token=engine.token("alice"))
    await made.connect()
    await the_next(made)
    yield made
    await made.close()


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def empty(engine: Engine) -> None:
    await engine.sql.execute("delete from articles; delete from owned")


def articles(event: str, filter: str | None = None) -> Binding:
    return Binding(event=event, schema="public", table="articles", filter=filter)


def change(topic: str, action: str, *, record: dict[str, Any], old: dict[str, Any] | None = None) -> ChangeReceived:
    return ChangeReceived(
        topic=topic,
        schema="public",
        table="articles",
        action=action,
        commit_timestamp=None,
        record=record,
        old_record=old or {},
    )


def ids(events: list[ClientEvent]) -> list[int]:
    """Which rows were told; nothing else may be."""
    return [event.record["id"] if isinstance(event, ChangeReceived) else -1 for event in events]


async def test_a_channel_is_subscribed_and_then_ready(client: Client) -> None:
    listener = Listener(client=client, topic="ready")

    await client.subscribe("ready", [articles("*")])

    assert await listener.until(listener.ready) == [Joined(topic="ready"), listener.ready]
    await client.unsubscribe("ready")
    assert await listener.next() == ChannelClosed(topic="ready")


@pytest.mark.parametrize("event", ["INSERT", "UPDATE", "DELETE", "*"])
async def test_a_binding_hears_the_changes_of_its_kind(client: Client, engine: Engine, event: str) -> None:
    everything = [
        change("kind", "INSERT", record={"id": 1, "title": "a", "words": 1}),
        change("kind", "UPDATE", record={"id": 1, "title": "a", "words": 2}, old={"id": 1}),
        change("kind", "DELETE", record={}, old={"id": 1}),
    ]

    async with listening(client, "kind", articles(event)) as listener:
        await engine.sql.execute("insert into articles values (1, 'a', 1)")
        await engine.sql.execute("update articles set words = 2 where id = 1")
        await engine.sql.execute("delete from articles where id = 1")
        told = await listener.until_mark(await mark(engine.sql))

    assert told == [each for each in everything if event in ("*", each.action)]


@pytest.mark.parametrize("filter", FILTERS)
async def test_a_filter_lets_the_rows_through_that_meet_it(client: Client, engine: Engine, filter: str) -> None:
    async with listening(client, "filtered", articles("INSERT", filter)) as listener:
        await engine.sql.executemany("insert into articles values ($1, $2, $3)", ROWS)
        told = await listener.until_mark(await mark(engine.sql))

    assert ids(told) == sorted(FILTERS[filter])


@pytest.mark.parametrize("filter", ODD_FILTERS)
async def test_a_filter_with_a_quoted_value_means_that_value(client: Client, engine: Engine, filter: str) -> None:
    async with listening(client, "quoted", articles("INSERT", filter)) as listener:
        await engine.sql.executemany("insert into articles values ($1, $2)", ODD_ROWS)
        told = await listener.until_mark(await mark(engine.sql))

    assert ids(told) == sorted(ODD_FILTERS[filter])


async def test_a_change_that_meets_several_bindings_is_told_once(client: Client, engine: Engine) -> None:
    bindings = [articles("*"), articles("INSERT"), articles("INSERT", "id=eq.1"), articles("UPDATE")]

    async with listening(client, "overlap", *bindings) as listener:
        await engine.sql.executemany("insert into articles values ($1, $2, $3)", ROWS)
        told = await listener.until_mark(await mark(engine.sql))

    assert ids(told) == [1, 2, 3, 4, 5]


async def test_channels_of_one_socket_hear_what_each_asked_for(client: Client, engine: Engine) -> None:
    last = {("left", 9), ("right", 9)}
    heard: list[tuple[str, int]] = []

    async with (
        listening(client, "left", articles("INSERT", "id=in.(1,9)")),
        listening(client, "right", articles("INSERT", "id=in.(2,9)")),
    ):
        for number in (1, 2, 3, 9):
            await engine.sql.execute("insert into articles values ($1, 'a', 1)", number)
        while not last <= set(heard):
            told = await the_next(client)
            assert isinstance(told, ChangeReceived)
            heard.append((told.topic, told.record["id"]))

    assert heard[:2] == [("left", 1), ("right", 2)]
    assert set(heard[2:]) == last


async def test_everybody_sees_the_rows_that_policies_show_them(arm: str, engine: Engine) -> None:
    rows = [(1, "alice", False), (2, "bob", False), (3, "carol", True), (4, "alice", False), (5, "bob", True)]
    binding = Binding(event="INSERT", schema="public", table="owned")
    seen = {}

    async with AsyncExitStack() as stack:
        people = {}
        for name in ("alice", "bob", None):
            made = await a_client(arm, engine.url, apikey=engine.token(), token=engine.token(name), link=f"{name}")
            stack.push_async_callback(made.close)
            await made.connect()
            people[name] = await stack.enter_async_context(listening(made, "owned", binding))
        for number, owner, public in rows:
            await engine.sql.execute("insert into owned values ($1, $2, $3)", number, user_id(owner), public)
        number = await mark(engine.sql)
        for name, listener in people.items():
            seen[name] = ids(await listener.until_mark(number))

    assert seen == {"alice": [1, 4], "bob": [2, 5], None: [3, 5]}


async def test_a_binding_that_the_server_cannot_serve_is_told(arm: str, client: Client) -> None:
    listener = Listener(client=client, topic="wrong")

    await client.subscribe("wrong", [articles("INSERT", "colour=eq.red")])
    joined, notice = await listener.next(), await listener.next()

    assert joined == Joined(topic="wrong")
    assert isinstance(notice, SystemNotice)
    assert (notice.extension, notice.status) == ("postgres_changes", "error")
    assert notice.message.endswith("Exception: ERROR P0001 (raise_exception) invalid column for filter colour")
    if arm == "py":  # it takes a system error for a broken channel
        assert isinstance(await listener.next(), ChannelErrored)
    await client.unsubscribe("wrong")
    await listener.until(ChannelClosed(topic="wrong"))
