"""Texts of one type are joined and the last event of any other type wins: a mend that forgets whose text it is."""

from collections.abc import Hashable
from dataclasses import dataclass

from harness.events.types import EventData, SectionChunk
from harness.pipeline.policies.policy import Joined


@dataclass(frozen=True, slots=True)
class Concatenate:
    """Loses no text (spec-decisions D-1), but puts that of one section into another (D-2)."""

    name: str = "concatenate"

    def key(self, data: EventData) -> Hashable | None:
        return data.event_type

    def join(self, pending: EventData, later: EventData) -> Joined | None:
        if isinstance(pending, SectionChunk) and isinstance(later, SectionChunk):
            return Joined(data=pending.followed_by(later), outcome="merged")
        return Joined(data=later, outcome="replaced")

    def barrier(self, data: EventData) -> bool:
        return False
