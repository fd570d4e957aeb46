"""The reference's policy: by delivery class, keyed by entity, in the order that was meant."""

from collections.abc import Hashable
from dataclasses import dataclass

from harness.events.delivery_class import DeliveryClass, delivery_class
from harness.events.types import EventData, SectionChunk
from harness.pipeline.policies.policy import Joined


@dataclass(frozen=True, slots=True)
class Lossless:
    """Chunks of one attempt at a section are joined, facts of class latest replaced, transitions never held back.

    Decided in spec-decisions D-1, D-2, D-4. Whatever goes out takes everything before it that was meant earlier.
    """

    name: str = "lossless"

    def key(self, data: EventData) -> Hashable | None:
        if isinstance(data, SectionChunk):
            return (data.event_type, data.section_index, data.attempt)
        if delivery_class(data.event_type) is DeliveryClass.LATEST:
            return (data.event_type, data.entity())
        return None

    def join(self, pending: EventData, later: EventData) -> Joined | None:
        """Chunks only where the text goes on: a hole must stay visible to who joins them by their offsets."""
        if not isinstance(pending, SectionChunk) or not isinstance(later, SectionChunk):
            return Joined(data=later, outcome="replaced")
        if later.offset != pending.offset + len(pending.html_chunk):
            return None
        return Joined(data=pending.followed_by(later), outcome="merged")

    def barrier(self, data: EventData) -> bool:
        return True
