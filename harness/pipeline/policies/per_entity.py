"""The last event of a type and entity wins: one defect of the specification's debouncer mended, the others not."""

from collections.abc import Hashable
from dataclasses import dataclass

from harness.events.types import EventData
from harness.pipeline.policies.policy import Joined


@dataclass(frozen=True, slots=True)
class PerEntity:
    """Keeps every image and question (spec-decisions D-2), still loses text (D-1) and order (D-4)."""

    name: str = "per-entity"

    def key(self, data: EventData) -> Hashable | None:
        return (data.event_type, data.entity())

    def join(self, pending: EventData, later: EventData) -> Joined | None:
        return Joined(data=later, outcome="replaced")

    def barrier(self, data: EventData) -> bool:
        return False
