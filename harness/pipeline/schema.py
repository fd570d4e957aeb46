"""The application's tables as SQL: the text of `sql/`, for the schema that the user names.

Under the straight line: what `row → WAL` begins with.
"""

import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Final, Protocol

from harness.errors import UsageError

VERSION: Final = 1
"""The version that `sql/schema.sql` makes, as in the table `schema_version`."""

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
_SQL: Final = files("harness.pipeline") / "sql"


class Connection(Protocol):
    """As much of an asyncpg connection as a migration needs."""

    async def execute(self, query: str) -> Any: ...


def schema_sql(schema: str = "public") -> str:
    """The migration for tables in `schema`, to be run in one transaction, any number of times.

    Raises `UsageError` for a name that is more than letters, digits and `_`.
    """
    return _for_schema("schema.sql", schema)


def queries(schema: str = "public") -> Mapping[str, str]:
    """The application's queries by name, for tables in `schema`."""
    return by_name(_for_schema("queries.sql", schema))


def maintenance(schema: str = "public") -> Mapping[str, str]:
    """The statements of the cleanup job by name, for tables in `schema`."""
    return by_name(_for_schema("maintenance.sql", schema))


async def migrate(connection: Connection, schema: str = "public") -> None:
    """Bring the tables in `schema` to `VERSION`, or change nothing.

    One call sends one simple query, which PostgreSQL runs as one transaction.
    """
    await connection.execute(schema_sql(schema))


def by_name(sql: str) -> Mapping[str, str]:
    """The statements of a file in which each stands below a line `-- name: …`."""
    sections = re.split(r"^-- name: (\w+)\n", sql, flags=re.MULTILINE)[1:]
    return dict(zip(sections[::2], sections[1::2], strict=True))


def _for_schema(file: str, schema: str) -> str:
    if not _NAME.fullmatch(schema):
        raise UsageError(f"{schema!r} cannot be a schema: use letters, digits and _, at most 63, no digit first")
    return (_SQL / file).read_text(encoding="utf-8").replace("{schema}", f'"{schema}"')
