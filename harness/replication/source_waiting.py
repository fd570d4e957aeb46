"""A slot polled by SQL whose reads wait for rows: what a witness needs of a database that is reached by TCP alone."""

from typing import Final

import asyncpg

from harness.clock import Clock, SystemClock
from harness.errors import ReplicationError
from harness.replication.lsn import Lsn
from harness.replication.source import Batch
from harness.replication.source_postgres import PolledSource

EVERY_S: Final = 0.05
_CLOCK: Final = SystemClock()
_ALL: Final = 2**31 - 1
_GOODBYE_S: Final = 5.0
_BROKEN: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
_END_OF_WAL = "select pg_current_wal_flush_lsn()::text"


class WaitingSource:
    """Implements `PermanentSource` for `Witness`, with a slot that goes with its session, whatever ends that.

    So nothing is left in a database that is not ours, but the slot cannot go on after a break: what is committed
    between a `ReplicationError` and the next `open` is not seen, and `position` raises from then on, because nobody
    can say any more what has been read.
    """

    def __init__(self, url: str, *, slot: str, publication: str, clock: Clock = _CLOCK) -> None:
        self._url = url
        self._slot = slot
        self._clock = clock
        self._polled = PolledSource(
            url,
            slot=slot,
            publication=publication,
            max_changes=_ALL,
            application_name="harness_witness",
            clock=clock,
        )
        self._connection: asyncpg.Connection | None = None
        self._position = Lsn(0)
        self._given = Lsn(0)
        self._broken = False

    @property
    def position(self) -> Lsn:
        """All that was committed before it was given by a read that the caller has finished with."""
        if self._broken:
            raise ReplicationError(f"the session of slot {self._slot} broke: commits may have been missed")
        return self._position

    async def open(self) -> None:
        """Make the slot; waits for the write transactions that are open now."""
        await self._polled.open()
        self._position = self._given = Lsn(0)

    async def read(self) -> Batch:
        """The transactions that are there, at least one with a row of the publication."""
        try:
            return await self._read()
        except ReplicationError:
            self._broken = True
            raise

    async def close(self) -> None:
        """End the sessions, and with them the slot. Safe to call twice."""
        connection, self._connection = self._connection, None
        await self._polled.close()
        if connection is None:
            return
        try:
            await connection.close(timeout=_GOODBYE_S)
        except _BROKEN:  # it is gone already, or (TimeoutError) stuck
            connection.terminate()

    async def drop(self) -> None:
        """The same: the slot is a temporary one."""
        await self.close()

    async def _read(self) -> Batch:
        self._position = self._given
        while True:
            # Asked first: the poll that follows brings at least all that was committed before.
            end = await self._end_of_wal()
            batch = await self._polled.read()
            self._given = end
            if batch.changes:
                return batch
            self._position = end
            await self._clock.sleep(EVERY_S)

    async def _end_of_wal(self) -> Lsn:
        try:
            if self._connection is None:
                self._connection = await asyncpg.connect(self._url)
            return Lsn.parse(await self._connection.fetchval(_END_OF_WAL))
        except _BROKEN as error:
            raise ReplicationError(f"the witness cannot ask how far the WAL has come: {error}") from error
