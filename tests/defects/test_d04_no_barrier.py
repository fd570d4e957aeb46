"""D-4: what closes a section, or the process, does not wait for what is held back under another type."""

from typing import Final
from uuid import UUID

from harness.events.event import text_hash
from harness.events.types import ProcessCompleted
from tests.defects.stage import Desk, accused, chunk, completed, reference
from tests.instant import run

DEFECT: Final = "D-4"
END: Final = ProcessCompleted(article_id=UUID(int=9), title="t", content_sha256=text_hash(""), content_chars=0)


async def end_at_once(desk: Desk) -> list[str]:
    """Two chunks within the interval, then the end of the section and of the process."""
    await desk.say(chunk(0), chunk(1), completed(0), END)
    await desk.wait(1.0)
    return [str(op.value.event_type) for op in desk.history.where(f="insert", type="ok")]


def test_the_accused_tells_the_last_chunk_after_the_end() -> None:
    async def story() -> tuple[list[str], list[int]]:
        desk = await accused()
        return await end_at_once(desk), await desk.fields("chunk_index")

    types, chunks = run(story())

    assert types == ["section_chunk", "generic_event", "process_completed", "section_chunk"]
    assert chunks == [0, 1]


def test_the_reference_tells_the_end_last() -> None:
    async def story() -> list[str]:
        return await end_at_once(await reference())

    assert run(story()) == ["section_chunk", "section_chunk", "section_completed", "process_completed"]
