"""Passes a transaction on only when every session can see it: between a slot and the worker.

A commit is in the WAL, and so in the slot, a moment before other sessions see it. Row security is asked in another
session: asked in that moment it does not find the row, and withholds it from its owner (seen for one event in some
hundreds, on a busy machine).
"""

from typing import Final

import asyncpg

from harness.clock import Clock, SystemClock
from harness.errors import ReplicationError, ReplicationLost
from harness.replication.source import Batch, ChangeSource

_CLOCK: Final = SystemClock()
_AGAIN_S: Final = 0.0005
_GOODBYE_S: Final = 5.0
_BROKEN: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
_SNAPSHOT: Final = "select pg_current_snapshot()::text"
_EPOCH: Final = 1 << 32


class VisibleSource:
    """Implements `ChangeSource` over another one; `url` is the database of its slot."""

    def __init__(self, source: ChangeSource, url: str, *, clock: Clock = _CLOCK) -> None:
        self._source = source
        self._url = url
        self._clock = clock
        self._connection: asyncpg.Connection | None = None

    async def open(self) -> None:
        try:
            self._connection = await asyncpg.connect(
                self._url, server_settings={"application_name": "realtime_visible"}
            )
        except _BROKEN as error:
            raise ReplicationError(f"no session to look at snapshots with: {error}") from error
        try:
            await self._source.open()
        except BaseException:
            await self.close()
            raise

    async def read(self) -> Batch:
        batch = await self._source.read()
        xids = {change.xid for change in batch.changes}
        while xids and not visible(xids, await self._snapshot()):
            await self._clock.sleep(_AGAIN_S)
        return batch

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        await self._source.close()
        if connection is None:
            return
        try:
            await connection.close(timeout=_GOODBYE_S)
        except _BROKEN:  # it is gone already, or (TimeoutError) stuck
            connection.terminate()

    async def _snapshot(self) -> str:
        if self._connection is None:
            raise ReplicationError("the source is not open")
        try:
            text: str = await self._connection.fetchval(_SNAPSHOT)
        except _BROKEN as error:
            raise ReplicationLost(f"the snapshot cannot be read: {error}") from error
        return text


def visible(xids: set[int], snapshot: str) -> bool:
    """Whether all transactions, with the 32-bit numbers of the WAL, are over in a snapshot (`xmin:xmax:running,…`)."""
    _, xmax, listed = snapshot.split(":")
    following = int(xmax)
    running = {int(number) for number in listed.split(",") if number}
    wide = {_widened(xid, following) for xid in xids}
    return all(number < following for number in wide) and not wide & running


def _widened(xid: int, following: int) -> int:
    """The whole number of a transaction whose lower half is `xid`: the one that is nearest to `following`."""
    return following + (xid - following + _EPOCH // 2) % _EPOCH - _EPOCH // 2
