"""The world that faults act on: a database, and as far as they are there its server, our engine, the application.

Beside the line. What a backend or client does not have is left out here, and a fault that needs it is refused.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from random import Random
from typing import Any, Final

import asyncpg

from harness.clock import Clock, time_factor
from harness.errors import FaultUnsupported, StackError, StoryFault
from harness.faults.fault import EVERY, SESSIONS, AppControl, Capability, Engine, Machine

_BROKEN: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
_GOODBYE_S: Final = 5.0
_SETTINGS: Final = {
    "application_name": SESSIONS,
    "synchronous_commit": "local",  # what a fault does must not wait for a standby that a fault has invented
}


class StackWorld:
    """See `World`. `url` is a superuser's; call `close` last.

    `restart` restarts the database, `engine` and `app` are there if they run in this process. `machines` are those of
    the readers by name, looked up when they are needed; a client whose timers cannot be bent says so itself. `links`
    says that readers are reached through one proxy of ours.
    """

    def __init__(
        self,
        *,
        url: str,
        schema: str,
        machines: Mapping[str, Machine],
        clock: Clock,
        rng: Random,
        publication: str = "supabase_realtime",
        links: bool = True,
        restart: Callable[[], Awaitable[None]] | None = None,
        engine: Engine | None = None,
        app: AppControl | None = None,
        where: str = "this backend",
    ) -> None:
        self.clock: Final = clock
        self.rng: Final = rng
        self.schema: Final = schema
        self.publication: Final = publication
        self._machines = machines
        self._links = links
        self._restart = restart
        self._engine = engine
        self._app = app
        self._where = where
        self._sessions: defaultdict[str, _Session] = defaultdict(lambda: _Session(url))

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What the parts that it was given let a fault do."""
        there = {
            Capability.LINKS: self._links,
            Capability.MACHINES: True,
            Capability.SQL: True,
            Capability.RESTART: self._restart is not None,
            Capability.ENGINE: self._engine is not None,
            Capability.APP: self._app is not None,
        }
        return frozenset(each for each, given in there.items() if given)

    @property
    def engine(self) -> Engine:
        """See `World`."""
        if self._engine is None:
            raise self._unsupported(Capability.ENGINE)
        return self._engine

    @property
    def app(self) -> AppControl:
        """See `World`."""
        if self._app is None:
            raise self._unsupported(Capability.APP)
        return self._app

    def real_seconds(self, seconds: float) -> float:
        """See `World`."""
        return seconds / time_factor(self.clock)

    async def sql(self, statement: str, *arguments: Any, session: str = "main") -> Sequence[Mapping[str, Any]]:
        """See `World`. A session that broke is opened again. Raises `StackError`."""
        try:
            rows = await self._sessions[session].fetch(statement, *arguments)
        except _BROKEN as error:
            raise StackError(f"the database did not do what a fault asked for: {error}") from error
        return [dict(row) for row in rows]

    async def restart_database(self) -> None:
        """See `World`."""
        if self._restart is None:
            raise self._unsupported(Capability.RESTART)
        await self._restart()

    def machine(self, reader: str) -> Machine:
        """See `World`; any of them for `EVERY`. Raises `StoryFault` for a reader that there is not (yet)."""
        if reader == EVERY and self._machines:
            return next(iter(self._machines.values()))
        if reader not in self._machines:
            raise StoryFault(f"no reader {reader!r} has subscribed yet; there are {sorted(self._machines)}")
        return self._machines[reader]

    async def close(self) -> None:
        """End its sessions. Safe to call twice."""
        for session in self._sessions.values():
            await session.close()

    def _unsupported(self, needed: Capability) -> FaultUnsupported:
        return FaultUnsupported("that is to begin", needed, self._where)


class _Session:
    """A connection, opened when needed, again when it broke, and never used twice at once."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: asyncpg.Connection | None = None
        self._turn = asyncio.Lock()

    async def fetch(self, statement: str, *arguments: Any) -> Sequence[asyncpg.Record]:
        async with self._turn:
            if self._connection is None or self._connection.is_closed():
                self._connection = await asyncpg.connect(self._url, server_settings=_SETTINGS)
            rows: list[asyncpg.Record] = await self._connection.fetch(statement, *arguments)
            return rows

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            await connection.close(timeout=_GOODBYE_S)
        except _BROKEN:  # it is gone already, or (TimeoutError) stuck
            connection.terminate()
