"""D-56: nobody looks at the numbers, so a frame that comes twice is appended twice, and a late one at the end."""

from typing import Any, Final

from harness.events.event import text_hash
from harness.pipeline.as_specified.page import Page
from harness.pipeline.subscriber import Subscriber
from tests.browser import EVENTS, Stage, a_change, a_row, accused, reference
from tests.instant import run

DEFECT: Final = "D-56"
TEXT: Final = "木の家"


def a_chunk(sequence: int) -> dict[str, Any]:
    place = sequence - 1
    data = {
        "section_index": 0,
        "section_heading": "A",
        "chunk_index": place,
        "offset": place,
        "html_chunk": TEXT[place],
        "total_chars_generated": sequence,
        "estimated_section_length": 3,
        "generation_progress": 0.0,
    }
    return a_row(sequence, "section_chunk", data)


async def text_after(stage: Stage[Page] | Stage[Subscriber], *order: int) -> str:
    """The hash of what is shown of the section when its chunks came in that order."""
    await stage.live()
    for sequence in order:
        await stage.hear(a_change(EVENTS, a_chunk(sequence)))
    await stage.reader.close()
    return str(stage.told("view")[0]["sections"][0]["sha256"])


def test_the_accused_shows_what_came_as_it_came() -> None:
    assert run(text_after(accused(), 1, 2, 2, 3)) == text_hash("木のの家")
    assert run(text_after(accused(), 1, 3, 2)) == text_hash("木家の")


def test_the_reference_shows_the_text() -> None:
    assert run(text_after(reference(), 1, 2, 2, 3)) == text_hash(TEXT)
    assert run(text_after(reference(), 1, 3, 2)) == text_hash(TEXT)
