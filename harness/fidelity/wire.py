"""Sockets, statements and requests as a recording has them, written down as the recorder did.

The hands of the player: each method does one act and tells the log what comes back. Nothing is judged here.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Final

import aiohttp
import asyncpg
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from harness.clock import Clock
from harness.fidelity.log import Log
from harness.fidelity.recording import Entry
from harness.fidelity.target import Target

_OPEN_S: Final = 15.0
_CLOSE_S: Final = 2.0
_NO_STATUS: Final = 1005
_ABNORMAL: Final = 1006
_RECONNECT_S: Final = 15.0
_SETTINGS: Final = {"application_name": "fidelity"}


class Socket:
    """One WebSocket. It sends no pings and asks for no compression unless the recording did."""

    def __init__(self, stream: str, log: Log, target: Target) -> None:
        self._stream = stream
        self._log = log
        self._target = target
        self._socket: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None
        self._leaving = False

    async def open(self, url: str, headers: Mapping[str, str]) -> None:
        """Ask for the socket; the log hears `opened`, or `http` with the refusal."""
        host, port = self._target.address
        try:
            self._socket = await connect(
                url,
                host=host,
                port=port,
                additional_headers=dict(headers),
                compression="deflate" if "sec-websocket-extensions" in headers else None,
                user_agent_header=None,
                proxy=None,
                open_timeout=_OPEN_S,
                ping_interval=None,
                close_timeout=_CLOSE_S,
                max_size=None,
                max_queue=None,
            )
        except InvalidStatus as refusal:
            answer = refusal.response
            body = (answer.body or b"").decode(errors="replace")
            self._tell("http", text=body, status=answer.status_code, headers=_lower(answer.headers.raw_items()))
            return
        except (OSError, WebSocketException, TimeoutError) as error:
            self._tell("http", text=f"{type(error).__name__}: {error}", status=0)
            return
        response = self._socket.response
        self._tell("opened", headers=_lower(response.headers.raw_items()) if response else {})
        self._reader = asyncio.create_task(self._read(self._socket))

    async def send(self, frame: str | bytes) -> None:
        """Send one frame; that it could not be sent is written down as the recorder does."""
        if self._socket is None:
            return
        try:
            await self._socket.send(frame)
        except ConnectionClosed as closed:
            self._log.entries.append(Entry(t=self._log.t, c=self._stream, dir="senderr", text=str(closed)))

    async def ping(self) -> None:
        """Send a WebSocket ping, whose answer nobody waits for."""
        if self._socket is not None:
            with suppress(ConnectionClosed):  # a socket that is closed is written down as such by its reader
                await self._socket.ping()

    async def close(self, code: int) -> None:
        """Close with that code; 1006 breaks the connection off. 1005, a close without code, is sent as 1000."""
        self._leaving = True
        if self._socket is None:
            return
        if code == _ABNORMAL:
            self._socket.transport.abort()
        else:
            await self._socket.close(1000 if code == _NO_STATUS else code)
        if self._reader is not None:
            await self._reader

    async def _read(self, socket: ClientConnection) -> None:
        try:
            while True:
                frame = await socket.recv()
                if isinstance(frame, str):
                    self._tell("recv", text=frame)
                else:
                    self._tell("recv", text=frame.decode("latin-1"), hex=frame.hex())
        except ConnectionClosed:
            if not self._leaving:
                self._tell("close", code=socket.close_code, text=socket.close_reason or "")

    def _tell(
        self,
        kind: str,
        *,
        text: str = "",
        hex: str | None = None,
        status: int | None = None,
        code: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        by = "server" if kind == "close" else None
        reason, text = (text, "") if kind == "close" else ("", text)
        self._log.hear(
            Entry(
                t=0.0,
                c=self._stream,
                dir=kind,
                text=text,
                bin=hex is not None,
                hex=hex,
                status=status,
                code=code,
                by=by,
                reason=reason,
                headers=headers or {},
            )
        )


class Statements:
    """One SQL connection, made when it is first needed and again when it broke."""

    def __init__(self, stream: str, log: Log, target: Target, clock: Clock) -> None:
        self._stream = stream
        self._log = log
        self._url = target.database
        self._clock = clock
        self._connection: asyncpg.Connection | None = None
        self._understood: set[str] = set()

    async def run(self, text: str, args: Sequence[str | None]) -> None:
        """Execute one statement, its arguments in their text form; the log hears `sqlok` or `sqlerr`."""
        try:
            status = await self._run(text, args)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, ValueError) as error:
            self._log.hear(Entry(t=0.0, c=self._stream, dir="sqlerr", text=f"{type(error).__name__}: {error}"))
        else:
            self._log.hear(Entry(t=0.0, c=self._stream, dir="sqlok", text=status))

    async def close(self) -> None:
        """End the session."""
        if self._connection is not None:
            self._connection.terminate()

    async def _run(self, text: str, args: Sequence[str | None]) -> str:
        connection = await self._connected()
        if not args:
            return await connection.execute(text)
        if text not in self._understood:
            await self._take_text(connection, text)
        return await connection.execute(text, *args)

    async def _take_text(self, connection: asyncpg.Connection, text: str) -> None:
        """Let the types of a statement's parameters be given as text, as they are recorded."""
        for parameter in (await connection.prepare(text)).get_parameters():
            await connection.set_type_codec(
                parameter.name, schema=parameter.schema, encoder=str, decoder=str, format="text"
            )
        self._understood.add(text)

    async def _connected(self) -> asyncpg.Connection:
        """The connection; a server that is just restarting is asked until it answers."""
        deadline = self._clock.now() + _RECONNECT_S
        while self._connection is None or self._connection.is_closed():
            try:
                self._connection = await asyncpg.connect(self._url, server_settings=_SETTINGS)
                self._understood.clear()
            except (asyncpg.CannotConnectNowError, OSError):
                if self._clock.now() > deadline:
                    raise
                await self._clock.sleep(0.01)
        return self._connection


class Requests:
    """HTTP requests to the server under its tenant's name."""

    def __init__(self, log: Log, target: Target) -> None:
        self._log = log
        self._target = target
        self._session = aiohttp.ClientSession(auto_decompress=False)

    async def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> None:
        """One request; the log hears `http_recv`."""
        try:
            status, received, text = await self._ask(method, path, headers, body)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            status, received, text = 0, {}, f"{type(error).__name__}: {error}"
        self._log.hear(Entry(t=0.0, c="http", dir="http_recv", text=text, status=status, headers=received))

    async def close(self) -> None:
        """Let go of its connections."""
        await self._session.close()

    async def _ask(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, Mapping[str, str], str]:
        url = self._target.http_url(path)
        async with self._session.request(method, url, headers=headers, data=body or None) as answer:
            text = (await answer.read()).decode(errors="replace")
            return answer.status, _lower(answer.headers.items()), text


def _lower(items: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {name.lower(): value for name, value in items}
