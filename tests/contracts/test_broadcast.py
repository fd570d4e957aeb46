"""Broadcasts as both official clients see them on our server: self, ack, private channels, HTTP, the database."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest
import pytest_asyncio

from harness.backends.cluster import Cluster, start_cluster
from harness.clients.realtime_js import MODULES, find_node
from tests.contracts.arms import require
from tests.integration.broadcast_stack import Stack, a_stack

# realtime-py reads an attribute that websockets 15 has deprecated.
pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.filterwarnings("ignore:ConnectionClosed:DeprecationWarning"),
]

SCRIPT = Path(__file__).with_name("official_broadcast.mjs")
PATIENCE_S = 15.0
POLICIES = """
create policy r on realtime.messages for select to authenticated using (realtime.topic() like 'proc:%');
create policy w on realtime.messages for insert to authenticated with check (realtime.topic() like 'proc:%');
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cluster() -> AsyncIterator[Cluster]:
    async with await start_cluster() as running:
        yield running


class Speaker(Protocol):
    """Somebody in a channel, by way of an official client."""

    told: asyncio.Queue[Any]

    async def join(self, topic: str, config: dict[str, Any]) -> None: ...

    async def send(self, event: str, payload: dict[str, Any]) -> None: ...

    async def end(self) -> None: ...


class JsSpeaker:
    def __init__(self, child: asyncio.subprocess.Process) -> None:
        self.told: asyncio.Queue[Any] = asyncio.Queue()
        self._child = child
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, stack: Stack, role: str) -> "JsSpeaker":
        node = await find_node(MODULES)
        pipe = asyncio.subprocess.PIPE
        root = f"ws://127.0.0.1:{stack.port}/socket"
        arguments = (str(SCRIPT), str(MODULES), root, stack.token("anon"), stack.token(role))
        return cls(await asyncio.create_subprocess_exec(node, *arguments, stdin=pipe, stdout=pipe))

    async def join(self, topic: str, config: dict[str, Any]) -> None:
        self.say(do="join", topic=topic, config=config)

    async def send(self, event: str, payload: dict[str, Any]) -> None:
        self.say(do="send", event=event, payload=payload)

    async def end(self) -> None:
        assert self._child.stdin is not None
        self._child.stdin.close()
        await self._child.wait()
        await self._reading

    def say(self, **command: Any) -> None:
        assert self._child.stdin is not None
        self._child.stdin.write(f"{json.dumps(command)}\n".encode())

    async def _read(self) -> None:
        assert self._child.stdout is not None
        async for line in self._child.stdout:
            self.told.put_nowait(tuple(json.loads(line)))


class PySpeaker:
    def __init__(self, stack: Stack, role: str) -> None:
        from realtime import AsyncRealtimeClient

        self.told: asyncio.Queue[Any] = asyncio.Queue()
        self._token = stack.token(role)
        self._client = AsyncRealtimeClient(f"ws://127.0.0.1:{stack.port}/socket", stack.token("anon"))
        self._channel: Any = None

    @classmethod
    async def start(cls, stack: Stack, role: str) -> "PySpeaker":
        speaker = cls(stack, role)
        await speaker._client.connect()
        await speaker._client.set_auth(speaker._token)
        return speaker

    async def join(self, topic: str, config: dict[str, Any]) -> None:
        options: Any = {"config": {"presence": None, "broadcast": None, "private": False, **config}}
        self._channel = self._client.channel(topic, options)
        self._channel.on_broadcast("*", self._hear)
        for event in ("shout", "from_sql"):
            self._channel.on_broadcast(event, self._hear)
        await self._channel.subscribe(self._told)

    async def send(self, event: str, payload: dict[str, Any]) -> None:
        await self._channel.send_broadcast(event, payload)

    async def end(self) -> None:
        await self._client.close()

    def _hear(self, message: Any) -> None:
        self.told.put_nowait(("heard", message["event"], message["payload"], message.get("meta")))

    def _told(self, status: Any, error: Exception | None) -> None:
        if status.value == "SUBSCRIBED":
            self.told.put_nowait(("subscribed",))
        if status.value == "CHANNEL_ERROR":
            self.told.put_nowait(("refused", None if error is None else str(error)))


@asynccontextmanager
async def a_speaker(arm: str, stack: Stack, role: str = "authenticated") -> AsyncIterator[Speaker]:
    await require(arm)
    speaker: Speaker = await (PySpeaker if arm == "py" else JsSpeaker).start(stack, role)
    try:
        yield speaker
    finally:
        await speaker.end()


async def told(speaker: Speaker) -> Any:
    return await asyncio.wait_for(speaker.told.get(), PATIENCE_S)


async def told_of(speaker: Speaker, what: str) -> Any:
    while (last := await told(speaker))[0] != what:
        pass
    return last


BOTH = pytest.mark.parametrize("arm", ["js", "py"])


@BOTH
async def test_a_broadcast_reaches_others_and_oneself(cluster: Cluster, arm: str) -> None:
    config = {"broadcast": {"self": True, "ack": True}}
    async with a_stack(cluster) as stack, a_speaker(arm, stack) as one, a_speaker(arm, stack) as other:
        for speaker in (one, other):
            await speaker.join("room", config)
            assert await told(speaker) == ("subscribed",)

        await one.send("shout", {"a": 1.5, "b": "ü"})

        heard = ("heard", "shout", {"a": 1.5, "b": "ü"}, None)
        assert await told_of(one, "heard") == heard
        assert await told_of(other, "heard") == heard


@BOTH
async def test_a_private_channel_is_open_to_those_a_policy_lets_in(cluster: Cluster, arm: str) -> None:
    config = {"private": True, "broadcast": {"self": True, "ack": False}}
    async with a_stack(cluster, migration=POLICIES) as stack, a_speaker(arm, stack) as one:
        await one.join("proc:1", config)
        assert await told(one) == ("subscribed",)
        await one.send("shout", {"a": 1})
        assert await told_of(one, "heard") == ("heard", "shout", {"a": 1}, None)

        async with a_speaker(arm, stack, role="anon") as stranger:
            await stranger.join("proc:1", config)
            what, words = await told(stranger)
            assert what == "refused"
            assert "You do not have permissions to read from this Channel topic: proc:1" in (words or "")


@BOTH
async def test_a_broadcast_from_the_database_is_heard(cluster: Cluster, arm: str) -> None:
    async with a_stack(cluster, migration=POLICIES) as stack, a_speaker(arm, stack) as one:
        await one.join("proc:1", {"private": True, "broadcast": {"self": False, "ack": False}})
        assert await told(one) == ("subscribed",)
        await stack.streaming()

        await stack.sql.execute("""select realtime.send('{"a": 1, "id": "x"}', 'from_sql', 'proc:1')""")

        _, event, payload, meta = await told_of(one, "heard")
        assert (event, payload) == ("from_sql", {"a": 1, "id": "x"})
        assert arm == "py" or len(meta["id"]) == 36


async def test_the_javascript_client_sends_bytes_and_sends_over_http(cluster: Cluster) -> None:
    config = {"broadcast": {"self": True, "ack": True}}
    async with a_stack(cluster) as stack, a_speaker("js", stack) as one:
        assert isinstance(one, JsSpeaker)
        await one.join("room:a", config)
        assert await told(one) == ("subscribed",)

        one.say(do="bytes", event="shout", hex="00ff10")
        one.say(do="http", event="shout", payload={"h": 1})
        heard = [await told(one) for _ in range(4)]

        assert ["heard", "shout", {"hex": "00ff10"}, None] in [list(each) for each in heard]
        assert ["heard", "shout", {"h": 1}, None] in [list(each) for each in heard]
        assert [each for each in heard if each[0] == "sent"] == [("sent", "ok"), ("sent", "ok")]
