"""One PostgreSQL session of the server: opened when needed, again when it broke, and never used twice at once."""

import asyncio
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any, Final

import asyncpg

_SQL: Final = files("harness.realtime") / "sql"
_SETTINGS: Final = {
    "TimeZone": "UTC",
    "DateStyle": "ISO, MDY",
    "IntervalStyle": "postgres",
    "standard_conforming_strings": "on",
}
"""How values must be printed: the poller of the real server runs in UTC (realtime-facts 4.7)."""


def read_queries() -> Mapping[str, str]:
    """The statements of `sql/queries.sql` by name."""
    sections = (_SQL / "queries.sql").read_text("utf-8").split("-- name: ")[1:]
    named = (section.partition("\n") for section in sections)
    return {name.strip(): text.strip().rstrip(";") for name, _, text in named}


_TIMEOUT_S: Final = 15.0
"""The real server's too (Postgrex's default): one slow query, such as a filter of a monstrous regular expression, does
not keep everybody else waiting for ever."""


class Session:
    """A connection as superuser. Statements of different callers wait for each other.

    The application's name is what the real server's connection for the same purpose has (realtime-facts 4.3).
    """

    def __init__(self, dsn: str, *, application_name: str = "realtime_harness") -> None:
        self._dsn = dsn
        self._settings = {**_SETTINGS, "application_name": application_name}
        self._connection: asyncpg.Connection | None = None
        self._turn = asyncio.Lock()

    @property
    def standing(self) -> bool:
        """Whether the connection is there, as far as was heard; it may be opened again at any time."""
        return self._connection is not None and not self._connection.is_closed()

    async def fetch(self, query: str, *arguments: Any) -> Sequence[asyncpg.Record]:
        """The rows of a query. Raises `asyncpg.PostgresError`, `asyncpg.InterfaceError` or `OSError`, which
        `TimeoutError` is: after 15 s the query is cancelled.
        """
        async with self._turn:
            connection = await self._connected()
            rows: list[asyncpg.Record] = await connection.fetch(query, *arguments)
            return rows

    async def install(self) -> None:
        """Create the functions of `sql/schema.sql`."""
        await self.execute((_SQL / "schema.sql").read_text("utf-8"))

    async def execute(self, script: str) -> None:
        """Run statements that give no rows, in one transaction. Raises what `fetch` raises."""
        async with self._turn:
            await (await self._connected()).execute(script)

    async def close(self) -> None:
        """End the session. Safe to call twice."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _connected(self) -> asyncpg.Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await asyncpg.connect(
                self._dsn, server_settings=self._settings, command_timeout=_TIMEOUT_S
            )
        return self._connection
