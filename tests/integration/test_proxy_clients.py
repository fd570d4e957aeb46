"""Our client and both official ones reach the embedded engine through the proxy, and faults reach them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from typing import Final

import pytest
import pytest_asyncio

from harness.clients.client import (
    Binding,
    ChangeReceived,
    ChannelErrored,
    Client,
    ClientEvent,
    Closed,
    Joined,
    Opened,
    Refused,
)
from harness.clients.native import NativeClient
from harness.clients.realtime_js import OfficialJsClient
from harness.clock import SystemClock
from harness.errors import ConnectRefused
from harness.faults import BlackHole, Cut, Drop, Duplicate, IdleClose, Offline, ReplyReordered
from harness.faults.fault import Admission, Fate, Frame, FrameFault, Kind
from harness.phoenix.client import HEARTBEAT_TIMEOUT, MISMATCH
from harness.phoenix.connection import Timing
from harness.proxy import FaultProxy
from tests.contracts.arms import ARMS, RETRY_S, Listener, a_client, require, the_next
from tests.contracts.engine_stack import Engine, an_engine

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    # realtime-py reads an attribute that websockets 15 has deprecated; as an error it would end its reconnecting.
    pytest.mark.filterwarnings("ignore:ConnectionClosed:DeprecationWarning"),
]

CLOCK: Final = SystemClock()
EVENTS = Binding(event="INSERT", schema="public", table="process_events", filter="process_id=eq.7")
STATE = Binding(event="*", schema="public", table="articles")
BEAT_S: Final = 0.2


class Seen:
    """A fault as it is; besides it is known how many frames it has done something to."""

    def __init__(self, fault: FrameFault) -> None:
        self.fault = fault
        self.hits = 0
        self.link: str = fault.link
        self.at: float = fault.at
        self.lasts: float | None = fault.lasts
        self.admission: Admission = fault.admission
        self.onset: Fate = fault.onset
        self.bytes_per_s: float | None = fault.bytes_per_s

    def fate(self, frame: Frame, rng: Random) -> Fate:
        fate = self.fault.fate(frame, rng)
        self.hits += fate.kind is not Kind.PASS
        return fate

    async def hit(self) -> None:
        while not self.hits:
            await CLOCK.sleep(0.01)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine() -> AsyncIterator[Engine]:
    async with an_engine() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def proxy(engine: Engine) -> AsyncIterator[FaultProxy]:
    await engine.sql.execute("delete from process_events")
    made = FaultProxy(clock=CLOCK, rng=Random(1))
    yield made
    await made.close()


@pytest.fixture(params=ARMS)
def arm(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def url_of(proxy: FaultProxy, engine: Engine) -> str:
    port = int(engine.url.removesuffix("/socket").rpartition(":")[2])
    return f"ws://127.0.0.1:{await proxy.open_link('reader', ('127.0.0.1', port))}/socket"


@asynccontextmanager
async def open_client(client: Client) -> AsyncIterator[Client]:
    await client.connect()
    try:
        assert await the_next(client) == Opened()
        yield client
    finally:
        await client.close()


@pytest_asyncio.fixture(loop_scope="module")
async def client(arm: str, engine: Engine, proxy: FaultProxy) -> AsyncIterator[Client]:
    url = await url_of(proxy, engine)
    async with open_client(await a_client(arm, url, apikey=engine.token(), token=engine.token("alice"))) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def reader(client: Client) -> Listener:
    return await joined(client)


async def joined(client: Client) -> Listener:
    listener = Listener(client=client, topic="process:7")
    await client.subscribe("process:7", [EVENTS])
    assert await listener.until(listener.ready) == [Joined(topic="process:7"), listener.ready]
    return listener


async def insert(engine: Engine, number: int) -> None:
    await engine.sql.execute("insert into process_events values ($1, 7)", number)


async def the_next_row(reader: Listener) -> int:
    event = await reader.next()
    assert isinstance(event, ChangeReceived)
    assert event.table == "process_events"
    return int(event.record["n"])


async def comes_back(reader: Listener, engine: Engine) -> list[ClientEvent]:
    """What is told until it is ready again, and gets a change."""
    told = await reader.until(reader.ready)
    await insert(engine, 9)
    assert await the_next_row(reader) == 9
    return told


async def test_a_change_arrives_through_the_proxy(reader: Listener, engine: Engine) -> None:
    await insert(engine, 1)

    assert await the_next_row(reader) == 1
    assert engine.sockets() == ["reader"]


async def test_a_change_that_is_dropped_does_not_arrive(reader: Listener, engine: Engine, proxy: FaultProxy) -> None:
    proxy.begin(drop := Seen(Drop(link="reader", event="postgres_changes")))
    await insert(engine, 1)
    await drop.hit()
    proxy.end(drop)

    await insert(engine, 2)

    assert await the_next_row(reader) == 2


async def test_a_change_that_is_duplicated_arrives_twice(reader: Listener, engine: Engine, proxy: FaultProxy) -> None:
    proxy.begin(Duplicate(link="reader"))

    await insert(engine, 1)
    await insert(engine, 2)

    assert [await the_next_row(reader) for _ in range(4)] == [1, 1, 2, 2]


@pytest.mark.parametrize(
    ("fault", "code"), [(Cut(link="reader"), 1006), (IdleClose(link="reader"), 1000), (Offline(link="reader"), 1006)]
)
async def test_a_connection_that_is_ended_is_told_and_comes_back(
    reader: Listener, engine: Engine, proxy: FaultProxy, fault: FrameFault, code: int
) -> None:
    proxy.begin(fault)
    closed = await reader.next()
    proxy.end(fault)

    told = await comes_back(reader, engine)

    assert isinstance(closed, Closed)
    assert (closed.code, closed.by) == (code, "server")
    assert isinstance(told[0], ChannelErrored)
    assert told[-3:] == [Opened(), Joined(topic="process:7"), reader.ready]


async def test_offline_a_client_does_not_come_back(reader: Listener, proxy: FaultProxy, engine: Engine) -> None:
    proxy.begin(Offline(link="reader"))
    told = [await reader.next(), await reader.next()]

    await CLOCK.sleep(RETRY_S * 4)

    assert [type(event) for event in told] == [Closed, ChannelErrored]
    assert engine.sockets() == []


@pytest.mark.parametrize("bindings", [(EVENTS,), (EVENTS, STATE)])
async def test_a_reply_with_the_bindings_in_other_words_is_refused(
    client: Client, proxy: FaultProxy, bindings: tuple[Binding, ...]
) -> None:
    proxy.begin(ReplyReordered(link="reader"))

    await client.subscribe("process:7", bindings)
    told = await the_next(client)
    while not isinstance(told, Refused):
        told = await the_next(client)

    assert told == Refused(topic="process:7", reason=MISMATCH)


# realtime-py misses no heartbeat; its WebSocket pings would notice after 40 s.
@pytest.mark.parametrize("fault", [BlackHole(link="reader"), Drop(link="reader", event="phx_reply", topic="phoenix")])
@pytest.mark.parametrize("beating", ["native", "js"])
async def test_a_heartbeat_that_is_not_answered_is_noticed(
    engine: Engine, proxy: FaultProxy, beating: str, fault: FrameFault
) -> None:
    await require(beating)
    async with open_client(a_beating_client(beating, await url_of(proxy, engine), engine)) as client:
        reader = await joined(client)
        proxy.begin(fault)
        noticed = await reader.next()
        # realtime-js goes on waiting for the answer to its close frame, beside the next socket.
        closed = await reader.next() if beating == "native" else None
        proxy.end(fault)

        back = await comes_back(reader, engine)

    assert isinstance(noticed, ChannelErrored)
    assert closed in (None, Closed(code=1000, reason=HEARTBEAT_TIMEOUT, by="client"))
    assert back[-3:] == [Opened(), Joined(topic="process:7"), reader.ready]


def a_beating_client(arm: str, url: str, engine: Engine) -> Client:
    apikey, token = engine.token(), engine.token("alice")
    if arm == "js":
        return OfficialJsClient(url, apikey=apikey, token=token, link="reader", heartbeat_s=BEAT_S, reconnect_s=RETRY_S)
    timing = Timing(heartbeat_s=BEAT_S, reconnect_delays_s=(RETRY_S,), rejoin_delays_s=(RETRY_S,))
    return NativeClient(url, apikey=apikey, token=token, link="reader", clock=CLOCK, rng=Random(1), timing=timing)


# realtime-py tries a refused upgrade five times, for 15 s and more.
@pytest.mark.parametrize("refusable", ["native", "js"])
async def test_a_refused_upgrade_reaches_the_client_with_its_status(
    engine: Engine, proxy: FaultProxy, refusable: str
) -> None:
    url = await url_of(proxy, engine)
    made = await a_client(refusable, url, apikey=engine.token(ttl=-60.0), token=engine.token("alice"))

    with pytest.raises(ConnectRefused) as refused:
        await made.connect()
    await made.close()

    assert (refused.value.status, refused.value.body) == (401, '{"error":"Token has expired"}')
