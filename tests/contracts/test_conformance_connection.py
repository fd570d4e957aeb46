"""The official clients and ours on the embedded engine: tokens that are replaced or end, sockets that end."""

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

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
    SystemNotice,
)
from harness.phoenix.close_codes import CLOSE_CODES
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
SHORT_S = 2.2
"""A token ends with a whole second: this one in 1.2 s to 2.2 s."""


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


async def test_a_channel_ends_with_its_token_unless_it_gets_another_in_time(
    arm: str, client: Client, engine: Engine
) -> None:
    careless = await a_client(arm, engine.url, apikey=engine.token(), token=engine.token("alice"), link="careless")
    await careless.connect()
    short = engine.token("alice", ttl=SHORT_S)
    for each in (careless, client):
        await each.set_token(short)
    await careless.subscribe("expiry", [OWNED])

    async with listening(client, "expiry", OWNED) as listener:
        await client.set_token(engine.token("alice"))
        await listener.until(listener.ready)
        ended = await Listener(client=careless, topic="expiry").until(ChannelClosed(topic="expiry"))
        seen = await sees(listener, engine, "alice", "bob")

    await careless.close()
    assert seen == ["alice"]
    assert [_about_expiry(event) for event in ended] == [
        Opened(),
        Joined(topic="expiry"),
        listener.ready,
        "the token has expired",
        *(["broken by it"] if arm == "py" else []),  # it takes a system error for a broken channel
        ChannelClosed(topic="expiry"),
    ]


def _about_expiry(event: ClientEvent) -> ClientEvent | str:
    words = re.compile(r"Token has expired \d seconds ago")
    match event:
        case SystemNotice(extension="system", status="error") if words.fullmatch(event.message):
            return "the token has expired"
        case ChannelErrored() if words.fullmatch(event.reason):
            return "broken by it"
    return event


@pytest.mark.parametrize("code", CLOSE_CODES)
async def test_a_client_comes_back_after_every_end_of_its_socket(
    arm: str, client: Client, engine: Engine, code: int
) -> None:
    assert arm in CLOSE_CODES[code].reconnects

    async with listening(client, "back", OWNED) as listener:
        await engine.close_socket(arm, code)
        closed, errored, *back = await listener.until(listener.ready)
        seen = await sees(listener, engine, "alice", "bob")

    assert closed == Closed(code=code)
    assert isinstance(errored, ChannelErrored)
    assert back == [Opened(), Joined(topic="back"), listener.ready]
    assert seen == ["alice"]


async def test_a_change_of_the_settings_ends_the_socket_and_says_so(arm: str, client: Client, engine: Engine) -> None:
    notice = SystemNotice(topic="settings", extension="system", status="ok", message="Server requested disconnect")

    async with listening(client, "settings", OWNED) as listener:
        await engine.alter(jwt_jwks={"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": arm}]})
        *told, errored, opened, joined, _ = await listener.until(listener.ready)
        seen = await sees(listener, engine, "alice", "bob")

    # realtime-py drops the notice, as it has no channel (realtime-facts 7.2).
    assert told == [*([] if arm == "py" else [notice]), Closed(code=RESTART)]
    assert isinstance(errored, ChannelErrored)
    assert (opened, joined) == (Opened(), Joined(topic="settings"))
    assert seen == ["alice"]
