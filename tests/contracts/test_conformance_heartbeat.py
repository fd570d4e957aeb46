"""A client that nobody talks to stays connected to the embedded engine: it beats in time."""

import asyncio
import selectors
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from random import Random
from threading import Thread
from typing import Any, Final

import pytest
import pytest_asyncio
from websockets.asyncio.client import connect

from harness.clients.client import Binding, Client, Joined, Opened
from harness.clients.native import NativeClient
from harness.clients.realtime_js import OfficialJsClient
from harness.clients.realtime_py import OfficialPyClient
from harness.clock import SystemClock
from harness.phoenix.close_codes import NORMAL
from harness.phoenix.connection import Timing
from tests.contracts.arms import ARMS, PATIENCE_S, Listener, mark, require
from tests.contracts.engine_stack import Engine, an_engine

pytestmark = pytest.mark.asyncio(loop_scope="module")

IDLE_S: Final = 1.0
BEAT_S: Final = 0.25
HURRY: Final = 30.0
"""realtime-py beats every 15 s, whatever it is told, and pings every 20 s: its time passes so much faster."""

Do = Callable[[Coroutine[Any, Any, Any]], Awaitable[Any]]
"""Does something with a client, on the loop that is the client's."""


class _HurriedSelector(selectors.DefaultSelector):
    """Waits for a fraction of the time."""

    times = 1.0

    def select(self, timeout: float | None = None) -> Any:
        return super().select(None if timeout is None else timeout / self.times)


class HurriedLoop(asyncio.SelectorEventLoop):
    """A loop whose time passes as that of the others until `hurry` is called."""

    def __init__(self) -> None:
        self._hurried = _HurriedSelector()
        self._begun = self._at = 0.0
        super().__init__(self._hurried)

    def time(self) -> float:
        return self._at + (super().time() - self._begun) * self._hurried.times

    def hurry(self, times: float) -> None:
        self._at, self._begun = self.time(), super().time()
        self._hurried.times = times


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine() -> AsyncIterator[Engine]:
    async with an_engine(idle_timeout_s=IDLE_S) as running:
        yield running


@pytest.fixture
def loop() -> Any:
    """A loop of its own in a thread of its own."""
    made = HurriedLoop()
    thread = Thread(target=made.run_forever)
    thread.start()
    yield made
    made.call_soon_threadsafe(made.stop)
    thread.join(PATIENCE_S)
    made.close()


def a_beating_client(arm: str, engine: Engine) -> Client:
    key, token = engine.token(), engine.token("alice")
    if arm == "py":
        return OfficialPyClient(engine.url, apikey=key, token=token, link=arm)
    if arm == "js":
        return OfficialJsClient(engine.url, apikey=key, token=token, link=arm, heartbeat_s=BEAT_S)
    timing, clock, rng = Timing(heartbeat_s=BEAT_S), SystemClock(), Random(1)
    return NativeClient(engine.url, apikey=key, token=token, link=arm, clock=clock, rng=rng, timing=timing)


@pytest.mark.parametrize("arm", ARMS)
async def test_a_client_that_beats_outlives_one_that_does_not(arm: str, engine: Engine, loop: HurriedLoop) -> None:
    await require(arm)

    def do(work: Coroutine[Any, Any, Any]) -> Awaitable[Any]:
        return asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, loop)) if arm == "py" else work

    async def make() -> Client:
        return a_beating_client(arm, engine)

    client = await do(make())
    await do(client.connect())
    listener = Listener(client=client, topic="quiet")
    await do(client.subscribe("quiet", [Binding(event="INSERT", schema="public", table="marks")]))
    told = await do(listener.until(listener.ready))
    loop.call_soon_threadsafe(loop.hurry, HURRY)

    async with connect(f"{engine.url}/websocket?apikey={engine.token()}&vsn=2.0.0", ping_interval=None) as mute:
        await asyncio.wait_for(mute.wait_closed(), PATIENCE_S)
    loop.call_soon_threadsafe(loop.hurry, 1.0)
    told_since = await do(listener.until_mark(await mark(engine.sql)))
    await do(client.close())

    assert mute.close_code == NORMAL
    assert told == [Opened(), Joined(topic="quiet"), listener.ready]
    assert told_since == []
