"""The specification's cleanup and its daily job (D-33, D-35).

Beside the line: it deletes rows that were on it. The specification lets pg_cron run the job; the same schedule is
driven by a `Clock` here, so that no extension is needed and a night can be as short as a run.
"""

import re
from collections.abc import Awaitable, Callable
from datetime import datetime, time, timedelta
from typing import Any, Final, Protocol

from harness.clock import Clock
from harness.pipeline.as_specified.schema import sql

SCHEDULE: Final = "0 2 * * *"
"""The specification's, as cron spells it; pg_cron goes by UTC."""
_HOUR: Final = time(2)

_BODY: Final = re.compile(r"^begin\n(.*)^end;$", re.MULTILINE | re.DOTALL)


class Sessions(Protocol):
    """As much of an asyncpg pool as the job needs: `execute` returns the tag of the statement, as `DELETE 7`."""

    async def execute(self, query: str, *args: Any) -> Any: ...


def function_sql(schema: str = "public") -> str:
    """Makes `cleanup_old_process_events()`, any number of times."""
    return sql("maintenance.sql", schema)


def statements(schema: str = "public") -> tuple[str, str]:
    """What that function does, in its order: the DELETE, then the UPDATE."""
    body = _BODY.search(function_sql(schema))
    assert body is not None, "the function has a body"
    delete, update = (statement.strip() for statement in body[1].split(";") if statement.strip())
    return delete, update


async def clean_up(sessions: Sessions, *, schema: str = "public") -> int:
    """The job once: each statement of the function whole, however many rows it meets; how many rows are deleted.

    The function itself returns nothing, so its statements are run one by one.
    """
    delete, update = statements(schema)
    tag = await sessions.execute(delete)
    await sessions.execute(update)
    return int(str(tag).split()[-1])


def next_run(wall: datetime) -> datetime:
    """When the job runs next after `wall`, which is UTC."""
    today = datetime.combine(wall.date(), _HOUR, wall.tzinfo)
    return today if wall < today else today + timedelta(days=1)


async def run_daily(job: Callable[[], Awaitable[object]], clock: Clock) -> None:
    """Run the job at every time of `SCHEDULE` until cancelled; what it raises ends this."""
    while True:
        wall = clock.wall()
        await clock.sleep((next_run(wall) - wall).total_seconds())
        await job()
