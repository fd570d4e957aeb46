"""D-16: two workers count the same process in their own memories and give the same numbers."""

import asyncio
from typing import Final

from harness.pipeline.app import App
from tests.defects.database import ACCUSED, REFERENCE, Databases, numbers, working
from tests.defects.stage import beat

DEFECT: Final = "D-16"
EACH: Final = 10


async def side_by_side(app: App, url: str) -> int:
    """Two workers say ten events each, taking turns as it comes; how many calls raised."""
    async with working(app, url) as one, working(app, url) as other:
        raised = await asyncio.gather(*(worker.say(*[beat()] * EACH) for worker in (one, other)))
    return sum(map(len, raised))


async def test_the_accused_loses_events_to_its_own_second_worker(database_of: Databases) -> None:
    url = await database_of(ACCUSED)

    raised = await side_by_side(ACCUSED, url)

    assert raised > 0
    assert len(await numbers(url)) == 2 * EACH - raised


async def test_the_reference_numbers_them_in_the_database(database_of: Databases) -> None:
    url = await database_of(REFERENCE)

    raised = await side_by_side(REFERENCE, url)

    assert raised == 0
    assert await numbers(url) == list(range(1, 2 * EACH + 1))
