"""The least that can be called a Phoenix server, for what no real one does on demand: answers that do not fit."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import ServerConnection, serve

from harness.phoenix.message import Message
from harness.phoenix.serializer import decode, encode

COLUMNS = [{"name": "n", "type": "int4"}]


class ScriptedServer:
    """Answers joins, leaves and heartbeats. `grant` is added to every binding of a join's reply."""

    def __init__(self) -> None:
        self.url = ""
        self.grant: dict[str, Any] = {}
        self._joined: dict[str, tuple[ServerConnection, str]] = {}

    async def insert(self, topic: str, record: dict[str, Any], *, ids: Sequence[int]) -> None:
        """One row of `process_events`, for the bindings with these ids."""
        data = {
            "schema": "public",
            "table": "process_events",
            "type": "INSERT",
            "commit_timestamp": "2026-11-24T06:10:14.491Z",
            "columns": COLUMNS,
            "record": record,
            "errors": None,
        }
        await self._send(topic, "postgres_changes", {"data": data, "ids": list(ids)})

    async def serve(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        vsn = parse_qs(urlsplit(socket.request.path).query).get("vsn", ["1.0.0"])[0]
        async for frame in socket:
            message = decode(frame, vsn)
            if message.event == "phx_join":
                await self._join(socket, message, vsn)
            elif message.event in ("phx_leave", "heartbeat"):
                await self._reply(socket, message, vsn, {})

    async def _join(self, socket: ServerConnection, message: Message, vsn: str) -> None:
        topic = message.topic.removeprefix("realtime:")
        self._joined[topic] = (socket, vsn)
        asked = message.payload["config"]["postgres_changes"]
        granted = [{**binding, "id": number, **self.grant} for number, binding in enumerate(asked, start=1)]
        await self._reply(socket, message, vsn, {"postgres_changes": granted})
        told = {"extension": "postgres_changes", "status": "ok", "message": "Subscribed to PostgreSQL"}
        await self._send(topic, "system", {**told, "channel": topic})

    async def _reply(self, socket: ServerConnection, message: Message, vsn: str, response: Any) -> None:
        reply = Message(
            join_ref=message.join_ref,
            ref=message.ref,
            topic=message.topic,
            event="phx_reply",
            payload={"status": "ok", "response": response},
        )
        await socket.send(encode(reply, vsn, join_ref=False))

    async def _send(self, topic: str, event: str, payload: Any) -> None:
        socket, vsn = self._joined[topic]
        await socket.send(encode(Message(topic=f"realtime:{topic}", event=event, payload=payload), vsn, join_ref=False))


@asynccontextmanager
async def a_scripted_server() -> AsyncIterator[ScriptedServer]:
    scripted = ScriptedServer()
    async with serve(scripted.serve, "127.0.0.1", 0, compression=None) as listening:
        port = next(iter(listening.sockets)).getsockname()[1]
        scripted.url = f"ws://127.0.0.1:{port}/socket"
        yield scripted
