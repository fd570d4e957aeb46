"""The official JavaScript client in a Node child process, unmodified, behind our interface.

What it hides or does differently from the native client:

- It converts values (realtime-facts 7.1): integers above 2^53 are rounded, numbers lose trailing zeros, the text of a
  json or jsonb string is parsed once more, the space of a timestamp becomes a `T`.
- It tells no binding ids: `ids` is always empty.
- After a refused upgrade at the start it would go on trying; we end it, as the interface asks.
"""

import asyncio
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.clients import payload
from harness.clients.client import (
    Binding,
    ChangeReceived,
    ChannelClosed,
    ChannelErrored,
    ClientEvent,
    Closed,
    Joined,
    Opened,
    Refused,
)
from harness.clients.mailbox import Mailbox
from harness.errors import ClientError, ClientMissing, ConnectRefused

MODULES = Path(__file__).parents[2] / "tests" / "js"
_SCRIPT = Path(__file__).with_suffix(".mjs")
_OLDEST_NODE = 20
_LONGEST_LINE_BYTES = 64 * 1024 * 1024
_GOODBYE_S = 5.0
_FIRST_ANSWER_S = 15.0


class OfficialJsClient:
    """Implements `clients.client.Client` over `@supabase/realtime-js`.

    `modules` is the folder whose `node_modules` holds the client and `ws`. `connect` raises `ClientMissing` if
    Node or they are not there. `heartbeat_s` and `reconnect_s` are options of the client, None for its defaults
    (25 s; 1, 2, 5, 10, 10 … s).
    """

    def __init__(
        self,
        url: str,
        *,
        apikey: str,
        token: str | None,
        link: str | None = None,
        vsn: str = "2.0.0",
        heartbeat_s: float | None = None,
        reconnect_s: float | None = None,
        modules: Path = MODULES,
    ) -> None:
        self._url = url
        params = {"apikey": apikey} if link is None else {"apikey": apikey, "link": link}
        times = {"heartbeat_s": heartbeat_s, "reconnect_s": reconnect_s}
        self._start: Mapping[str, Any] = {"do": "start", "params": params, "token": token, "vsn": vsn, **times}
        self._modules = modules
        self._mailbox = Mailbox()
        self._topics: set[str] = set()
        self._child: asyncio.subprocess.Process | None = None
        self._listener: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        if self._child is not None:
            raise ClientError("the client is connected already")
        node = await find_node(self._modules)
        self._child = await asyncio.create_subprocess_exec(
            node,
            str(_SCRIPT),
            str(self._modules),
            self._url,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=_LONGEST_LINE_BYTES,
        )
        try:
            await self._say(self._start)
            async with asyncio.timeout(_FIRST_ANSWER_S):
                self._judge_first(await self._line())
        except TimeoutError as error:
            raise ClientError(f"realtime-js heard nothing from {self._url} in {_FIRST_ANSWER_S} s") from error
        else:
            self._mailbox.put(Opened())
            self._listener = asyncio.create_task(self._listen())
            self._mailbox.watch(self._listener)
        finally:
            if self._listener is None:
                await self._stop()

    async def subscribe(self, topic: str, bindings: Sequence[Binding]) -> None:
        if topic in self._topics:
            raise ClientError(f"{topic} is subscribed to already: unsubscribe first, or use another topic")
        self._topics.add(topic)
        await self._say({"do": "subscribe", "topic": topic, "bindings": [one.as_json() for one in bindings]})

    async def unsubscribe(self, topic: str) -> None:
        if topic not in self._topics:
            raise ClientError(f"{topic} is not subscribed to")
        await self._say({"do": "unsubscribe", "topic": topic})

    async def set_token(self, token: str) -> None:
        if self._child is None:
            self._start = {**self._start, "token": token}
        else:
            await self._say({"do": "token", "token": token})

    async def next_event(self) -> ClientEvent:
        return await self._mailbox.take()

    async def drop(self) -> None:
        await self._say({"do": "drop"})

    async def close(self) -> None:
        await self._stop()
        if self._listener is not None:
            await asyncio.wait({self._listener})
        self._mailbox.end()

    # -- the child

    async def _say(self, command: Mapping[str, Any]) -> None:
        if self._child is None or self._child.stdin is None or self._child.returncode is not None:
            raise ClientError("the client is not connected")
        self._child.stdin.write(json.dumps(command).encode() + b"\n")
        try:
            await self._child.stdin.drain()
        except ConnectionError as error:
            raise ClientError("Node has ended; its last words are on stderr") from error

    async def _line(self) -> Mapping[str, Any]:
        """The next thing that the child tells, {} at its end."""
        if self._child is None or self._child.stdout is None:
            raise ClientError("the client is not connected")
        line = await self._child.stdout.readline()
        told: Mapping[str, Any] = json.loads(line) if line else {}
        return told

    def _judge_first(self, told: Mapping[str, Any]) -> None:
        match told:
            case {"is": "open"}:
                return
            case {"is": "refused", "status": status, "body": body}:
                raise ConnectRefused(status, body)
            case {}:
                raise ClientError(f"realtime-js could not connect to {self._url}: {told.get('reason') or 'Node ended'}")

    async def _listen(self) -> None:
        while told := await self._line():
            if told["is"] == "channel_closed":
                self._topics.discard(told["topic"])
            self._mailbox.put(_EVENTS[told["is"]](told))
        if self._child is not None and await self._child.wait() != 0:
            raise ClientError(f"Node ended with {self._child.returncode}; its last words are on stderr")

    async def _stop(self) -> None:
        """End the child: it says goodbye when its stdin closes, and is killed if it does not end."""
        if self._child is None:
            return
        if self._child.stdin is not None and not self._child.stdin.is_closing():
            self._child.stdin.close()
        try:
            async with asyncio.timeout(_GOODBYE_S):
                await self._child.wait()
        except TimeoutError:
            self._child.kill()
            await self._child.wait()


async def find_node(modules: Path) -> str:
    """The `node` that can run the client; raises `ClientMissing` with the cure if anything is not there."""
    node = shutil.which("node")
    if node is None:
        raise ClientMissing("no `node` on the PATH: install Node 20 or newer, or use --client native")
    asked = await asyncio.create_subprocess_exec(node, "--version", stdout=asyncio.subprocess.PIPE)
    version = (await asked.communicate())[0].decode().strip()
    if int(version.lstrip("v").partition(".")[0] or 0) < _OLDEST_NODE:
        raise ClientMissing(f"node is {version}: install Node {_OLDEST_NODE} or newer, or use --client native")
    for package in ("@supabase/realtime-js", "ws"):
        if not (modules / "node_modules" / package / "package.json").is_file():
            raise ClientMissing(f"{package} is not in {modules}: run `npm ci` there, or use --client native")
    return node


def _change(told: Mapping[str, Any]) -> ChangeReceived:
    """The client's own words (`new`, `old`, `eventType`) back in those of the wire."""
    js = told["payload"]
    data = {
        "schema": js.get("schema"),
        "table": js.get("table"),
        "type": js.get("eventType"),
        "commit_timestamp": js.get("commit_timestamp"),
        "errors": js.get("errors"),
        "record": js.get("new"),
        "old_record": js.get("old"),
    }
    return payload.change(told["topic"], {"data": data}, size=told["bytes"])


def _refused_again(told: Mapping[str, Any]) -> ClientEvent:
    """A reconnect that was answered with an HTTP status; the client goes on trying."""
    return Closed(code=1006, reason=str(ConnectRefused(told["status"], told["body"])))


_EVENTS: Mapping[str, Callable[[Mapping[str, Any]], ClientEvent]] = {
    "open": lambda told: Opened(),
    "refused": _refused_again,
    "close": lambda told: Closed(code=told["code"], reason=told["reason"], by=told["by"]),
    "joined": lambda told: Joined(topic=told["topic"]),
    "join_refused": lambda told: Refused(topic=told["topic"], reason=told["reason"]),
    "channel_error": lambda told: ChannelErrored(topic=told["topic"], reason=told["reason"]),
    "channel_closed": lambda told: ChannelClosed(topic=told["topic"]),
    "system": lambda told: payload.notice(told["topic"], told["payload"]),
    "change": _change,
}
