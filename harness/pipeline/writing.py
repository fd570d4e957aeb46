"""The step that writes sections: each is streamed in chunks, and begun anew after an error (D-73)."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from harness.events.event import text_hash
from harness.events.types import SectionChunk, SectionCompleted
from harness.pipeline.desk import Desk
from harness.pipeline.flow_options import WRITING
from harness.pipeline.prose import pieces
from harness.pipeline.publisher import ACTOR

CHUNK_CHARS: Final = 12
"""At least this long are the chunks of a section, where there are many."""


async def write_sections(desk: Desk) -> Mapping[str, Any]:
    """Write the sections that are not written yet; those that are stay as they are."""
    for index in range(len(desk.draft.sections), len(desk.draft.headings)):
        await _write(desk, index)
    return {"sections": len(desk.draft.sections), "chars": len(desk.draft.text)}


async def _write(desk: Desk, index: int) -> None:
    draft, heading = desk.draft, desk.draft.headings[index]
    draft.attempts[index] += 1
    attempt = draft.attempts[index]
    text = desk.prose.section(heading, chars=max(desk.options.section_chars, CHUNK_CHARS * desk.options.chunks))
    _record_source(desk, index, attempt, text)
    for chunk in section_chunks(
        text, desk.options.chunks, index=index, heading=heading, attempt=attempt, image_mode=bool(draft.pictures)
    ):
        desk.may_fail(WRITING, chunk.chunk_index)
        await desk.process.tell(chunk)
        await desk.process.rest(desk.options.chunk_interval_s)
    done = SectionCompleted(
        section_index=index,
        section_heading=heading,
        attempt=attempt,
        content=text,
        content_sha256=text_hash(text),
        images=draft.pictures_of(index),
    )
    await desk.process.tell(done)
    draft.sections.append(text)


def section_chunks(
    text: str, count: int, *, index: int, heading: str, attempt: int = 1, image_mode: bool = False
) -> Iterator[SectionChunk]:
    """The events that stream a section's text; their chunks joined are the text."""
    offset = 0
    for number, piece in enumerate(pieces(text, count)):
        end = offset + len(piece)
        yield SectionChunk(
            section_index=index,
            section_heading=heading,
            attempt=attempt,
            chunk_index=number,
            offset=offset,
            html_chunk=piece,
            is_complete=number == count - 1,
            total_chars_generated=end,
            estimated_section_length=len(text),
            generation_progress=round(100 * end / len(text), 1),
            image_mode=image_mode,
        )
        offset = end


def _record_source(desk: Desk, index: int, attempt: int, text: str) -> None:
    source = {"section_index": index, "attempt": attempt, "sha256": text_hash(text), "chars": len(text)}
    desk.recorder.record(ACTOR, "source", {"process_id": desk.process.id, **source})
