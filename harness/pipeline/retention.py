"""The daily cleanup job: what has become expendable is archived, and later deleted, a few rows at a time.

Beside the line; the statements are in `sql/maintenance.sql`.
"""

from datetime import timedelta
from typing import Final

from harness.clock import Clock
from harness.pipeline.app import Sessions
from harness.pipeline.schema import maintenance

ARCHIVED_AFTER: Final = timedelta(days=30)
EXPIRES_AFTER: Final = timedelta(days=90)
BATCH: Final = 250
"""At least so many rows a transaction: every deleted row travels to all who listen to the table (D-35)."""

PAUSE_S: Final = 0.1
"""Between two batches, in which what users wait for gets through (D-35)."""


async def clean_up(
    sessions: Sessions,
    *,
    schema: str = "public",
    archived_after: timedelta = ARCHIVED_AFTER,
    expires_after: timedelta = EXPIRES_AFTER,
    batch: int = BATCH,
    clock: Clock | None = None,
) -> int:
    """Archive what is old enough, then delete what is archived and expired; how many rows were deleted.

    Only chunks of completed sections, progress of research and heartbeats go: their text or their news is in rows
    that stay (D-33). Ages are of `created_at` by the database's clock. Numbers are never given again (D-34). Each
    batch is a transaction of its own; with a `clock` there is a pause of `PAUSE_S` between two. What went wrong comes
    out as asyncpg raises it, and what was done stays done.
    """
    statements = maintenance(schema)
    await _repeat(sessions, clock, statements["archive"], batch, archived_after, expires_after)
    return await _repeat(sessions, clock, statements["delete"], batch)


async def _repeat(sessions: Sessions, clock: Clock | None, statement: str, batch: int, *more: timedelta) -> int:
    """Until a batch is not full; how many rows it was in all."""
    total = 0
    while True:
        status: str = await sessions.execute(statement, batch, *more)
        rows = int(status.rpartition(" ")[2])  # "DELETE 500"
        total += rows
        if rows < batch:
            return total
        if clock is not None:
            await clock.sleep(PAUSE_S)
