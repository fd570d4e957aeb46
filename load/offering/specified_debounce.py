"""The specification's debouncer in front of the reference's tables: `--debounce as-specified`.

From the event to the row, as `pipeline.publisher` is. Everything but the debouncer is the reference's (types, numbers
from the database), so that a load run compares debounce policies and nothing else; the whole of the specification's
application stands trial in `harness bugs`, and under load with `--app as-specified`.
"""

from collections.abc import Mapping, Sequence
from random import Random
from uuid import UUID

from harness.clock import Clock
from harness.events.event import ProcessEvent
from harness.events.types import EventData, parse
from harness.history import Recorder
from harness.pipeline.app import Write
from harness.pipeline.as_specified.attempts import Attempts
from harness.pipeline.as_specified.debouncer import Said
from harness.pipeline.store import Store


class SpecifiedDebounce:
    """An `EventPublisher`. What its debouncer drops is gone, and a failed insert is not tried again."""

    def __init__(self, store: Store, *, recorder: Recorder, clock: Clock, rng: Random) -> None:
        self._store = store
        self._clock = clock
        self._attempts = Attempts(self._insert, recorder=recorder, clock=clock, rng=rng)

    async def publish(self, process_id: str, data: EventData, *, write: Write | None = None) -> None:
        """What the state is saved with goes straight to the table, all else through the debouncer."""
        said = self._emitted(process_id, data)
        if write is None:
            await self._attempts.publish_debounced(said)
        else:
            await self._attempts.publish_by(write, said, data)

    async def publish_at_once(self, process_id: str, events: Sequence[EventData]) -> None:
        """Past the debouncer: the specification knows no such thing."""
        await self._attempts.publish_at_once([self._emitted(process_id, data) for data in events])

    async def flush(self, process_id: str) -> None:
        """Wait until nothing of the process is left to be published (`Attempts.flush`)."""
        await self._attempts.flush(process_id)

    def forget(self, process_id: str) -> None:
        self._attempts.forget(process_id)

    def held(self) -> Mapping[str, int]:
        return self._attempts.held()

    async def close(self, *, grace: bool = True) -> None:
        """End; what is held back is lost with grace and without (D-8)."""
        await self._attempts.close()

    def _emitted(self, process_id: str, data: EventData) -> Said:
        event_data = data.model_dump(mode="json")
        return self._attempts.emitted(process_id, data, event_type=data.event_type, event_data=event_data)

    async def _insert(self, events: Sequence[Said]) -> Sequence[int]:
        rows = [self._row(said) for said in events]
        if len(rows) == 1:  # by the statement with which the other policies write
            return [await self._store.insert_event(rows[0])]
        return await self._store.insert_events(rows)

    def _row(self, said: Said) -> ProcessEvent:
        return ProcessEvent(
            id=UUID(said.event_id),
            process_id=UUID(said.process_id),
            intent=said.intent,
            emitted_at=self._clock.wall(),
            data=parse(said.event_type, said.event_data),
        )
