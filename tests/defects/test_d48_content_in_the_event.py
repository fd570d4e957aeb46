"""D-48: the whole text is in the last event; of more than 1 MiB nothing comes, and the article never completes."""

from typing import Final
from uuid import UUID

from harness.events.event import text_hash
from harness.events.types import ProcessCompleted
from harness.pipeline.app import App
from harness.pipeline.store import Content
from tests.defects.database import ACCUSED, PROCESS, REFERENCE, Databases, Heard, listening, state, working

DEFECT: Final = "D-48"
TEXT: Final = "長" * 400_000
ARTICLE: Final = UUID(int=9)
CONTENT: Final = Content(
    article_id=str(ARTICLE), process_id=PROCESS, title="title", content=TEXT, sha256=text_hash(TEXT)
)
END: Final = ProcessCompleted(
    article_id=ARTICLE, title="title", content_sha256=text_hash(TEXT), content_chars=len(TEXT)
)


async def heard_of_a_long_article(app: App, url: str) -> Heard:
    async with working(app, url) as worker, listening(url) as listener:
        await listener.subscribe("process_events")
        await worker.states.save_content(CONTENT)
        await worker.states.save(PROCESS, state("completed"), last=END)
        (heard,) = await listener.hear()
        return heard


async def test_the_accused_completes_without_saying_what(database_of: Databases) -> None:
    heard = await heard_of_a_long_article(ACCUSED, await database_of(ACCUSED))

    assert heard.error == "Error 413: Payload Too Large"
    assert heard.record["event_type"] == "process_completed"
    assert "event_data" not in heard.record


async def test_the_reference_tells_where_it_is_and_its_hash(database_of: Databases) -> None:
    heard = await heard_of_a_long_article(REFERENCE, await database_of(REFERENCE))

    assert heard.error is None
    assert heard.record["event_data"]["content_sha256"] == text_hash(TEXT)
