"""The table that a laboratory's publishers write to: in memory, with a database's time for every write.

Where a row is committed it is heard at once: an ideal reader, which nothing is lost on the way to.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from harness.clock import Clock
from harness.events.event import ProcessEvent, content_hash
from harness.history import Recorder
from harness.history.hops import APPLY
from harness.pipeline.as_specified.store import EventRow

READER: Final = "reader"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A committed row, and when that was."""

    event_id: str
    process_id: str
    event_type: str
    event_data: Mapping[str, Any]
    sequence: int
    at: float


class Rows:
    """`EventTable` of both applications. `write_s` draws the seconds of the next write.

    A write that is cancelled midway does not happen.
    """

    def __init__(self, *, clock: Clock, recorder: Recorder, write_s: Callable[[], float]) -> None:
        self.rows: list[Row] = []
        self._clock = clock
        self._recorder = recorder
        self._write_s = write_s
        self._last: dict[str, int] = {}

    async def insert_event(self, event: ProcessEvent) -> int:
        return (await self.insert_events([event]))[0]

    async def insert_events(self, events: Sequence[ProcessEvent]) -> Sequence[int]:
        await self._clock.sleep(self._write_s())
        return [
            self._commit(
                event_id=str(event.id),
                process_id=str(event.process_id),
                event_type=event.event_type,
                event_data=event.event_data(),
            )
            for event in events
        ]

    async def max_sequence(self, process_id: str) -> int:
        return self._last.get(process_id, 0)

    async def insert_rows(self, rows: Sequence[EventRow]) -> None:
        await self._clock.sleep(self._write_s())
        for row in rows:
            self._commit(
                event_id=str(row.id),
                process_id=row.process_id,
                event_type=row.event_type,
                event_data=row.event_data,
                sequence=row.event_sequence,
            )

    def _commit(
        self,
        *,
        event_id: str,
        process_id: str,
        event_type: str,
        event_data: Mapping[str, Any],
        sequence: int | None = None,
    ) -> int:
        last = self._last.get(process_id, 0)
        number = last + 1 if sequence is None else sequence
        self._last[process_id] = max(last, number)
        row = Row(
            event_id=event_id,
            process_id=process_id,
            event_type=event_type,
            event_data=event_data,
            sequence=number,
            at=self._clock.now(),
        )
        self.rows.append(row)
        told = {"process_id": process_id, "event_id": event_id, "event_type": event_type, "sequence": number}
        content = content_hash(event_data)
        self._recorder.record(READER, APPLY, {**told, "cursor": number, "via": "live", "content": content})
        return number
