"""A slot read as a replication stream, told of a commit at once: between the WAL and the worker or the witness.

asyncpg cannot stream (tech.md 2), so this speaks the protocol itself, over the Unix socket of a cluster of ours,
where no password is asked.
"""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Self

from harness.errors import ReplicationError, ReplicationLost, SlotBusy
from harness.replication.change import Change
from harness.replication.lsn import Lsn
from harness.replication.pgoutput import Assembler
from harness.replication.source import Batch
from harness.replication.stream_protocol import (
    TERMINATE,
    Data,
    Frame,
    Frames,
    Keepalive,
    copied,
    error_fields,
    query,
    startup,
    status,
)

_CHUNK: Final = 1 << 18
_GOODBYE_S: Final = 1.0
_LET_IN: Final = bytes(4)
_EXISTS: Final = "(42710)"
_SHUTTING_DOWN: Final = ("57P01", "57P02", "57P03")


class StreamedSource:
    """A slot on a replication connection; a read waits for a transaction, then gives all that has arrived.

    A temporary slot goes with the connection. A permanent one (`temporary=False`) is made if it does not exist
    and stays until `drop`; opened again after a break, it goes on where the last read ended, nothing twice.
    The next `read` acknowledges what the last one gave: call it when that is dealt with.
    """

    def __init__(
        self,
        socket_dir: Path,
        port: int,
        *,
        database: str = "postgres",
        user: str = "postgres",
        slot: str = "supabase_realtime_replication_slot",
        temporary: bool = True,
        publication: str = "supabase_realtime",
        application_name: str = "realtime_stream",
    ) -> None:
        self._path = socket_dir / f".s.PGSQL.{port}"
        self._slot = slot
        self._temporary = temporary
        self._publication = publication
        self._parameters = {
            "user": user,
            "database": database,
            "replication": "database",
            "application_name": application_name,
            "client_encoding": "UTF8",
            "options": "-c wal_sender_timeout=0",  # a debugger or a sleeping laptop must not cost the slot
        }
        self._line: _Line | None = None
        self._assembler = Assembler()
        self._position = Lsn(0)
        self._given = Lsn(0)

    @property
    def position(self) -> Lsn:
        """All that was committed before this place was given by a read that the caller has finished with.

        Moves on an idle stream too, while a read waits.
        """
        return self._position

    async def open(self) -> None:
        """Make the slot and start the stream; waits for the write transactions that are open now."""
        line = await _Line.connect(self._path, self._parameters)
        try:
            await self._make_slot(line)
            await line.command(
                f"START_REPLICATION SLOT {_name(self._slot)} LOGICAL {self._position} "
                f"(proto_version '1', publication_names {_literal(_name(self._publication))})"
            )
        except BaseException:
            await line.close()
            raise
        self._assembler = Assembler()
        self._given = self._position
        self._line = line

    async def read(self) -> Batch:
        """The transactions that are there, at least one with a row of the publication."""
        if self._line is None:
            raise ReplicationError(f"slot {self._slot} is not open")
        changes: list[Change] = []
        raw = 0
        while not changes:
            self._position = self._given
            self._line.send(status(self._position))
            messages = [copied(frame.body) for frame in await self._line.receive() if frame.kind == b"d"]
            raw += sum(isinstance(message, Data) for message in messages)
            for message in messages:
                changes += self._take(message)
        return Batch(changes=tuple(changes), raw=raw)

    async def close(self) -> None:
        """End the connection; a temporary slot is then gone, a permanent one waits for `open` or `drop`."""
        line, self._line = self._line, None
        if line is not None:
            await line.close()

    async def drop(self) -> None:
        """Close, and remove the permanent slot; raises `ReplicationError` if there is none or nobody to ask."""
        await self.close()
        line = await _Line.connect(self._path, self._parameters)
        try:
            await line.command(f"DROP_REPLICATION_SLOT {_name(self._slot)} WAIT")
        finally:
            await line.close()

    async def _make_slot(self, line: "_Line") -> None:
        if not self._temporary and await line.command(
            f"SELECT FROM pg_replication_slots WHERE slot_name = {_literal(self._slot)} AND NOT temporary"
        ):
            return
        kind = "TEMPORARY " if self._temporary else ""
        try:
            await line.command(f"CREATE_REPLICATION_SLOT {_name(self._slot)} {kind}LOGICAL pgoutput NOEXPORT_SNAPSHOT")
        except ReplicationError as error:
            if _EXISTS in str(error):
                raise SlotBusy(self._slot) from error
            raise

    def _take(self, message: Data | Keepalive | None) -> list[Change]:
        changes: list[Change] = []
        if isinstance(message, Data):
            changes = self._assembler.feed(message.payload)
            self._given = max(self._given, self._assembler.end)
        elif isinstance(message, Keepalive):
            self._given = max(self._given, message.end)
        return changes


class _Line:
    """A replication connection: commands with their answers, then frames."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._frames = Frames()
        self._waiting: list[Frame] = []

    @classmethod
    async def connect(cls, path: Path, parameters: Mapping[str, str]) -> Self:
        """Connect and be let in; raises `ReplicationError`, also where a password is asked."""
        try:
            line = cls(*await asyncio.open_unix_connection(path))
        except OSError as error:
            raise ReplicationLost(f"no PostgreSQL at {path}: {error}") from error
        try:
            line.send(startup(parameters))
            await line._until(b"Z")
        except BaseException:
            await line.close()
            raise
        return line

    def send(self, data: bytes) -> None:
        """Write without waiting: all that we ever say is short."""
        self._writer.write(data)

    async def command(self, text: str) -> int:
        """Perform one command, up to its end or the beginning of its stream; how many rows it gave."""
        self.send(query(text))
        return await self._until(b"Z", b"W")

    async def receive(self) -> list[Frame]:
        """All frames that are here, at least one; raises `ReplicationError` if one is an error or none can come."""
        while not self._waiting:
            self._waiting = self._frames.feed(await self._chunk())
        frames, self._waiting = self._waiting, []
        for frame in frames:
            _refuse_errors(frame)
        return frames

    async def close(self) -> None:
        """Say goodbye and wait for the server's own end: its temporary slot is gone before that."""
        try:
            async with asyncio.timeout(_GOODBYE_S):
                self.send(TERMINATE)
                while await self._reader.read(_CHUNK):
                    pass
            self._writer.close()
            await self._writer.wait_closed()
        except OSError:  # broken already, or (TimeoutError) the server is stuck: there is nobody to tell
            self._writer.transport.abort()

    async def _until(self, *last: bytes) -> int:
        rows = 0
        while True:
            frames = await self.receive()
            for at, frame in enumerate(frames):
                rows += frame.kind == b"D"
                if frame.kind in last:
                    self._waiting = frames[at + 1 :]
                    return rows

    async def _chunk(self) -> bytes:
        try:
            chunk = await self._reader.read(_CHUNK)
        except OSError as error:
            raise ReplicationLost(f"the replication connection broke: {error}") from error
        if not chunk:
            raise ReplicationLost("the server closed the replication connection")
        return chunk


def _refuse_errors(frame: Frame) -> None:
    if frame.kind == b"E":
        fields = error_fields(frame.body)
        said = f"PostgreSQL: {fields.get('M', 'an error without words')} ({fields.get('C', '?')})"
        raise (ReplicationLost if fields.get("C") in _SHUTTING_DOWN else ReplicationError)(said)
    if frame.kind == b"R" and frame.body != _LET_IN:
        raise ReplicationError("the server wants a password: only a cluster of our own can be streamed")


def _name(name: str) -> str:
    """A name in SQL."""
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    """A text in SQL."""
    return "'" + text.replace("'", "''") + "'"
