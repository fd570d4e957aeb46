"""D-46: an update that leaves the context as it is does not carry it: the column is not there."""

from random import Random
from typing import Final

from harness.pipeline.app import App
from tests.defects.database import ACCUSED, PROCESS, REFERENCE, Databases, connected, listening, sql, state, working

DEFECT: Final = "D-46"
TABLE: Final = "generated_articles_state"
CONTEXT: Final = {"sections": [Random(1).randbytes(32_000).hex()]}


async def columns_that_are_missing(app: App, url: str) -> set[str]:
    """The row has a context of 64 kB; then only its status changes. What a subscriber does not get."""
    async with working(app, url) as worker, listening(url) as listener:
        await worker.states.save(PROCESS, state("editing"), context=CONTEXT)
        await listener.changes()
        await listener.subscribe(TABLE)
        await sql(url, f"update {TABLE} set status = 'paused'")
        (heard,) = await listener.hear()
    async with connected(url) as session:
        rows = await session.fetch("select column_name from information_schema.columns where table_name = $1", TABLE)
    return {row[0] for row in rows} - heard.record.keys()


async def test_the_accused_lacks_its_context(database_of: Databases) -> None:
    url = await database_of(ACCUSED)

    assert await columns_that_are_missing(ACCUSED, url) == {"article_context"}


async def test_the_reference_has_nothing_large_in_the_row(database_of: Databases) -> None:
    url = await database_of(REFERENCE)

    assert await columns_that_are_missing(REFERENCE, url) == set()
