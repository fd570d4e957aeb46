"""What the specification's debouncer does, as a policy: the last event of a type wins, whatever it tells."""

from collections.abc import Hashable
from dataclasses import dataclass

from harness.events.types import EventData
from harness.pipeline.policies.policy import Joined


@dataclass(frozen=True, slots=True)
class LatestWins:
    """Loses text, questions and images (spec-decisions D-1 … D-4): here to be compared and convicted."""

    name: str = "latest-wins"

    def key(self, data: EventData) -> Hashable | None:
        return data.event_type

    def join(self, pending: EventData, later: EventData) -> Joined | None:
        return Joined(data=later, outcome="replaced")

    def barrier(self, data: EventData) -> bool:
        return False
