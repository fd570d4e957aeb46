"""The official clients and ours on the embedded engine: tokens that are replaced or end, sockets that end."""

from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
import pytest_asyncio

from harness.clients.client import (
    Binding,
    ChangeReceived,
    ChannelClosed,
    ChannelErrored,
    Client,
    Closed,
    Joined,
    Opened,
    Refused,
    SystemNotice,
)
from harness.phoenix.close_codes import ABNORMAL, CLOSE_CODES
from harness.tokens import user_id
from tests.contracts.arms import ARMS, Listener, a_client, listening, mark, the_next
from tests.contracts.engine_stack import Engine, an_engine

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    # realtime-py reads an attribute that websockets 15 has deprecated.
    pytest.mark.filterwarnings("ignore:ConnectionClosed:DeprecationWarning"),
]

OWNED = Binding(event="INSERT", schema="public", table="owned")
RESTART = 1012


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine() -> AsyncIterator[Engine]:
    async with an_engine() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=ARMS)
async def arm(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(arm: str, engine: Engine) -> AsyncIterator[Client]:
    """Alice's, connected."""
    made = await a_client(arm, engine.url, apikey=engine.token(), token=engine.token("alice"), link=arm)
    await made.connect()
    await the_next(made)
    yield made
    await made.close()


async def sees(listener: Listener, engine: Engine, *names: str) -> list[str]:
    """Of one new row for each of these people, whose it is told of."""
    owner_of = {}
    for name in names:
        owner_of[await _insert(engine, name)] = name
    told = await listener.until_mark(await mark(engine.sql))
    return [owner_of[event.record["id"]] for event in told if isinstance(event, ChangeReceived)]


async def _insert(engine: Engine, owner: str) -> int:
    number: int = await engine.sql.fetchval(
        "insert into owned select coalesce(max(id), 0) + 1, $1 from owned returning id", user_id(owner)
    )
    return number


async def test_a_new_token_decides_what_is_seen_from_then_on(client: Client, engine: Engine) -> None:
    async with listening(client, "refresh", OWNED) as listener:
        before = await sees(listener, engine, "alice", "bob")
        await client.set_token(engine.token("bob"))
        await listener.until(listener.ready)
        after = await sees(listener, engine, "alice", "bob")

    await client.set_token(engine.token("alice"))
    assert (before, after) == (["alice"], ["bob"])


async def test_a_channel_ends_with_its_token(arm: str, client: Client, engine: Engine) -> None:
    listener = Listener(client=client, topic="expiry")
    await client.set_token(engine.token("alice", ttl=1.0))

    await client.subscribe("expiry", [OWNED])
    *told, closed = await listener.until(ChannelClosed(topic="expiry"))
    await client.set_token(engine.token("alice"))

    print(told)
    notice = told[2]
    assert isinstance(notice, SystemNotice)


@pytest.mark.parametrize("code", CLOSE_CODES)
async def test_a_client_comes_back_after_every_end_of_its_socket(
    arm: str, client: Client, engine: Engine, code: int
) -> None:
    assert arm in CLOSE_CODES[code].reconnects

    async with listening(client, "back", OWNED) as listener:
        await engine.close_socket(arm, code)
        told = await listener.until(listener.ready)
        seen = await sees(listener, engine, "alice", "bob")

    print(told)
    assert told[0] == Closed(code=code, reason=told[0].reason)
    assert [type(event) for event in told[1:]] == [ChannelErrored, Opened, Joined, SystemNotice]
    assert seen == ["alice"]
