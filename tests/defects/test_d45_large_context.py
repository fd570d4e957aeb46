"""D-45: the context grows past 1 MiB, and what comes of the row is what is short."""

from typing import Final

from harness.pipeline.app import App
from harness.pipeline.columns import missing
from tests.defects.database import ACCUSED, PROCESS, REFERENCE, Databases, Heard, listening, state, working

DEFECT: Final = "D-45"
TABLE: Final = "generated_articles_state"
CONTEXT: Final = {"sections": ["x" * 1_200_000]}


async def heard_of_a_large_context(app: App, url: str) -> Heard:
    async with working(app, url) as worker, listening(url) as listener:
        await listener.subscribe(TABLE)
        await worker.states.save(PROCESS, state("editing"), more={"executing_step": "editing"}, context=CONTEXT)
        (heard,) = await listener.hear()
        return heard


async def test_the_accused_loses_columns_of_its_row(database_of: Databases) -> None:
    heard = await heard_of_a_large_context(ACCUSED, await database_of(ACCUSED))

    assert heard.error == "Error 413: Payload Too Large"
    assert "article_context" not in heard.record
    assert "step_execution_metadata" in missing(TABLE, heard.record)
    assert heard.record["current_step"] == "editing"


async def test_the_reference_publishes_a_hash(database_of: Databases) -> None:
    heard = await heard_of_a_large_context(REFERENCE, await database_of(REFERENCE))

    assert (heard.error, missing(TABLE, heard.record)) == (None, ())
