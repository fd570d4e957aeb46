"""Prepares a stack's database for the transport of a plan: the triggers and the policy of `broadcast.sql`.

Beside the line: done once by each publishing process, before the first generation.
"""

from pathlib import Path
from typing import Final

import asyncpg

from harness.errors import StackUnfit, StackUnreachable

FILE: Final = Path(__file__).parent / "broadcast.sql"


async def install(transport: str, db_url: str) -> None:
    """Have rows broadcast, if that is the transport; safe to do again. With postgres_changes nothing is done.

    `db_url` must be good for making triggers on the tables and policies on `realtime.messages`. Raises `StackUnfit` if
    the database refuses, `StackUnreachable` if it does not answer.
    """
    if transport != "broadcast":
        return
    try:
        connection = await asyncpg.connect(db_url)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        raise StackUnreachable("DB_URL", str(error) or type(error).__name__) from error
    try:
        await connection.execute(FILE.read_text(encoding="utf-8"))
    except asyncpg.PostgresError as error:
        raise StackUnfit(f"the database does not broadcast from {FILE.name}: {error}") from error
    finally:
        await connection.close()
