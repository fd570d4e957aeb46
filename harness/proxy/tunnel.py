"""One connection through the proxy, from when it was taken to when both sides have ended it."""

import asyncio
import socket
import struct
from dataclasses import dataclass
from ssl import SSLContext
from typing import Final

from harness.faults.fault import Admission, Direction
from harness.proxy import head
from harness.proxy.lane import Lane, Rules
from harness.proxy.websocket_bytes import close_frame

_CHUNK: Final = 65_536
_HTTPS: Final = 443
_LINGER_NOT: Final = struct.pack("ii", 1, 0)
_NO_MASK: Final = bytes(4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """The server behind a link. With `tls` it is spoken to in TLS, and called by its own name."""

    host: str
    port: int
    tls: SSLContext | None = None

    @property
    def name(self) -> str | None:
        """What Host must be; None where it stays as the client said it."""
        if self.tls is None:
            return None
        return self.host if self.port == _HTTPS else f"{self.host}:{self.port}"


class Tunnel:
    """Carries one connection of a client to the upstream of its link.

    Whether it speaks WebSocket is said by its first request: a connection that was used for HTTP stays one for HTTP.
    """

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, rules: Rules, upstream: Upstream
    ) -> None:
        self.link = rules.link
        self._reader = reader
        self._writer = writer
        self._rules = rules
        self._upstream = upstream
        self._server: asyncio.StreamWriter | None = None
        self._lanes: tuple[Lane, ...] = ()
        self._framed: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._unheard = False
        self._task = asyncio.create_task(self._run(), name=f"tunnel {self.link}")

    @property
    def task(self) -> "asyncio.Task[None]":
        return self._task

    @property
    def lost(self) -> bool:
        """Whether something was swallowed without which it cannot go on."""
        return self._unheard or any(lane.lost for lane in self._lanes)

    def cut(self) -> None:
        """Break it on both sides, without a word."""
        self._abort()
        self._task.cancel()

    def close(self, code: int) -> None:
        """End it on both sides, as a gateway does: with a close frame if it speaks WebSocket."""
        if not self._lanes:
            return self.cut()
        framed = self._framed.done() and not self._framed.cancelled() and self._framed.result()
        for lane, key in zip(self._lanes, (None, _NO_MASK), strict=True):
            lane.finish(close_frame(code, key=key) if framed else b"")

    async def _run(self) -> None:
        try:
            await self._through()
        except* (OSError, EOFError, asyncio.LimitOverrunError):
            self._abort()  # whoever broke it, or never said what it wants: the other side learns it in the same way
        finally:
            for writer in self._writers():
                writer.close()

    async def _through(self) -> None:
        admission = self._rules.standing.admission
        if admission(self.link) is Admission.REFUSE:
            raise ConnectionRefusedError
        request = await self._reader.readuntil(head.END)
        if admission(self.link) is Admission.SILENT:
            self._unheard = True
            return await self._swallow()
        back, self._server = await self._connect()
        self._server.write(head.forwarded(request, host=self._upstream.name))
        if not head.asks_for_websocket(request):
            self._framed.set_result(False)
        await self._both_ways(back, self._server)
        for writer in self._writers():
            writer.close()
            await writer.wait_closed()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        to = self._upstream
        return await asyncio.open_connection(to.host, to.port, ssl=to.tls)

    async def _both_ways(self, back: asyncio.StreamReader, server: asyncio.StreamWriter) -> None:
        self._lanes = (
            self._lane(Direction.TO_CLIENT, back, self._writer),
            self._lane(Direction.TO_SERVER, self._reader, server),
        )
        async with asyncio.TaskGroup() as group:
            for lane in self._lanes:
                group.create_task(lane.pump(group), name=f"tunnel {self.link}, a lane")

    def _lane(self, direction: Direction, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Lane:
        return Lane(direction, reader, writer, rules=self._rules, framed=self._framed, close=self.close)

    async def _swallow(self) -> None:
        while await self._reader.read(_CHUNK):
            pass

    def _writers(self) -> tuple[asyncio.StreamWriter, ...]:
        return (self._writer,) if self._server is None else (self._writer, self._server)

    def _abort(self) -> None:
        """A reset, not an end: what is not sent yet is never sent."""
        for writer in self._writers():
            if not writer.is_closing():
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
            writer.transport.abort()
