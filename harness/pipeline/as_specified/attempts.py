"""`Attempts`: the specification's debouncer and the one attempt that each event has, whatever table it goes to.

Between what the application says and the row: records the hops emit, debounce and insert. How the row is made is left
to who uses it: the specification's publisher, and a load run that compares only its debouncer.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from random import Random
from typing import Any
from uuid import UUID

from harness.clock import Clock
from harness.errors import StoreError
from harness.events.event import ProcessEvent
from harness.events.types import EventData
from harness.history import Recorder
from harness.history.hops import DEBOUNCE, EMIT, INSERT
from harness.history.op import Type
from harness.pipeline.app import Write
from harness.pipeline.as_specified.debouncer import (
    DEFAULT_CATEGORY,
    DEFAULT_PRIORITY,
    MIN_INTERVAL_S,
    Debouncer,
    Said,
)
from harness.pipeline.ids import new_id
from harness.pipeline.publisher import ACTOR
from harness.pipeline.trace import emitted

Insert = Callable[[Sequence[Said]], Awaitable[Sequence[int]]]
"""Commits the events, all or none, and returns their numbers; raises `StoreError`."""


class _Line:
    """The intents and ids of one process: ours, for the history."""

    def __init__(self, rng: Random) -> None:
        self.intent = 0
        self.rng = rng


class Attempts:
    """The events of any number of processes on their way to a table, through `insert`.

    What the debouncer drops is gone, and nothing is tried again. `min_interval` is the debouncer's, in seconds.
    """

    def __init__(
        self, insert: Insert, *, recorder: Recorder, clock: Clock, rng: Random, min_interval: float = MIN_INTERVAL_S
    ) -> None:
        self._insert = insert
        self._recorder = recorder
        self._clock = clock
        self._rng = rng
        self._debouncer = Debouncer(clock, min_interval=min_interval)
        self._debouncer.event_publisher = self  # what the specification forgets (D-12)
        self._lines: dict[str, _Line] = {}
        self._inserts: dict[asyncio.Future[None], str] = {}

    def emitted(
        self,
        process_id: str,
        data: EventData,
        *,
        event_type: str,
        event_data: Mapping[str, Any],
        category: str = DEFAULT_CATEGORY,
    ) -> Said:
        """Take note of an event that the application says; the row gets what is given here."""
        line = self._lines.get(process_id)
        if line is None:
            line = self._lines[process_id] = _Line(Random(self._rng.getrandbits(64)))
        line.intent += 1
        said = Said(
            event_id=str(new_id(line.rng)),
            process_id=process_id,
            intent=line.intent,
            meant=data.event_type,
            event_type=event_type,
            event_data=event_data,
            category=category,
            priority=DEFAULT_PRIORITY,
        )
        self._recorder.record(ACTOR, EMIT, {**_told(said), **emitted(data, event_data)})
        return said

    async def publish_debounced(self, said: Said) -> None:
        """Hand it to the debouncer, which publishes it now, some time later, or never."""
        await self._debouncer.debounced_publish(said)

    async def publish_by(self, write: Write, said: Said, data: EventData) -> None:
        """Commit it by `write`, past the debouncer."""
        event = ProcessEvent(
            id=UUID(said.event_id),
            process_id=UUID(said.process_id),
            intent=said.intent,
            emitted_at=self._clock.wall(),
            data=data,
        )
        await self._publish([said], lambda: _one(write(event)))

    async def publish_at_once(self, events: Sequence[Said]) -> None:
        """Commit them together, past the debouncer."""
        await self._publish(events, lambda: self._insert(events))

    async def publish_event(self, said: Said, *, awaited: bool = True) -> None:
        """For the debouncer: commit it; `awaited` says whether somebody hears of a failure (D-7)."""
        await self._publish([said], lambda: self._insert([said]), awaited=awaited)

    def overwritten(self, said: Said, by: Said) -> None:
        """For the debouncer: tell the history that it has replaced an event."""
        self._recorder.record(ACTOR, DEBOUNCE, {**_told(said), "outcome": "replaced", "into": by.event_id})

    async def flush(self, process_id: str) -> None:
        """Wait until nothing of the process is left to be published; it is published no sooner for that.

        The specification has no flush: this is for who must know that all is over.
        """
        while busy := [*self._debouncer.timers(process_id), *self._inserts_of(process_id)]:
            await asyncio.wait(busy)

    def forget(self, process_id: str) -> None:
        """Drop intents and ids, which are ours; the times of the specification stay for ever (D-14)."""
        self._lines.pop(process_id, None)

    def held(self) -> Mapping[str, int]:
        """As `EventPublisher.held`."""
        debouncer = self._debouncer
        return {
            "keys": len(debouncer.last_event_times),
            "pending": len(debouncer.pending_events),
            "timers": len(debouncer.timers()),
        }

    async def close(self) -> None:
        """End; what is held back is lost (D-8)."""
        await self._debouncer.close()

    async def _publish(
        self, events: Sequence[Said], insert: Callable[[], Awaitable[Sequence[int]]], *, awaited: bool = True
    ) -> None:
        for said in events:
            self._recorder.record(ACTOR, DEBOUNCE, {**_told(said), "outcome": "published", "into": said.event_id})
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._inserts[over] = events[0].process_id
        try:
            await self._attempt(events, insert, awaited=awaited)
        finally:
            del self._inserts[over]
            over.set_result(None)

    async def _attempt(
        self, events: Sequence[Said], insert: Callable[[], Awaitable[Sequence[int]]], *, awaited: bool
    ) -> None:
        told = [_row_told(said) for said in events]
        self._tell_inserts(told, "invoke")
        try:
            sequences = await insert()
        except StoreError as error:
            # `unheard`: it failed where nobody waits for it (D-7).
            told = told if awaited else [{**value, "unheard": True} for value in told]
            self._tell_inserts(told, "fail" if error.definite else "info", error=str(error))
            raise
        except asyncio.CancelledError:
            self._tell_inserts(told, "info", error="cancelled in mid-insert")
            raise
        numbered = [{**value, "sequence": sequence} for value, sequence in zip(told, sequences, strict=True)]
        self._tell_inserts(numbered, "ok")

    def _tell_inserts(self, told: Sequence[Mapping[str, Any]], type: Type, *, error: str | None = None) -> None:
        for value in told:
            self._recorder.record(ACTOR, INSERT, value, type=type, error=error)

    def _inserts_of(self, process_id: str) -> list[asyncio.Future[None]]:
        return [over for over, owner in self._inserts.items() if owner == process_id]


async def _one(write: Awaitable[int]) -> Sequence[int]:
    return [await write]


def _row_told(said: Said) -> Mapping[str, Any]:
    """As the row has it."""
    return {
        "process_id": said.process_id,
        "event_id": said.event_id,
        "event_type": said.event_type,
        "attempt": 1,
    }


def _told(said: Said) -> Mapping[str, Any]:
    """As the application means it: the type that the row gets is told by the insert."""
    return {
        "process_id": said.process_id,
        "event_id": said.event_id,
        "event_type": said.meant,
        "intent": said.intent,
    }
