"""No debouncing: every event is published at once."""

from collections.abc import Hashable
from dataclasses import dataclass

from harness.events.types import EventData
from harness.pipeline.policies.policy import Joined


@dataclass(frozen=True, slots=True)
class Off:
    """Holds nothing back."""

    name: str = "off"

    def key(self, data: EventData) -> Hashable | None:
        return None

    def join(self, pending: EventData, later: EventData) -> Joined | None:
        return None

    def barrier(self, data: EventData) -> bool:
        return False
