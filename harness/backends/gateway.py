"""A gateway in front of a Realtime that has none, so that API_URL serves `/realtime/v1` on every stack.

Beside the straight line: bytes go through as they are, frames and close codes too; only the head of a request is
changed (`gateway_head`).
"""

import asyncio
import socket
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Final

from harness.backends.gateway_head import forwarded

_HEAD_S: Final = 10.0
_CHUNK: Final = 65_536
_NOT_FOUND: Final = b"HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_BAD_GATEWAY: Final = b"HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class Gateway:
    """Carries what comes to `listening` to the server at `upstream`, as requests for `host`."""

    def __init__(self, listening: socket.socket, *, upstream: tuple[str, int], host: str) -> None:
        self._listening = listening
        self._upstream = upstream
        self._host = host
        self._server: asyncio.Server
        self._carrying: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, sock=self._listening)

    async def close(self) -> None:
        """Cut every connection that goes through."""
        self._server.close()
        for task in tuple(self._carrying):
            task.cancel()
        await asyncio.gather(*self._carrying, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._carrying.add(task)
        try:
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
                await self._serve(reader, writer)  # whoever left or sent no head is no concern of anybody else
        finally:
            self._carrying.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(_HEAD_S):
            head = await reader.readuntil(b"\r\n\r\n")
        changed = forwarded(head, host=self._host)
        if changed is None:
            return writer.write(_NOT_FOUND)
        try:
            back, forth = await asyncio.open_connection(*self._upstream)
        except OSError:
            return writer.write(_BAD_GATEWAY)
        try:
            forth.write(changed)
            await _both(_carry(reader, forth), _carry(back, writer))
        finally:
            forth.close()


async def _both(one: Coroutine[Any, Any, None], other: Coroutine[Any, Any, None]) -> None:
    """Until the first direction ends: what Realtime closes is closed for the client, and the other way round."""
    tasks = {asyncio.ensure_future(one), asyncio.ensure_future(other)}
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(_CHUNK):
        writer.write(data)
        await writer.drain()
