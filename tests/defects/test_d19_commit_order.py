"""D-19: a later number is committed, and seen, before an earlier one."""

import asyncio
from typing import Final

from harness.clock import SystemClock
from harness.pipeline.app import App
from tests.defects.database import ACCUSED, REFERENCE, Databases, numbers, sql, working
from tests.defects.stage import beat, research

DEFECT: Final = "D-19"
SLOW_COMMIT: Final = (
    "create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(0.5); return null; end $$",
    "create constraint trigger slow after insert on process_events deferrable initially deferred"
    " for each row when (new.event_data ? 'query') execute function slow()",
)


async def one_commit_is_slow(app: App, url: str) -> list[int]:
    """The first event takes half a second to commit; what is there when the second one is."""
    await sql(url, *SLOW_COMMIT)
    async with working(app, url) as worker:
        first = asyncio.ensure_future(worker.say(research(1)))
        await SystemClock().sleep(0.2)
        await worker.say(beat())
        seen = await numbers(url)
        await first
    assert await numbers(url) == [1, 2]
    return seen


async def test_the_accused_shows_the_second_without_the_first(database_of: Databases) -> None:
    url = await database_of(ACCUSED)

    assert await one_commit_is_slow(ACCUSED, url) == [2]


async def test_the_reference_commits_in_the_order_of_the_numbers(database_of: Databases) -> None:
    url = await database_of(REFERENCE)

    assert await one_commit_is_slow(REFERENCE, url) == [1, 2]
