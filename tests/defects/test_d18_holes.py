"""D-18: a number is spent before the insert; when that fails, a hole stays that looks like an event to come."""

from typing import Final

from harness.pipeline.app import App
from tests.defects.database import ACCUSED, REFERENCE, Databases, numbers, sql, working
from tests.defects.stage import beat, research

DEFECT: Final = "D-18"


async def with_one_refused(app: App, url: str) -> int:
    """Three events, of which the database does not take the second; how many fail."""
    await sql(url, "alter table process_events add check (event_data ->> 'query' is null)")
    async with working(app, url) as worker:
        return len(await worker.say(beat(), research(1), beat()))


async def test_the_accused_leaves_a_hole(database_of: Databases) -> None:
    url = await database_of(ACCUSED)

    failures = await with_one_refused(ACCUSED, url)

    assert failures == 1
    assert await numbers(url) == [1, 3]


async def test_the_reference_leaves_none(database_of: Databases) -> None:
    url = await database_of(REFERENCE)

    failures = await with_one_refused(REFERENCE, url)

    assert failures == 1
    assert await numbers(url) == [1, 2]
