"""A slot polled by SQL, as the real server polls its own: between the WAL and the Realtime worker."""

from typing import Final

import asyncpg

from harness.clock import Clock, SystemClock
from harness.errors import ReplicationError, ReplicationLost, SlotBusy
from harness.replication.change import Change
from harness.replication.pgoutput import Assembler
from harness.replication.source import Batch

_CLOCK: Final = SystemClock()
_GOODBYE_S: Final = 5.0
_BROKEN: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
_LOST: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.InterfaceError,
    OSError,
)

_SLOT = "select temporary from pg_replication_slots where slot_name = $1"
_CREATE = "select pg_create_logical_replication_slot($1, 'pgoutput', true)"
_DROP = "select pg_drop_replication_slot($1)"
_MAY_SNAPSHOT = """
select exists (
    select from pg_proc where proname = 'pg_log_standby_snapshot' and has_function_privilege(oid, 'execute')
)
"""
_SNAPSHOT = "select pg_log_standby_snapshot()"
_READ = """
select data from pg_logical_slot_get_binary_changes(
    $1, null, $2, 'proto_version', '1', 'publication_names', quote_ident($3)
)
"""


class PolledSource:
    """A temporary slot on a connection of its own; one read is one poll and returns at once.

    `max_changes` counts what pgoutput says (BEGIN, RELATION and COMMIT too) and is looked at only at a commit,
    so a large transaction comes whole (realtime-facts 4.3). Any error in the session takes the slot with it, as
    it does the real server's: after a `ReplicationError` close, and open again.

    `snapshot_every_s` (0: never) logs the running transactions now and then. Without it each poll decodes again
    all that was written in the last 15 s (30 ms for an empty poll after 40,000 rows, tech.md 2). The real server
    does not do it. It needs PostgreSQL 16 and the right to; where one is missing it is left out.
    """

    def __init__(
        self,
        url: str,
        *,
        slot: str = "supabase_realtime_replication_slot",
        publication: str = "supabase_realtime",
        max_changes: int = 100,
        snapshot_every_s: float = 1.0,
        application_name: str = "realtime_rls",
        clock: Clock = _CLOCK,
    ) -> None:
        self._url = url
        self._slot = slot
        self._publication = publication
        self._max_changes = max_changes
        self._snapshot_every_s = snapshot_every_s
        self._application_name = application_name
        self._clock = clock
        self._connection: asyncpg.Connection | None = None
        self._assembler = Assembler()
        self._next_snapshot: float | None = None
        self._made = False

    async def open(self) -> None:
        """Make the slot; waits for the write transactions that are open now, for as long as they take."""
        try:
            self._connection = await asyncpg.connect(
                self._url, server_settings={"application_name": self._application_name}
            )
            await self._prepare(self._connection)
        except _BROKEN as error:
            await self.close()
            raise _told(f"slot {self._slot} could not be made", error) from error
        except BaseException:
            await self.close()
            raise

    async def _prepare(self, connection: asyncpg.Connection) -> None:
        snapshots = self._snapshot_every_s > 0 and await connection.fetchval(_MAY_SNAPSHOT)
        self._next_snapshot = self._clock.now() + self._snapshot_every_s if snapshots else None
        self._assembler = Assembler()
        self._made = False
        temporary = await connection.fetchval(_SLOT, self._slot)
        if temporary:
            raise SlotBusy(self._slot)
        if temporary is None:
            await connection.fetchval(_CREATE, self._slot)
        self._made = temporary is None

    async def read(self) -> Batch:
        """What was committed since the last read, up to `max_changes` and then to the end of its transaction."""
        if self._connection is None:
            raise ReplicationError(f"slot {self._slot} is not open")
        try:
            await self._snapshot_if_due(self._connection)
            rows = await self._connection.fetch(_READ, self._slot, self._max_changes, self._publication)
        except _BROKEN as error:
            raise _told(f"slot {self._slot} could not be read", error) from error
        changes: list[Change] = []
        for row in rows:
            changes += self._assembler.feed(row["data"])
        return Batch(changes=tuple(changes), raw=len(rows))

    async def close(self) -> None:
        """End the session, and with it the slot; a permanent one that was found is left as it was."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            if self._made:
                await connection.fetchval(_DROP, self._slot, timeout=_GOODBYE_S)  # the session's end takes 100 ms
            await connection.close(timeout=_GOODBYE_S)
        except _BROKEN:  # a session that broke has given up its slot; one that hangs (TimeoutError) is cut off
            connection.terminate()

    async def _snapshot_if_due(self, connection: asyncpg.Connection) -> None:
        if self._next_snapshot is not None and self._clock.now() >= self._next_snapshot:
            self._next_snapshot = self._clock.now() + self._snapshot_every_s
            await connection.fetchval(_SNAPSHOT)


def _told(what: str, error: Exception) -> ReplicationError:
    """The error to raise: whether only the statement failed or the whole connection is gone."""
    return (ReplicationLost if isinstance(error, _LOST) else ReplicationError)(f"{what}: {error}")
