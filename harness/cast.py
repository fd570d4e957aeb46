"""Who takes part in a story, by the names that it gives them, and how far their processes have come."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from uuid import UUID

from harness.history import Op
from harness.history.hops import COMMIT
from harness.history.journey import tells_of_event
from harness.pipeline.app import Reader


class Tally:
    """Counts committed events as they are recorded, so that a story can wait for them."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._changed = asyncio.Event()

    def __call__(self, op: Op) -> None:
        if op.type == "ok" and op.f == COMMIT and tells_of_event(op):
            self._counts[str(op.value.process_id), op.value.event_type] += 1
            self._changed.set()

    def committed(self, process_id: str, event_type: str) -> int:
        """How many events of that type the process has in the tables."""
        return self._counts[process_id, event_type]

    async def reach(self, process_id: str, event_type: str, count: int) -> None:
        """Return as soon as it has `count` of them."""
        while self.committed(process_id, event_type) < count:
            self._changed.clear()
            await self._changed.wait()


@dataclass(slots=True, kw_only=True)
class Process:
    """A process of the story, and who owns it."""

    id: str
    owner: str
    owner_id: UUID


@dataclass(slots=True, kw_only=True)
class Cast:
    """Who takes part: the processes and readers by their names in the story."""

    processes: dict[str, Process] = field(default_factory=dict)
    readers: dict[str, Reader] = field(default_factory=dict)

    def entitled(self) -> list[Reader]:
        """Readers that are owed the events of their process and have not left."""
        owners = {process.id: process.owner_id for process in self.processes.values()}
        return [
            reader
            for reader in self.readers.values()
            if owners.get(reader.process_id) == reader.user_id and reader.status != "left"
        ]
