"""The specification's debouncer in front of the reference's tables: `--debounce as-specified`.

From the event to the row, as `pipeline.publisher` is: records the hops emit, debounce and insert. Everything but the
debouncer is the reference's (types, numbers from the database), so that a load run compares debounce policies and
nothing else; the whole of the specification's application stands trial in `harness bugs`.
"""

import asyncio
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any
from uuid import UUID

from harness.clock import Clock
from harness.errors import StoreError
from harness.events.event import ProcessEvent
from harness.events.types import EventData
from harness.history import Recorder
from harness.history.hops import DEBOUNCE, EMIT, INSERT
from harness.pipeline.app import Write
from harness.pipeline.as_specified.debouncer import Debouncer, Said
from harness.pipeline.ids import new_id
from harness.pipeline.publisher import ACTOR
from harness.pipeline.store import Store
from harness.pipeline.trace import emitted


class SpecifiedDebounce:
    """An `EventPublisher`. What its debouncer drops is gone, and a failed insert is not tried again."""

    def __init__(self, store: Store, *, recorder: Recorder, clock: Clock, rng: Random) -> None:
        self._store = store
        self._recorder = recorder
        self._clock = clock
        self._rng = rng
        self._debouncer = Debouncer(clock)
        self._debouncer.event_publisher = self  # what the specification forgets (D-12)
        self._events: dict[str, ProcessEvent] = {}  # those that are not yet written or dropped
        self._intents: dict[str, int] = {}
        self._inserts: dict[asyncio.Future[None], str] = {}

    async def publish(self, process_id: str, data: EventData, *, write: Write | None = None) -> None:
        """What the state is saved with goes straight to the table, all else through the debouncer."""
        said = self._emitted(process_id, data)
        if write is None:
            await self._debouncer.debounced_publish(said)
        else:
            await self._insert(said, write)

    async def publish_at_once(self, process_id: str, events: Sequence[EventData]) -> None:
        """One after the other, past the debouncer: the specification knows no such thing."""
        for data in events:
            await self._insert(self._emitted(process_id, data), self._store.insert_event)

    async def publish_event(self, said: Said, *, awaited: bool = True) -> None:
        """For the debouncer: write the event; `awaited` says whether somebody hears of a failure (D-7)."""
        await self._insert(said, self._store.insert_event, awaited=awaited)

    def overwritten(self, said: Said, by: Said) -> None:
        """For the debouncer: an event is replaced by another one."""
        del self._events[said.event_id]
        self._recorder.record(ACTOR, DEBOUNCE, {**_told(said), "outcome": "replaced", "into": by.event_id})

    async def flush(self, process_id: str) -> None:
        """Wait until nothing of the process is left to be published."""
        while busy := [*self._debouncer.timers(process_id), *self._inserts_of(process_id)]:
            await asyncio.wait(busy)

    def forget(self, process_id: str) -> None:
        self._intents.pop(process_id, None)

    def held(self) -> Mapping[str, int]:
        debouncer = self._debouncer
        return {
            "keys": len(debouncer.last_event_times),
            "pending": len(debouncer.pending_events),
            "timers": len(debouncer.timers()),
        }

    async def close(self, *, grace: bool = True) -> None:
        """End; what is held back is lost with grace and without (D-8)."""
        await self._debouncer.close()

    def _emitted(self, process_id: str, data: EventData) -> Said:
        intent = self._intents[process_id] = self._intents.get(process_id, 0) + 1
        event = ProcessEvent(
            id=new_id(self._rng),
            process_id=UUID(process_id),
            intent=intent,
            emitted_at=self._clock.wall(),
            data=data,
        )
        said = Said(
            event_id=str(event.id),
            process_id=process_id,
            intent=intent,
            meant=event.event_type,
            event_type=event.event_type,
            event_data=event.event_data(),
        )
        self._events[said.event_id] = event
        self._recorder.record(ACTOR, EMIT, {**_told(said), **emitted(data, said.event_data)})
        return said

    async def _insert(self, said: Said, write: Write, *, awaited: bool = True) -> None:
        self._recorder.record(ACTOR, DEBOUNCE, {**_told(said), "outcome": "published", "into": said.event_id})
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._inserts[over] = said.process_id
        try:
            await self._attempt(said, write, awaited=awaited)
        finally:
            del self._events[said.event_id]
            del self._inserts[over]
            over.set_result(None)

    async def _attempt(self, said: Said, write: Write, *, awaited: bool) -> None:
        row = {**_keys(said), "attempt": 1, **({} if awaited else {"unheard": True})}
        self._recorder.record(ACTOR, INSERT, row, type="invoke")
        try:
            sequence = await write(self._events[said.event_id])
        except StoreError as error:
            self._recorder.record(ACTOR, INSERT, row, type="fail" if error.definite else "info", error=str(error))
            raise
        except asyncio.CancelledError:
            self._recorder.record(ACTOR, INSERT, row, type="info", error="cancelled in mid-insert")
            raise
        self._recorder.record(ACTOR, INSERT, {**row, "sequence": sequence})

    def _inserts_of(self, process_id: str) -> list[asyncio.Future[None]]:
        return [over for over, owner in self._inserts.items() if owner == process_id]


def _keys(said: Said) -> Mapping[str, Any]:
    return {"process_id": said.process_id, "event_id": said.event_id, "event_type": said.event_type}


def _told(said: Said) -> Mapping[str, Any]:
    return {**_keys(said), "intent": said.intent}
