"""D-17: a worker that was idle fails once for every event that others have said meanwhile."""

from typing import Final

from harness.pipeline.app import App
from tests.defects.database import ACCUSED, REFERENCE, Databases, numbers, working
from tests.defects.stage import beat

DEFECT: Final = "D-17"
MEANWHILE: Final = 20


async def after_a_rest(app: App, url: str) -> int:
    """One worker says three events and rests while another says twenty; then it says twenty-one. How many fail."""
    async with working(app, url) as idle, working(app, url) as busy:
        await idle.say(*[beat()] * 3)
        await busy.say(*[beat()] * MEANWHILE)
        return len(await idle.say(*[beat()] * (MEANWHILE + 1)))


async def test_the_accused_fails_again_and_again(database_of: Databases) -> None:
    url = await database_of(ACCUSED)

    failures = await after_a_rest(ACCUSED, url)

    assert failures == MEANWHILE
    assert await numbers(url) == list(range(1, 3 + MEANWHILE + 2))


async def test_the_reference_goes_on_where_the_others_are(database_of: Databases) -> None:
    url = await database_of(REFERENCE)

    failures = await after_a_rest(REFERENCE, url)

    assert failures == 0
    assert await numbers(url) == list(range(1, 3 + MEANWHILE + MEANWHILE + 2))
