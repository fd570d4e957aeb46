"""The specification's publisher, to the letter: it counts in memory, inserts once, and hopes (D-16 to D-22).

From the event to the row: records the hops emit, debounce and insert.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from random import Random
from typing import Any, Final, Protocol
from uuid import UUID

from harness.clock import Clock
from harness.errors import StoreError
from harness.events.event import ProcessEvent
from harness.events.types import EventData, StateUpdated
from harness.history import Recorder
from harness.history.hops import DEBOUNCE, EMIT, INSERT
from harness.history.op import Type
from harness.pipeline.app import Write
from harness.pipeline.as_specified.debouncer import DEFAULT_PRIORITY, MIN_INTERVAL_S, Debouncer, Said
from harness.pipeline.as_specified.store import EventRow
from harness.pipeline.as_specified.type_map import event_data, published_type
from harness.pipeline.ids import new_id
from harness.pipeline.publisher import ACTOR
from harness.pipeline.trace import emitted

STATE_CATEGORY: Final = "state"
EVENT_CATEGORY: Final = "generation"
"""What the specification's callers pass; its debouncer passes neither on (D-13)."""

_Insert = Callable[[], Awaitable[Sequence[int]]]


class EventTable(Protocol):
    """What this publisher needs of `Tables`, with the promises that they make."""

    async def max_sequence(self, process_id: str) -> int: ...
    async def insert_rows(self, rows: Sequence[EventRow]) -> None: ...


class _Line:
    """The intents and ids of one process: ours, for the history."""

    def __init__(self, rng: Random) -> None:
        self.intent = 0
        self.rng = rng


class SpecifiedPublisher:
    """Publishes events of any number of processes as one worker of the specification's backend.

    `state_updated` goes straight to the table, as its code does; all else goes through a debouncer, unless
    `debounced` is False. Rows get ids of ours, so that the history can follow them, where the specification leaves
    them to the database: one for every call and never used again, so that nothing can be recognised by it (D-22).
    `min_interval` is the debouncer's, in seconds; the specification's own callers leave it as it is.
    """

    def __init__(
        self,
        tables: EventTable,
        *,
        recorder: Recorder,
        clock: Clock,
        rng: Random,
        debounced: bool = True,
        min_interval: float = MIN_INTERVAL_S,
    ) -> None:
        self.event_sequence_counters: dict[str, int] = {}  # of this worker alone, and never emptied (D-16, D-14)
        self._tables = tables
        self._recorder = recorder
        self._clock = clock
        self._rng = rng
        self._debounced = debounced
        self._debouncer = Debouncer(clock, min_interval=min_interval)
        self._debouncer.event_publisher = self  # what the specification forgets (D-12)
        self._lines: dict[str, _Line] = {}
        self._inserts: dict[asyncio.Future[None], str] = {}

    async def publish(self, process_id: str, data: EventData, *, write: Write | None = None) -> None:
        """Say one event: as `EventPublisher.publish`, but a type that is not known becomes `generic_event` (D-25).

        Raises `StoreError` at once if its insert fails: there is no second attempt.
        """
        said = self._emitted(process_id, data)
        if write is not None:
            event = self._as_ours(said, data)
            await self._publish([said], lambda: _one(write(event)))
        elif isinstance(data, StateUpdated) or not self._debounced:
            await self.publish_event(said)
        else:
            await self._debouncer.debounced_publish(said)

    async def publish_at_once(self, process_id: str, events: Sequence[EventData]) -> None:
        """Insert many events by one statement, each under the next number; the specification knows no such thing."""
        said = [self._emitted(process_id, data) for data in events]
        await self._publish(said, lambda: self._insert(said))

    async def publish_event(self, said: Said, *, awaited: bool = True) -> None:
        """Insert the event under the next number of this worker; the number is spent even if that fails (D-18)."""
        await self._publish([said], lambda: self._insert([said]), awaited=awaited)

    def overwritten(self, said: Said, by: Said) -> None:
        """Tell the history that the debouncer has replaced an event."""
        self._recorder.record(ACTOR, DEBOUNCE, {**_told(said), "outcome": "replaced", "into": by.event_id})

    async def flush(self, process_id: str) -> None:
        """Wait until nothing of the process is left to be published; it is published no sooner for that.

        The specification has no flush: this is for who must know that all is over.
        """
        while busy := [*self._debouncer.timers(process_id), *self._inserts_of(process_id)]:
            await asyncio.wait(busy)

    def forget(self, process_id: str) -> None:
        """Drop intents and ids, which are ours; the counters and times of the specification stay for ever (D-14)."""
        self._lines.pop(process_id, None)

    def held(self) -> Mapping[str, int]:
        debouncer = self._debouncer
        return {
            "keys": len(debouncer.last_event_times) + len(self.event_sequence_counters),
            "pending": len(debouncer.pending_events),
            "timers": len(debouncer.timers()),
        }

    async def close(self, *, grace: bool = True) -> None:
        """End; what is held back is lost with grace and without (D-8)."""
        await self._debouncer.close()

    def _emitted(self, process_id: str, data: EventData) -> Said:
        line = self._lines.get(process_id)
        if line is None:
            line = self._lines[process_id] = _Line(Random(self._rng.getrandbits(64)))
        line.intent += 1
        said = Said(
            event_id=str(new_id(line.rng)),
            process_id=process_id,
            intent=line.intent,
            meant=data.event_type,
            event_type=published_type(data),
            event_data=event_data(data),
            category=STATE_CATEGORY if isinstance(data, StateUpdated) else EVENT_CATEGORY,
            priority=DEFAULT_PRIORITY,
        )
        self._recorder.record(ACTOR, EMIT, {**_told(said), **emitted(data, said.event_data)})
        return said

    def _as_ours(self, said: Said, data: EventData) -> ProcessEvent:
        return ProcessEvent(
            id=UUID(said.event_id),
            process_id=UUID(said.process_id),
            intent=said.intent,
            emitted_at=self._clock.wall(),
            data=data,
        )

    async def _publish(self, events: Sequence[Said], insert: _Insert, *, awaited: bool = True) -> None:
        for said in events:
            self._recorder.record(ACTOR, DEBOUNCE, {**_told(said), "outcome": "published", "into": said.event_id})
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._inserts[over] = events[0].process_id
        try:
            await self._attempt(events, insert, awaited=awaited)
        finally:
            del self._inserts[over]
            over.set_result(None)

    async def _attempt(self, events: Sequence[Said], insert: _Insert, *, awaited: bool) -> None:
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

    async def _insert(self, events: Sequence[Said]) -> Sequence[int]:
        sequences = [await self._next_sequence(said.process_id) for said in events]
        published_at = self._clock.wall()  # before the insert, by the clock of this machine (D-23)
        rows = [
            EventRow(
                id=UUID(said.event_id),
                process_id=said.process_id,
                event_type=said.event_type,
                event_data=said.event_data,
                event_sequence=sequence,
                event_category=said.category,
                event_priority=said.priority,
                published_at=published_at,
            )
            for said, sequence in zip(events, sequences, strict=True)
        ]
        await self._tables.insert_rows(rows)
        return sequences

    async def _next_sequence(self, process_id: str) -> int:
        counters = self.event_sequence_counters
        if process_id not in counters:
            last = await self._tables.max_sequence(process_id)
            # The specification's client blocks here, so that no two calls of one worker can both set it (D-20).
            counters.setdefault(process_id, last)
        counters[process_id] += 1
        return counters[process_id]

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
