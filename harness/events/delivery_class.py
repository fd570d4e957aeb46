"""What may become of an event on its way: the class that debounce policies and retention go by."""

from enum import StrEnum
from typing import Final


class DeliveryClass(StrEnum):
    """`append` may be joined with the next of its entity, `latest` replaced by it, `transition` neither."""

    APPEND = "append"
    LATEST = "latest"
    TRANSITION = "transition"


_OTHERS: Final = {
    "section_chunk": DeliveryClass.APPEND,
    "research_progress": DeliveryClass.LATEST,
    "heartbeat": DeliveryClass.LATEST,
}


def delivery_class(event_type: str) -> DeliveryClass:
    """The class of an event type; whatever is not named otherwise is a transition (D-1, D-27)."""
    return _OTHERS.get(event_type, DeliveryClass.TRANSITION)
