"""D-44: the row is saved, the event that tells of it is not: two writes, and whatever comes between them."""

from typing import Final

import pytest

from harness.errors import StoreError
from harness.pipeline.app import App
from tests.defects.database import ACCUSED, PROCESS, REFERENCE, Databases, numbers, sql, state, working

DEFECT: Final = "D-44"


async def between_the_two(app: App, url: str) -> tuple[object, list[int]]:
    """The database takes the row and not the event. The step in the row, and the events that are there."""
    await sql(url, "alter table process_events add check (event_type <> 'state_updated')")
    async with working(app, url) as worker:
        with pytest.raises(StoreError):
            await worker.states.save(PROCESS, state("editing"))
        row = await worker.store.state(PROCESS)
    assert row is not None
    return row["current_step"], await numbers(url)


async def test_the_accused_is_in_a_step_that_nobody_was_told_of(database_of: Databases) -> None:
    url = await database_of(ACCUSED)

    assert await between_the_two(ACCUSED, url) == ("editing", [])


async def test_the_reference_is_still_where_it_was(database_of: Databases) -> None:
    url = await database_of(REFERENCE)

    assert await between_the_two(REFERENCE, url) == (None, [])
