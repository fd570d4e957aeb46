"""Publishes what the application says: stamps it, writes it once however often it must be tried, and tells the history.

From the event to the row: records the hops emit, debounce and insert.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from random import Random
from typing import Any, Final
from uuid import UUID

from harness.clock import Clock
from harness.errors import StoreError, UnknownEventType
from harness.events.delivery_class import delivery_class
from harness.events.event import ProcessEvent, content_hash
from harness.events.types import EVENT_TYPES, EventData, SectionChunk
from harness.history import Recorder
from harness.history.hops import DEBOUNCE, EMIT, INSERT
from harness.pipeline.ids import new_id
from harness.pipeline.store import Store

ACTOR: Final = "app"
RETRY_DELAYS_S: Final = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2)
"""How long to wait before each further attempt at a write; after the last one it is given up."""

Write = Callable[[ProcessEvent], Awaitable[int]]
"""Commits the event, alone or with more, and returns its sequence. Harmless when done again."""


class _Line:
    """The events of one process: their intents and ids, and one write at a time."""

    def __init__(self, rng: Random) -> None:
        self.turn = asyncio.Lock()
        self.intent = 0
        self.rng = rng


class Publisher:
    """Publishes events of any number of processes, those of one process in the order of the calls.

    Each process draws its ids from a generator of its own, made when it first publishes, so that processes that
    run side by side do not disturb each other's.
    """

    def __init__(self, store: Store, recorder: Recorder, clock: Clock, rng: Random) -> None:
        self._store = store
        self._recorder = recorder
        self._clock = clock
        self._rng = rng
        self._lines: dict[str, _Line] = {}

    async def publish(self, process_id: str, data: EventData, *, write: Write | None = None) -> int:
        """Commit the event and return its sequence; `write` is for who commits more with it.

        What goes wrong is tried again with the same id (D-22). Raises the last `StoreError` when all attempts
        were in vain, and `UnknownEventType` for data of a model that is not registered (D-25). A caller that is
        cancelled meanwhile is so only after the outcome is known (D-6).
        """
        if EVENT_TYPES.get(data.event_type) is not type(data):
            raise UnknownEventType(type(data).__name__, sorted(EVENT_TYPES))
        line = self._line(process_id)
        event = self._stamped(line, process_id, data)
        writing = asyncio.ensure_future(self._in_turn(line, event, write or self._store.insert_event))
        try:
            return await asyncio.shield(writing)
        except asyncio.CancelledError:
            await asyncio.wait([writing])
            if not writing.cancelled():
                writing.exception()  # it is recorded; the caller wants to end
            raise

    def forget(self, process_id: str) -> None:
        """Drop what is kept for a process that has ended (D-14)."""
        self._lines.pop(process_id, None)

    def _line(self, process_id: str) -> _Line:
        if process_id not in self._lines:
            self._lines[process_id] = _Line(Random(self._rng.getrandbits(64)))
        return self._lines[process_id]

    def _stamped(self, line: _Line, process_id: str, data: EventData) -> ProcessEvent:
        line.intent += 1
        event = ProcessEvent(
            id=new_id(line.rng),
            process_id=UUID(process_id),
            intent=line.intent,
            emitted_at=self._clock.wall(),
            data=data,
        )
        keys = {**_keys(event), "intent": event.intent}
        emitted = {
            **keys,
            "delivery_class": delivery_class(event.event_type),
            "content": content_hash(event.event_data()),
        }
        self._recorder.record(ACTOR, EMIT, {**emitted, **_place(data)})
        self._recorder.record(ACTOR, DEBOUNCE, {**keys, "outcome": "published", "into": str(event.id)})
        return event

    async def _in_turn(self, line: _Line, event: ProcessEvent, write: Write) -> int:
        async with line.turn:
            for attempt, delay_s in enumerate(RETRY_DELAYS_S, start=1):
                try:
                    return await self._attempt(event, write, attempt)
                except StoreError:  # recorded by the attempt
                    await self._clock.sleep(delay_s)
            return await self._attempt(event, write, len(RETRY_DELAYS_S) + 1)

    async def _attempt(self, event: ProcessEvent, write: Write, attempt: int) -> int:
        told = {**_keys(event), "attempt": attempt}
        self._recorder.record(ACTOR, INSERT, told, type="invoke")
        try:
            sequence = await write(event)
        except StoreError as error:
            self._recorder.record(ACTOR, INSERT, told, type="fail" if error.definite else "info", error=str(error))
            raise
        self._recorder.record(ACTOR, INSERT, {**told, "sequence": sequence})
        return sequence


def _keys(event: ProcessEvent) -> Mapping[str, Any]:
    return {"process_id": str(event.process_id), "event_id": str(event.id), "event_type": event.event_type}


def _place(data: EventData) -> Mapping[str, Any]:
    """Which piece of the text a chunk is."""
    if not isinstance(data, SectionChunk):
        return {}
    return {"section_index": data.section_index, "attempt": data.attempt, "chunk_index": data.chunk_index}
