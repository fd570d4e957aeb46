"""What was committed, whoever loses it later: records the hop `commit` from a permanent slot of our own."""

import asyncio
from datetime import datetime
from typing import Any, Final, Protocol

import asyncpg

from harness.clock import Clock, SystemClock, time_factor
from harness.errors import ReplicationError
from harness.history import Recorder, hops
from harness.replication.change import Change, Trace, row_of
from harness.replication.lsn import Lsn
from harness.replication.source import ChangeSource

ACTOR: Final = "witness"
SLOT: Final = "harness_witness"

_CLOCK: Final = SystemClock()
_AGAIN_S: Final = 0.2
_LOOK_S: Final = 0.005


class PermanentSource(ChangeSource, Protocol):
    """A source that goes on where it was, and knows where that is: `StreamedSource(slot=SLOT, temporary=False)`."""

    @property
    def position(self) -> Lsn:
        """All that was committed before it has been read and dealt with."""
        ...

    async def drop(self) -> None:
        """Close, and remove the slot; raises `ReplicationError`."""
        ...


class Witness:
    """Reads `source` and records each committed row that `trace` follows, once and in commit order.

    The value of an op is what `trace` says of the row, with `table, action, lsn, commit_timestamp, at`; `at` is
    seconds since `started`, the run's beginning by the wall clock. A stream that breaks (PostgreSQL restarts) is
    recorded as an op of type `info` with its error, then opened again where it ended.
    """

    def __init__(
        self,
        source: PermanentSource,
        *,
        url: str,
        recorder: Recorder,
        trace: Trace,
        started: datetime,
        clock: Clock = _CLOCK,
    ) -> None:
        """`url` is the database of `source`: it is asked how far the WAL has come."""
        self._source = source
        self._url = url
        self._recorder = recorder
        self._trace = trace
        self._started = started
        self._clock = clock
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Stand ready: what is committed from now on is recorded. Raises `ReplicationError`."""
        await self._source.open()
        self._task = asyncio.create_task(self._watch(), name="witness")

    async def settled(self, timeout: float) -> bool:
        """Wait until everything committed before this call is recorded; False if that took too long.

        A database that restarts is waited for. Raises `ReplicationError` if it cannot be asked until then, and what
        ended the witness if it has ended.
        """
        deadline = self._clock.now() + timeout
        end = await self._end_of_wal_before(deadline)
        while self._source.position < end and self._clock.now() < deadline:
            if self._task is not None and self._task.done():
                self._task.result()
            await self._clock.sleep(_LOOK_S)
        return self._source.position >= end

    async def stop(self) -> None:
        """Stop watching and remove the slot, so that it keeps no WAL; safe to call twice."""
        task, self._task = self._task, None
        if task is None:
            return
        task.cancel()
        outcome = (await asyncio.gather(task, return_exceptions=True))[0]
        try:
            await self._source.drop()
        except ReplicationError as error:  # the server is gone, and perhaps the slot with it
            self._tell(error)
        if isinstance(outcome, Exception):
            raise outcome

    async def _watch(self) -> None:
        while True:
            try:
                batch = await self._source.read()
            except ReplicationError as error:
                self._tell(error)
                await self._open_again()
                continue
            for change in batch.changes if self._recorder.listens else ():
                self._record(change)

    async def _open_again(self) -> None:
        """Try until the server is back; the break itself is told already."""
        while True:
            await self._source.close()
            await self._clock.sleep(_AGAIN_S)
            try:
                return await self._source.open()
            except ReplicationError:
                continue

    def _record(self, change: Change) -> None:
        traced = self._trace(change.relation.table, change.action.value, row_of(change))
        if traced is None:
            return
        value: dict[str, Any] = {
            **traced,
            "table": change.relation.table,
            "action": change.action.value,
            "lsn": str(change.lsn),
            "commit_timestamp": change.commit_timestamp.isoformat(timespec="microseconds"),
            "at": (change.commit_timestamp - self._started).total_seconds() * time_factor(self._clock),
        }
        self._recorder.record(ACTOR, hops.COMMIT, value)

    def _tell(self, error: ReplicationError) -> None:
        self._recorder.record(ACTOR, hops.COMMIT, type="info", error=str(error))

    async def _end_of_wal_before(self, deadline: float) -> Lsn:
        while True:
            try:
                return await self._end_of_wal()
            except ReplicationError:
                if self._clock.now() + _AGAIN_S > deadline:
                    raise
                await self._clock.sleep(_AGAIN_S)

    async def _end_of_wal(self) -> Lsn:
        """Flushed, not only written: every commit that was confirmed is below, and the stream will get there."""
        try:
            connection = await asyncpg.connect(self._url)
            try:
                return Lsn.parse(await connection.fetchval("select pg_current_wal_flush_lsn()::text"))
            finally:
                await connection.close()
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            raise ReplicationError(f"the witness cannot ask how far the WAL has come: {error}") from error
