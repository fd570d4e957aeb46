"""What one article generation says, and when each event is due: the same seed gives the same events.

The beginning of the line under load: an open model. No event waits for what became of an earlier one, so a system that
slows down is not offered less (load-practice 4.1).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Final
from uuid import UUID

from harness.events.event import text_hash
from harness.events.types import (
    EventData,
    Heartbeat,
    ImageGenerated,
    ImagePlaceholderGenerated,
    ProcessCompleted,
    ProcessCreated,
    Progress,
    ResearchProgress,
    SectionChunk,
    SectionCompleted,
    StateUpdated,
    StepCompleted,
    StepUpdate,
)
from harness.events.workflow import STEPS, Phase
from harness.pipeline.ids import new_id
from harness.pipeline.prose import Prose, keywords_of
from harness.pipeline.writing import CHUNK_CHARS, section_chunks
from load.offering.shape import SHAPES

RESEARCH: Final = STEPS[4]
WRITING: Final = STEPS[7]
CHUNKS: Final = 40
"""How many pieces a section is streamed in; the last section has what is left."""
SPREAD: Final = 0.5
"""By which share of itself the interval between two events varies, up or down."""
_AROUND: Final = 8
"""Events of a section beside its chunks."""
_FRAME: Final = 9
"""Events of a generation beside its sections."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """An event to be said `at` so many seconds after the generation has begun.

    With `saves`, the state row is saved with these facts together with the event. `chars` is how much text it streams.
    """

    at: float
    data: EventData
    saves: StateUpdated | None = None
    chars: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The text of a section as it is written, to be told before its first chunk; `at` as for `Due`."""

    at: float
    section_index: int
    sha256: str
    chars: int


@dataclass(frozen=True, slots=True)
class _Said:
    data: EventData
    saves: StateUpdated | None = None


def generation(
    process_id: str, rng: Random, *, rate: float, seconds: float, begins: datetime, shape: str = "plateau"
) -> tuple[Sequence[Due], Sequence[Source]]:
    """The events of one generation in the order of their times, and the texts of its sections.

    There are `rate` times `seconds` of them, times the mean of the `shape`, but at least one short section's worth. The
    last is the end of the process. `begins` is the date and time of second 0, for what the events say of time.
    """
    form = SHAPES[shape]
    texts: list[tuple[int, str]] = []
    said = list(_story(process_id, rng, count=round(rate * seconds * form.mean), texts=texts, begins=begins))
    mean = seconds / len(said)
    even = rng.uniform(0.0, mean)
    dues: list[Due] = []
    for one in said:
        at, data = form.warped(even, seconds), one.data
        if isinstance(data, Heartbeat):
            data = Heartbeat(timestamp=begins + timedelta(seconds=at))
        chars = len(data.html_chunk) if isinstance(data, SectionChunk) else 0
        dues.append(Due(at=at, data=data, saves=one.saves, chars=chars))
        even += mean * rng.uniform(1 - SPREAD, 1 + SPREAD)
    return dues, [_source(dues, index, text) for index, text in texts]


def _source(dues: Sequence[Due], index: int, text: str) -> Source:
    first = next(due for due in dues if isinstance(due.data, SectionChunk) and due.data.section_index == index)
    return Source(at=first.at, section_index=index, sha256=text_hash(text), chars=len(text))


def _story(
    process_id: str, rng: Random, *, count: int, texts: list[tuple[int, str]], begins: datetime
) -> Iterator[_Said]:
    """`count` events in the order that the automaton of a process allows; what the sections say goes to `texts`."""
    prose = Prose(rng, keywords=keywords_of({}))
    sizes = _sections(count - _FRAME)
    headings = prose.headings(len(sizes))
    yield _Said(ProcessCreated(process_id=UUID(process_id), initial_request={}))
    yield _Said(_step(RESEARCH, previous=None))
    for number, query in enumerate(prose.queries(3), start=1):
        yield _Said(ResearchProgress(query_index=number, total_queries=3, query=query, sources_found=prose.findings()))
    yield _Said(StepCompleted(step=RESEARCH))
    yield _Said(_step(WRITING, previous=RESEARCH))
    for index, (heading, chunks) in enumerate(zip(headings, sizes, strict=True)):
        text = prose.section(heading, chars=CHUNK_CHARS * chunks)
        texts.append((index, text))
        yield from _section(process_id, prose, index=index, heading=heading, text=text, chunks=chunks, begins=begins)
    yield _Said(StepCompleted(step=WRITING))
    yield _end(rng, texts)


def _sections(events: int) -> Sequence[int]:
    """How many chunks each section has, so that all of them with what is around are so many events."""
    whole, left = divmod(max(events, _AROUND + 1), CHUNKS + _AROUND)
    if left <= _AROUND and whole:
        return [*[CHUNKS] * (whole - 1), CHUNKS + left]
    return [*[CHUNKS] * whole, left - _AROUND]


def _section(
    process_id: str, prose: Prose, *, index: int, heading: str, text: str, chunks: int, begins: datetime
) -> Iterator[_Said]:
    for chunk in section_chunks(text, chunks, index=index, heading=heading):
        yield _Said(chunk)
    yield _Said(Heartbeat(timestamp=begins))
    placeholders = [f"image-{index}-{number}" for number in range(2)]
    for name in placeholders:
        description, prompt = prose.image(heading)
        yield _Said(
            ImagePlaceholderGenerated(placeholder_id=name, section_index=index, description=description, prompt=prompt)
        )
    for name in placeholders:
        file = f"{process_id}/{name}.webp"
        url, path = f"https://images.example/{file}", f"gs://articles/{file}"
        yield _Said(ImageGenerated(placeholder_id=name, image_url=url, gcs_path=path))
    done = SectionCompleted(
        section_index=index,
        section_heading=heading,
        content=text,
        content_sha256=text_hash(text),
        images=tuple(placeholders),
    )
    yield _Said(done)
    facts = _facts(WRITING, Phase.RUNNING)
    yield _Said(facts, saves=facts)
    yield _Said(_step(WRITING, previous=WRITING))


def _end(rng: Random, texts: Sequence[tuple[int, str]]) -> _Said:
    article = "".join(text for _, text in texts)
    completed = ProcessCompleted(
        article_id=new_id(rng), title="load", content_sha256=text_hash(article), content_chars=len(article)
    )
    return _Said(completed, saves=_facts("completed", Phase.COMPLETED))


def _facts(step: str, phase: Phase) -> StateUpdated:
    return StateUpdated(current_step=step, status=phase, is_waiting_for_input=False)


def _step(step: str, *, previous: str | None) -> StepUpdate:
    done = STEPS.index(step)
    progress = Progress(completed_steps=done, total_steps=len(STEPS), percentage=round(100 * done / len(STEPS), 1))
    return StepUpdate(step=step, previous_step=previous, message=step, progress=progress)
