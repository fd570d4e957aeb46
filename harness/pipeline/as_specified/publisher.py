"""The specification's publisher, to the letter: it counts in memory, inserts once, and hopes (D-16 to D-22).

From the event to the row; `attempts` tells the history of it.
"""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Final, Protocol
from uuid import UUID

from harness.clock import Clock
from harness.events.types import EventData, StateUpdated
from harness.history import Recorder
from harness.pipeline.app import Write
from harness.pipeline.as_specified.attempts import Attempts
from harness.pipeline.as_specified.debouncer import MIN_INTERVAL_S, Said
from harness.pipeline.as_specified.store import EventRow
from harness.pipeline.as_specified.type_map import event_data, published_type

STATE_CATEGORY: Final = "state"
EVENT_CATEGORY: Final = "generation"
"""What the specification's callers pass; its debouncer passes neither on (D-13)."""


class EventTable(Protocol):
    """What this publisher needs of `Tables`, with the promises that they make."""

    async def max_sequence(self, process_id: str) -> int: ...
    async def insert_rows(self, rows: Sequence[EventRow]) -> None: ...


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
        self._clock = clock
        self._debounced = debounced
        self._attempts = Attempts(self._insert, recorder=recorder, clock=clock, rng=rng, min_interval=min_interval)

    async def publish(self, process_id: str, data: EventData, *, write: Write | None = None) -> None:
        """Say one event: as `EventPublisher.publish`, but a type that is not known becomes `generic_event` (D-25).

        Raises `StoreError` at once if its insert fails: there is no second attempt.
        """
        said = self._emitted(process_id, data)
        if write is not None:
            await self._attempts.publish_by(write, said, data)
        elif isinstance(data, StateUpdated) or not self._debounced:
            await self._attempts.publish_event(said)
        else:
            await self._attempts.publish_debounced(said)

    async def publish_at_once(self, process_id: str, events: Sequence[EventData]) -> None:
        """Insert many events by one statement, each under the next number; the specification knows no such thing."""
        await self._attempts.publish_at_once([self._emitted(process_id, data) for data in events])

    async def flush(self, process_id: str) -> None:
        """Wait until nothing of the process is left to be published (`Attempts.flush`)."""
        await self._attempts.flush(process_id)

    def forget(self, process_id: str) -> None:
        """Drop what is ours; the counters and times of the specification stay for ever (D-14)."""
        self._attempts.forget(process_id)

    def held(self) -> Mapping[str, int]:
        held = self._attempts.held()
        return {**held, "keys": held["keys"] + len(self.event_sequence_counters)}

    async def close(self, *, grace: bool = True) -> None:
        """End; what is held back is lost with grace and without (D-8)."""
        await self._attempts.close()

    def _emitted(self, process_id: str, data: EventData) -> Said:
        return self._attempts.emitted(
            process_id,
            data,
            event_type=published_type(data),
            event_data=event_data(data),
            category=STATE_CATEGORY if isinstance(data, StateUpdated) else EVENT_CATEGORY,
        )

    async def _insert(self, events: Sequence[Said]) -> Sequence[int]:
        """Each under the next number of this worker; a number is spent even if that fails (D-18)."""
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
