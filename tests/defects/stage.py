"""The two publishers side by side, each over tables in memory and in a loop in which waiting costs nothing.

What is said to one is said to the other; the tests tell them apart by what the tables hold afterwards.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from random import Random
from typing import Any, Protocol
from uuid import UUID

from harness.clock import Clock, SteerableClock
from harness.errors import InsertFailed, StoreError
from harness.events.event import ProcessEvent, text_hash
from harness.events.types import (
    EventData,
    Heartbeat,
    ImageGenerated,
    ResearchProgress,
    SectionChunk,
    SectionCompleted,
)
from harness.history import History, Recorder
from harness.pipeline.app import EventPublisher
from harness.pipeline.as_specified.publisher import SpecifiedPublisher
from harness.pipeline.as_specified.store import EventRow, StateRow
from harness.pipeline.publisher import Publisher
from harness.pipeline.store import Content
from tests.contracts.memory_store import MemoryStore
from tests.instant import BEGIN, InstantClock

PROCESS = str(UUID(int=1))
OWNER = str(UUID(int=2))


class MemoryTables:
    """`Tables` in memory: `rows` in the order of their commits.

    The next insert takes as long as `delays_s` says next, then is committed or raises the next of `faults`; one that is
    not definite is raised after the commit.
    """

    def __init__(self, clock: Clock, *, delays_s: Sequence[float] = ()) -> None:
        self.rows: list[EventRow] = []
        self.states: list[StateRow] = []
        self.contents: list[Content] = []
        self.faults: list[StoreError] = []
        self._clock = clock
        self._delays_s = iter(delays_s)

    async def max_sequence(self, process_id: str) -> int:
        return max((row.event_sequence for row in self.rows if row.process_id == process_id), default=0)

    async def insert_rows(self, rows: Sequence[EventRow]) -> None:
        await self._clock.sleep(next(self._delays_s, 0.0))
        fault = self.faults.pop(0) if self.faults else None
        if fault is not None and fault.definite:
            raise fault
        taken = {(row.process_id, row.event_sequence) for row in self.rows}
        if any((row.process_id, row.event_sequence) in taken for row in rows):
            raise InsertFailed("unique_process_sequence")
        self.rows += rows
        if fault is not None:
            raise fault

    async def update_state(self, row: StateRow) -> None:
        self.states.append(row)

    async def save_content(self, content: Content, *, at: datetime) -> None:
        self.contents.append(content)


class SlowStore(MemoryStore):
    """The reference's tables, with the same `delays_s`."""

    def __init__(self, clock: Clock, *, delays_s: Sequence[float] = ()) -> None:
        super().__init__()
        self._clock = clock
        self._delays_s = iter(delays_s)

    async def insert_event(self, event: ProcessEvent) -> int:
        await self._clock.sleep(next(self._delays_s, 0.0))
        return await super().insert_event(event)


class Written(Protocol):
    """The rows of the process in the order of their commits, as JSON."""

    async def __call__(self) -> Sequence[Mapping[str, Any]]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """One application: what it publishes through, what its tables hold, and its clock, whose wall may jump."""

    publisher: EventPublisher
    written: Written
    faults: list[StoreError]
    clock: SteerableClock
    recorder: Recorder

    @property
    def history(self) -> History:
        return History(self.recorder.ops())

    async def say(self, *events: EventData) -> None:
        for event in events:
            await self.publisher.publish(PROCESS, event)

    async def fields(self, key: str) -> list[Any]:
        """One field of the event data of all rows that have it, in the order of their commits."""
        return [row["event_data"][key] for row in await self.written() if key in row["event_data"]]

    async def types(self) -> list[str]:
        return [row["event_type"] for row in await self.written()]

    async def text(self) -> str:
        """The article as the rows tell it."""
        return "".join(row["event_data"].get("html_chunk", "") for row in await self.written())

    async def wait(self, seconds: float) -> None:
        await InstantClock().sleep(seconds)


async def accused(*, delays_s: Sequence[float] = (), debounced: bool = True) -> Desk:
    clock = SteerableClock(InstantClock())
    recorder = Recorder(clock.now)
    tables = MemoryTables(InstantClock(), delays_s=delays_s)

    async def written() -> Sequence[Mapping[str, Any]]:
        return [asdict(row) for row in tables.rows]

    publisher = SpecifiedPublisher(tables, recorder=recorder, clock=clock, rng=Random(1), debounced=debounced)
    return Desk(publisher=publisher, written=written, faults=tables.faults, clock=clock, recorder=recorder)


async def reference(*, delays_s: Sequence[float] = ()) -> Desk:
    clock = SteerableClock(InstantClock())
    recorder = Recorder(clock.now)
    store = SlowStore(InstantClock(), delays_s=delays_s)
    await store.create_process(PROCESS, user_id=OWNER, initial_request={}, at=BEGIN)

    async def written() -> Sequence[Mapping[str, Any]]:
        return (await store.events_since(PROCESS, 0, limit=10_000)).events

    publisher = Publisher(store, recorder, clock, Random(1))
    return Desk(publisher=publisher, written=written, faults=store.faults, clock=clock, recorder=recorder)


def chunk(number: int, *, section: int = 0) -> SectionChunk:
    text = f"<{section}.{number:03}>"
    return SectionChunk(
        section_index=section,
        section_heading="h",
        chunk_index=number,
        offset=number * len(text),
        html_chunk=text,
        total_chars_generated=(number + 1) * len(text),
        estimated_section_length=1000,
        generation_progress=50,
    )


def completed(section: int) -> SectionCompleted:
    return SectionCompleted(section_index=section, section_heading="h", content="", content_sha256=text_hash(""))


def image(name: str) -> ImageGenerated:
    return ImageGenerated(placeholder_id=name, image_url=f"https://images.example/{name}", gcs_path=f"gs://a/{name}")


def research(number: int) -> ResearchProgress:
    return ResearchProgress(query_index=number, total_queries=9, query=f"query {number}")


def beat() -> Heartbeat:
    return Heartbeat(timestamp=BEGIN)
