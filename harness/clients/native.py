"""Our own client: `phoenix.client` over websockets' asyncio client. It hears what the server says."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from random import Random
from typing import Final
from urllib.parse import urlencode

from websockets.asyncio.client import ClientConnection as Socket
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from harness.clients import payload
from harness.clients.client import (
    Binding,
    ChannelClosed,
    ChannelErrored,
    ClientEvent,
    Closed,
    Joined,
    Opened,
    Refused,
)
from harness.clients.mailbox import Mailbox
from harness.clock import Clock, time_factor, within
from harness.errors import ClientError, ConnectRefused
from harness.phoenix.channel import ChannelMove
from harness.phoenix.client import ClientConnection
from harness.phoenix.close_codes import ABNORMAL
from harness.phoenix.connection import (
    ChannelMoved,
    Connect,
    ConnectionEvent,
    Delivered,
    Disconnect,
    SocketClosed,
    SocketOpened,
    Timing,
)

# Real seconds that even a hurried socket gets: a handshake is this machine's work, which no time factor hurries.
_LEAST_OPEN_S: Final = 1.0
_LEAST_CLOSE_S: Final = 0.1


class NativeClient:
    """Implements `clients.client.Client`: reconnects and rejoins by itself, for ever, until `close`.

    `url` ends in `/socket` (or `/realtime/v1`); `link` names the socket to a server that records hops. Beats as
    realtime-js does and sends no WebSocket pings, so that a silent network is noticed by heartbeats alone.
    """

    def __init__(
        self,
        url: str,
        *,
        apikey: str,
        token: str | None,
        clock: Clock,
        rng: Random,
        link: str | None = None,
        vsn: str = "2.0.0",
        timing: Timing | None = None,
        rejoin_with_bindings: bool = True,
    ) -> None:
        query = {"apikey": apikey, "vsn": vsn} | ({} if link is None else {"link": link})
        self._url = f"{url}/websocket?{urlencode(query)}"
        self._clock = clock
        self._timing = timing or Timing()
        self._core = ClientConnection(
            rng=rng, token=token, vsn=vsn, timing=self._timing, rejoin_with_bindings=rejoin_with_bindings
        )
        self._mailbox = Mailbox()
        self._socket: Socket | None = None
        self._dropped = False
        self._alarm: float | None = None  # what the loop waits for
        self._changed = asyncio.Event()
        self._sending = asyncio.Lock()
        self._loop: asyncio.Task[None] | None = None
        self._reader: asyncio.Task[None] | None = None

    @property
    def ignored(self) -> Mapping[str, int]:
        """Frames that were for nobody, counted by reason."""
        return self._core.ignored

    async def connect(self) -> None:
        """Open the socket and start; raises instead if the server refuses or nobody answers."""
        if self._loop is not None:
            raise ClientError("the client is connected already")
        try:
            await self._open()
        except InvalidStatus as refusal:
            raise _refused(refusal) from refusal
        except (OSError, WebSocketException) as error:
            raise ClientError(f"no socket at {self._url.partition('?')[0]}: {error}") from error
        self._loop = asyncio.create_task(self._run())
        self._mailbox.watch(self._loop)
        await self._settle()

    async def subscribe(self, topic: str, bindings: Sequence[Binding]) -> None:
        self._core.subscribe(topic, [binding.as_json() for binding in bindings], self._clock.now())
        await self._settle()

    async def unsubscribe(self, topic: str) -> None:
        self._core.unsubscribe(topic, self._clock.now())
        await self._settle()

    async def set_token(self, token: str) -> None:
        self._core.set_token(token, self._clock.now())
        await self._settle()

    async def next_event(self) -> ClientEvent:
        return await self._mailbox.take()

    async def drop(self) -> None:
        if self._socket is not None:
            self._dropped = True
            self._socket.transport.abort()

    async def close(self) -> None:
        self._core.close(self._clock.now())
        await self._settle()
        if self._loop is not None:
            if self._core.ended:  # no socket to say goodbye on, though one may be under way
                self._loop.cancel()
            await asyncio.wait({self._loop})
        self._mailbox.end()

    # -- the loop: does what the core wants, when it wants it

    async def _run(self) -> None:
        while not self._core.ended:
            match self._core.wants():
                case Connect():
                    await self._reopen()
                case Disconnect(code=code, reason=reason):
                    await self._disconnect(code, reason)
                case None:
                    await self._until_deadline()
            await self._settle()

    async def _until_deadline(self) -> None:
        """Return when the core's deadline has come, or has been moved, or the core wants something."""
        self._changed.clear()
        self._alarm = self._core.next_deadline()
        try:
            async with AsyncExitStack() as limits:
                if self._alarm is not None:
                    await limits.enter_async_context(within(self._clock, self._alarm - self._clock.now()))
                await self._changed.wait()
        except TimeoutError:
            pass  # the deadline came, and that is what was waited for
        self._core.tick(self._clock.now())

    async def _open(self) -> None:
        socket = await connect(
            self._url,
            proxy=None,
            compression=None,
            max_size=None,
            ping_interval=None,
            open_timeout=self._real(self._timing.open_timeout_s, least=_LEAST_OPEN_S),
            # A peer that is gone does not answer a close frame; realtime-js does not wait for it either.
            close_timeout=self._real(self._timing.close_timeout_s, least=_LEAST_CLOSE_S),
        )
        self._socket = socket
        self._dropped = False
        self._core.opened(self._clock.now())
        self._reader = asyncio.create_task(self._read(socket))
        self._mailbox.watch(self._reader)

    def _real(self, seconds: float, *, least: float) -> float:
        """So many seconds of the clock for the socket, which knows only the machine's; never hurried below `least`."""
        return max(min(seconds, least), seconds / time_factor(self._clock))

    async def _reopen(self) -> None:
        try:
            await self._open()
        except InvalidStatus as refusal:
            self._not_opened(str(_refused(refusal)))
        except (OSError, WebSocketException) as error:
            self._not_opened(str(error) or type(error).__name__)

    def _not_opened(self, reason: str) -> None:
        self._core.socket_closed(ABNORMAL, reason, "server", self._clock.now())

    async def _disconnect(self, code: int, reason: str) -> None:
        socket, reader = self._socket, self._reader
        if socket is None or reader is None:
            raise ClientError("there is no socket to close")
        await socket.close(code, reason)
        await asyncio.wait({reader})

    # -- the socket: frames in, frames out

    async def _read(self, socket: Socket) -> None:
        try:
            async for frame in socket:
                self._core.received(frame, self._clock.now())
                await self._settle()
        except ConnectionClosed:
            pass  # told below; a friendly close ends the iteration without it
        self._socket = None
        code, reason, by = self._how_it_ended(socket)
        self._core.socket_closed(code, reason, by, self._clock.now())
        await self._settle()

    def _how_it_ended(self, socket: Socket) -> tuple[int, str, str]:
        asked = self._core.wants()
        if isinstance(asked, Disconnect):
            return asked.code, asked.reason, "client"
        return socket.close_code or ABNORMAL, socket.close_reason or "", "client" if self._dropped else "server"

    async def _settle(self) -> None:
        """Pass on everything that the core has to say after a call."""
        for event in self._core.events():
            self._mailbox.put(_told(event))
        async with self._sending:  # frames of two callers must not overtake each other
            await self._send(self._core.frames_to_send())
        if self._core.next_deadline() != self._alarm or self._core.wants() is not None or self._core.ended:
            self._changed.set()

    async def _send(self, frames: Sequence[str]) -> None:
        try:
            for frame in frames:
                if self._socket is not None:
                    await self._socket.send(frame)
        except ConnectionClosed:
            pass  # the reader tells the core, which joins again on the next socket


_CHANNEL_EVENTS: Mapping[ChannelMove, Callable[[ChannelMoved], ClientEvent]] = {
    ChannelMove.ACCEPTED: lambda moved: Joined(topic=moved.topic),
    ChannelMove.REFUSED: lambda moved: Refused(topic=moved.topic, reason=moved.reason),
    ChannelMove.CRASHED: lambda moved: ChannelErrored(topic=moved.topic, reason=moved.reason),
    ChannelMove.ENDED: lambda moved: ChannelClosed(topic=moved.topic),
}


def _told(event: ConnectionEvent) -> ClientEvent:
    match event:
        case SocketOpened():
            return Opened()
        case SocketClosed(code=code, reason=reason, by=by):
            return Closed(code=code, reason=reason, by=by)
        case ChannelMoved(move=move):
            return _CHANNEL_EVENTS[move](event)
        case Delivered(event="system"):
            return payload.notice(event.topic, event.payload)
        case Delivered():
            return payload.change(event.topic, event.payload, size=event.bytes, handlers=event.handlers)


def _refused(refusal: InvalidStatus) -> ConnectRefused:
    body = refusal.response.body or b""
    return ConnectRefused(refusal.response.status_code, bytes(body).decode(errors="replace"))
