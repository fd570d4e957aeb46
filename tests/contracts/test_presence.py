"""Presence as both official clients see it on our server: the state, joins and leaves of others and of oneself."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest

from harness.clients.realtime_js import MODULES, find_node
from harness.realtime.plans import PLANS
from tests.contracts.arms import require
from tests.integration.server_without_database import Running, a_server

# realtime-py reads an attribute that websockets 15 has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:ConnectionClosed:DeprecationWarning")

SCRIPT = Path(__file__).with_name("official_presence.mjs")
PATIENCE_S = 15.0


class Person(Protocol):
    """Somebody in the channel `office`, by way of an official client."""

    heard: asyncio.Queue[Any]

    async def join(self, key: str) -> None: ...

    async def track(self, payload: dict[str, Any]) -> None: ...

    async def untrack(self) -> None: ...

    async def leave(self) -> None: ...

    async def end(self) -> None: ...


def plain(presences: Any) -> list[dict[str, Any]]:
    """Presences without their refs, which differ from run to run."""
    return [{name: value for name, value in each.items() if name != "presence_ref"} for each in presences]


class JsPerson:
    def __init__(self, child: asyncio.subprocess.Process) -> None:
        self.heard: asyncio.Queue[Any] = asyncio.Queue()
        self._child = child
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, server: Running) -> "JsPerson":
        node = await find_node(MODULES)
        pipe = asyncio.subprocess.PIPE
        arguments = (str(SCRIPT), str(MODULES), server.root(), server.key())
        return cls(await asyncio.create_subprocess_exec(node, *arguments, stdin=pipe, stdout=pipe))

    async def join(self, key: str) -> None:
        self._say(do="join", key=key)

    async def track(self, payload: dict[str, Any]) -> None:
        self._say(do="track", payload=payload)

    async def untrack(self) -> None:
        self._say(do="untrack")

    async def leave(self) -> None:
        self._say(do="leave")

    async def end(self) -> None:
        assert self._child.stdin is not None
        self._child.stdin.close()
        await self._child.wait()
        await self._reading

    def _say(self, **command: Any) -> None:
        assert self._child.stdin is not None
        self._child.stdin.write(f"{json.dumps(command)}\n".encode())

    async def _read(self) -> None:
        assert self._child.stdout is not None
        async for line in self._child.stdout:
            match json.loads(line):
                case ["sync", state]:
                    self.heard.put_nowait(("sync", {key: plain(each) for key, each in state.items()}))
                case ["join" | "leave" as what, key, presences]:
                    self.heard.put_nowait((what, key, plain(presences)))
                case [what]:
                    self.heard.put_nowait((what,))


class PyPerson:
    def __init__(self, server: Running) -> None:
        from realtime import AsyncRealtimeClient

        self.heard: asyncio.Queue[Any] = asyncio.Queue()
        self._client = AsyncRealtimeClient(server.root(), server.key())
        self._channel: Any = None

    @classmethod
    async def start(cls, server: Running) -> "PyPerson":
        person = cls(server)
        await person._client.connect()
        return person

    async def join(self, key: str) -> None:
        options: Any = {"config": {"presence": {"key": key, "enabled": True}, "broadcast": None, "private": False}}
        self._channel = self._client.channel("office", options)
        self._channel.on_presence_sync(self._synced)
        self._channel.on_presence_join(lambda key, _, new: self.heard.put_nowait(("join", key, plain(new))))
        self._channel.on_presence_leave(lambda key, _, left: self.heard.put_nowait(("leave", key, plain(left))))
        await self._channel.subscribe(self._told)

    async def track(self, payload: dict[str, Any]) -> None:
        await self._channel.track(payload)

    async def untrack(self) -> None:
        await self._channel.untrack()

    async def leave(self) -> None:
        await self._channel.unsubscribe()

    async def end(self) -> None:
        await self._client.close()

    def _synced(self) -> None:
        state = self._channel.presence_state()
        self.heard.put_nowait(("sync", {key: plain(each) for key, each in state.items()}))

    def _told(self, status: Any, _: Exception | None) -> None:
        words = {"SUBSCRIBED": "subscribed", "CLOSED": "closed"}
        if status.value in words:
            self.heard.put_nowait((words[status.value],))


async def start(arm: str, server: Running) -> Person:
    await require(arm)
    return await (PyPerson if arm == "py" else JsPerson).start(server)


@pytest.fixture
async def server() -> AsyncIterator[Running]:
    async with a_server(PLANS["selfhost"]) as running:
        yield running


@asynccontextmanager
async def joined(arm: str, server: Running, key: str) -> AsyncIterator[Person]:
    person = await start(arm, server)
    try:
        await person.join(key)
        assert await next_of(person) == ("subscribed",)
        yield person
    finally:
        await person.end()


async def next_of(person: Person) -> Any:
    return await asyncio.wait_for(person.heard.get(), PATIENCE_S)


async def until(person: Person, last: Any) -> list[Any]:
    """What was heard up to and with `last`."""
    heard = [await next_of(person)]
    while heard[-1] != last:
        heard.append(await next_of(person))
    return heard


@pytest.mark.parametrize("arm", ["js", "py"])
async def test_one_sees_oneself_come_change_and_go(server: Running, arm: str) -> None:
    async with joined(arm, server, "alice") as alice:
        assert await next_of(alice) == ("sync", {})
        await alice.track({"at": "desk", "n": 1})
        came = await until(alice, ("sync", {"alice": [{"at": "desk", "n": 1}]}))
        await alice.track({"at": "door"})
        changed = await until(alice, ("sync", {"alice": [{"at": "door"}]}))
        await alice.untrack()
        went = await until(alice, ("sync", {}))

    assert came[:-1] == [("join", "alice", [{"at": "desk", "n": 1}])]
    assert changed[:-1] == [("join", "alice", [{"at": "door"}]), ("leave", "alice", [{"at": "desk", "n": 1}])]
    assert went[:-1] == [("leave", "alice", [{"at": "door"}])]


@pytest.mark.parametrize(("arm", "other"), [("js", "py"), ("py", "js"), ("js", "js"), ("py", "py")])
async def test_one_sees_the_others_whatever_client_they_use(server: Running, arm: str, other: str) -> None:
    async with joined(arm, server, "alice") as alice:
        assert await next_of(alice) == ("sync", {})
        async with joined(other, server, "bob") as bob:
            await bob.track({"at": "desk"})
            came = await until(alice, ("sync", {"bob": [{"at": "desk"}]}))
            async with joined(arm, server, "carol") as carol:
                state = await until(carol, ("sync", {"bob": [{"at": "desk"}]}))
            await bob.leave()
            went = await until(alice, ("sync", {}))

    assert came[:-1] == [("join", "bob", [{"at": "desk"}])]
    assert ("join", "bob", [{"at": "desk"}]) in state
    assert went[:-1] == [("leave", "bob", [{"at": "desk"}])]


@pytest.mark.parametrize("arm", ["js", "py"])
async def test_one_sees_who_vanishes(server: Running, arm: str) -> None:
    async with joined(arm, server, "alice") as alice:
        assert await next_of(alice) == ("sync", {})
        async with joined(arm, server, "bob") as bob:
            await bob.track({})
            await until(alice, ("sync", {"bob": [{}]}))
        went = await until(alice, ("sync", {}))

    assert went == [("leave", "bob", [{}]), ("sync", {})]


@pytest.mark.parametrize("arm", ["js", "py"])
async def test_one_who_calls_too_often_is_shut_out(server: Running, arm: str) -> None:
    async with joined(arm, server, "alice") as alice:
        await until(alice, ("sync", {}))
        for n in range(5):
            await alice.track({"n": n})
            await until(alice, ("sync", {"alice": [{"n": n}]}))
        await alice.track({"n": 5})
        await asyncio.wait_for(server.bitten.wait(), PATIENCE_S)

    assert [bite["limit"] for bite in server.bites()] == ["max_client_presence_events_per_window"]
