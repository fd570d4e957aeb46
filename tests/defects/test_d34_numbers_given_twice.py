"""D-34: after a cleanup the largest number that is left is smaller, and numbers are given a second time."""

from typing import Final

import asyncpg

from harness.pipeline.app import App
from tests.defects.database import ACCUSED, REFERENCE, Databases, numbers, working
from tests.defects.stage import beat

DEFECT: Final = "D-34"
AGED: Final = (
    "update process_events set created_at = created_at - interval '200 days',"
    " expires_at = expires_at - interval '200 days'"
)


async def across_a_cleanup(app: App, url: str) -> list[int]:
    """Three events grow old and are cleaned away; a fresh worker says one more. The numbers that are there."""
    async with working(app, url) as worker:
        await worker.say(beat(), beat(), beat())
    async with asyncpg.create_pool(url, min_size=1, max_size=1) as pool:
        for _ in range(2):
            await pool.execute(AGED)
            await app.clean_up(pool, schema="public")
    async with working(app, url) as fresh:
        await fresh.say(beat())
    return await numbers(url)


async def test_the_accused_begins_again_at_one(database_of: Databases) -> None:
    url = await database_of(ACCUSED)

    assert await across_a_cleanup(ACCUSED, url) == [1]


async def test_the_reference_goes_on_at_four(database_of: Databases) -> None:
    url = await database_of(REFERENCE)

    assert await across_a_cleanup(REFERENCE, url) == [4]
