"""People in channels, for the conformance suite: broadcasts, presence and the routing of changes, by every arm.

The native person writes frames itself, as our native client has no broadcasts and no presence.
"""

import asyncio
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from harness.clients.client import Binding
from harness.clients.realtime_js import MODULES, find_node
from harness.phoenix.message import Message, UserBroadcast
from harness.phoenix.serializer import V2, decode, decode_user_broadcast, encode
from tests.contracts.arms import PATIENCE_S, require

_SCRIPT: Final = Path(__file__).with_name("official_person.mjs")

Presences = Mapping[str, Sequence[Mapping[str, Any]]]


class Person(Protocol):
    """Somebody who is in channels. What happens in one is put into `told[topic]`, as tuples:

    `subscribed`, `ready` for changes, `refused` with words, `closed`, `heard` with event and payload, `sent` with the
    outcome of a broadcast, `present` with the presence state, `change` with the number of the binding, the action and
    the record.
    """

    told: defaultdict[str, asyncio.Queue[Any]]

    async def join(self, topic: str, config: dict[str, Any], *bindings: Binding) -> None: ...

    async def send(self, topic: str, event: str, payload: dict[str, Any]) -> None: ...

    async def track(self, topic: str, payload: dict[str, Any]) -> None: ...

    async def untrack(self, topic: str) -> None: ...

    async def leave(self, topic: str) -> None: ...

    async def set_token(self, token: str) -> None: ...

    async def end(self) -> None: ...


async def start(arm: str, url: str, *, apikey: str, token: str) -> Person:
    """Somebody who is connected with this token and in no channel yet."""
    await require(arm)
    if arm == "native":
        return await NativePerson.start(url, apikey, token)
    if arm == "py":
        return await PyPerson.start(url, apikey, token)
    return await JsPerson.start(url, apikey, token)


async def told(person: Person, topic: str) -> Any:
    """The next thing that happens in a channel."""
    return await asyncio.wait_for(person.told[topic].get(), PATIENCE_S)


async def until(person: Person, topic: str, last: Any) -> list[Any]:
    """What happens in a channel up to and including `last`."""
    async with asyncio.timeout(PATIENCE_S):
        happened = [await told(person, topic)]
        while happened[-1] != last:
            happened.append(await told(person, topic))
    return happened


async def told_of(person: Person, topic: str, what: str) -> Any:
    """The next thing of this kind that happens in a channel."""
    happened = await told(person, topic)
    while happened[0] != what:
        happened = await told(person, topic)
    return happened


def _plain(state: Presences) -> dict[str, list[dict[str, Any]]]:
    """Presences without their refs, which differ from run to run."""
    refs = ("presence_ref", "phx_ref", "phx_ref_prev")
    return {
        key: [{name: value for name, value in each.items() if name not in refs} for each in presences]
        for key, presences in state.items()
    }


class JsPerson:
    """By the official JavaScript client."""

    def __init__(self, child: asyncio.subprocess.Process) -> None:
        self.told: defaultdict[str, asyncio.Queue[Any]] = defaultdict(asyncio.Queue)
        self._child = child
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, url: str, apikey: str, token: str) -> "JsPerson":
        arguments = (await find_node(MODULES), str(_SCRIPT), str(MODULES), url, apikey, token)
        pipe = asyncio.subprocess.PIPE
        return cls(await asyncio.create_subprocess_exec(*arguments, stdin=pipe, stdout=pipe))

    async def join(self, topic: str, config: dict[str, Any], *bindings: Binding) -> None:
        self._say(do="join", topic=topic, config=config, bindings=[each.as_json() for each in bindings])

    async def send(self, topic: str, event: str, payload: dict[str, Any]) -> None:
        self._say(do="send", topic=topic, event=event, payload=payload)

    async def track(self, topic: str, payload: dict[str, Any]) -> None:
        self._say(do="track", topic=topic, payload=payload)

    async def untrack(self, topic: str) -> None:
        self._say(do="untrack", topic=topic)

    async def leave(self, topic: str) -> None:
        self._say(do="leave", topic=topic)

    async def set_token(self, token: str) -> None:
        self._say(do="token", token=token)

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
            topic, what, *rest = json.loads(line)
            self.told[topic].put_nowait((what, _plain(rest[0])) if what == "present" else (what, *rest))


class PyPerson:
    """By the official Python client."""

    def __init__(self, url: str, apikey: str) -> None:
        from realtime import AsyncRealtimeClient

        self.told: defaultdict[str, asyncio.Queue[Any]] = defaultdict(asyncio.Queue)
        self._client = AsyncRealtimeClient(url, apikey)
        self._channels: dict[str, Any] = {}

    @classmethod
    async def start(cls, url: str, apikey: str, token: str) -> "PyPerson":
        person = cls(url, apikey)
        await person._client.set_auth(token)
        await person._client.connect()
        return person

    async def join(self, topic: str, config: dict[str, Any], *bindings: Binding) -> None:
        options: Any = {"config": {"presence": None, "broadcast": None, "private": False, **config}}
        channel = self._channels[topic] = self._client.channel(topic, options)
        tell = self.told[topic].put_nowait
        channel.on_system(lambda payload: tell(("ready",)) if payload.extension == "postgres_changes" else None)
        channel.on_broadcast("*", lambda message: tell(("heard", message["event"], message["payload"])))
        if "presence" in config:
            channel.on_presence_sync(lambda: tell(("present", _plain(channel.presence_state()))))
        for number, binding in enumerate(bindings):
            self._bind(channel, number, binding, topic)
        await channel.subscribe(lambda status, error: self._status(topic, status.value, error))

    async def send(self, topic: str, event: str, payload: dict[str, Any]) -> None:
        """As `send_broadcast`, which does not hand out the push that an answer comes to."""
        from realtime.types import RealtimeAcknowledgementStatus as Status

        message = {"type": "broadcast", "event": event, "payload": payload}
        push = await self._channels[topic].push("broadcast", message)
        if (self._channels[topic].params["config"]["broadcast"] or {}).get("ack"):
            push.receive(Status.Ok, lambda _: self.told[topic].put_nowait(("sent", "ok")))
            push.receive(Status.Error, lambda _: self.told[topic].put_nowait(("sent", "error")))
        else:
            push.destroy()
            self.told[topic].put_nowait(("sent", "ok"))

    async def track(self, topic: str, payload: dict[str, Any]) -> None:
        await self._channels[topic].track(payload)

    async def untrack(self, topic: str) -> None:
        await self._channels[topic].untrack()

    async def leave(self, topic: str) -> None:
        await self._channels[topic].unsubscribe()

    async def set_token(self, token: str) -> None:
        await self._client.set_auth(token)

    async def end(self) -> None:
        await self._client.close()

    def _bind(self, channel: Any, number: int, binding: Binding, topic: str) -> None:
        from realtime.types import RealtimePostgresChangesListenEvent as ListenEvent

        def hear(told: Any) -> None:
            data = told["data"]
            self.told[topic].put_nowait(("change", number, data["type"].value, data.get("record") or {}))

        where: Any = {"table": binding.table, "schema": binding.schema, "filter": binding.filter}
        channel.on_postgres_changes(ListenEvent(binding.event), hear, **where)

    def _status(self, topic: str, status: str, error: Exception | None) -> None:
        words = {"SUBSCRIBED": ("subscribed",), "CLOSED": ("closed",), "CHANNEL_ERROR": ("refused", str(error))}
        if status in words:
            self.told[topic].put_nowait(words[status])


class NativePerson:
    """By frames of vsn 2.0.0."""

    def __init__(self, socket: ClientConnection, token: str) -> None:
        self.told: defaultdict[str, asyncio.Queue[Any]] = defaultdict(asyncio.Queue)
        self._socket = socket
        self._token = token
        self._refs = 0
        self._joins: dict[str, str] = {}
        self._sent: set[str] = set()
        self._acked: set[str] = set()
        self._bindings: dict[str, list[int]] = {}
        self._present: dict[str, dict[str, list[dict[str, Any]]]] = {}
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, url: str, apikey: str, token: str) -> "NativePerson":
        return cls(await connect(f"{url}/websocket?apikey={apikey}&vsn={V2}"), token)

    async def join(self, topic: str, config: dict[str, Any], *bindings: Binding) -> None:
        asked = {**config, "postgres_changes": [each.as_json() for each in bindings]}
        if "presence" in config:
            asked["presence"] = {**config["presence"], "enabled": True}
        if config.get("broadcast", {}).get("ack"):
            self._acked.add(topic)
        self._joins[topic] = str(self._refs + 1)
        await self._push(topic, "phx_join", {"config": asked, "access_token": self._token})

    async def send(self, topic: str, event: str, payload: dict[str, Any]) -> None:
        ref = await self._push(topic, "broadcast", {"type": "broadcast", "event": event, "payload": payload})
        if topic in self._acked:
            self._sent.add(ref)
        else:
            self.told[topic].put_nowait(("sent", "ok"))

    async def track(self, topic: str, payload: dict[str, Any]) -> None:
        await self._push(topic, "presence", {"type": "presence", "event": "track", "payload": payload})

    async def untrack(self, topic: str) -> None:
        await self._push(topic, "presence", {"type": "presence", "event": "untrack"})

    async def leave(self, topic: str) -> None:
        await self._push(topic, "phx_leave", {})

    async def set_token(self, token: str) -> None:
        self._token = token
        for topic in self._joins:
            await self._push(topic, "access_token", {"access_token": token})

    async def end(self) -> None:
        await self._socket.close()
        await self._reading

    async def _push(self, topic: str, event: str, payload: Any) -> str:
        self._refs += 1
        message = Message(
            join_ref=self._joins[topic], ref=str(self._refs), topic=f"realtime:{topic}", event=event, payload=payload
        )
        await self._socket.send(encode(message, V2, join_ref=True))
        return str(self._refs)

    async def _read(self) -> None:
        try:
            async for frame in self._socket:
                message = decode(frame, V2) if isinstance(frame, str) else decode_user_broadcast(frame)
                self._hear(message.topic.removeprefix("realtime:"), message)
        except ConnectionClosed:
            pass  # whoever waits for more is told by the patience of the test

    def _hear(self, topic: str, message: Message) -> None:
        tell, payload = self.told[topic].put_nowait, message.payload
        match message.event:
            case "phx_reply" if message.ref == self._joins.get(topic):
                self._joined(topic, payload)
            case "phx_reply" if message.ref in self._sent:
                tell(("sent", payload["status"]))
            case "system" if payload["extension"] == "postgres_changes":
                tell(("ready",))
            case "phx_close":
                tell(("closed",))
            case "broadcast" if isinstance(payload, UserBroadcast):
                tell(("heard", payload.user_event, json.loads(payload.data)))
            case "broadcast":
                tell(("heard", payload["event"], payload["payload"]))
            case "presence_state" | "presence_diff":
                self._meet(topic, message.event, payload)
            case "postgres_changes":
                for number in payload["ids"]:
                    data = payload["data"]
                    tell(("change", self._bindings[topic].index(number), data["type"], data.get("record") or {}))

    def _joined(self, topic: str, answer: Any) -> None:
        if answer["status"] != "ok":
            self.told[topic].put_nowait(("refused", answer["response"]["reason"]))
            return
        self._bindings[topic] = [each["id"] for each in answer["response"]["postgres_changes"]]
        self.told[topic].put_nowait(("subscribed",))

    def _meet(self, topic: str, event: str, payload: Any) -> None:
        present = self._present.setdefault(topic, {})
        came, went = (payload, present) if event == "presence_state" else (payload["joins"], payload["leaves"])
        gone = {
            meta["phx_ref"] for each in went.values() for meta in (each if isinstance(each, list) else each["metas"])
        }
        left = {key: [meta for meta in metas if meta["phx_ref"] not in gone] for key, metas in present.items()}
        for key, each in came.items():
            left[key] = [*left.get(key, []), *each["metas"]]
        self._present[topic] = {key: metas for key, metas in left.items() if metas}
        self.told[topic].put_nowait(("present", _plain(self._present[topic])))
