"""What may become of an event of each type on its way."""

from harness.events.delivery_class import DeliveryClass, delivery_class
from harness.events.types import EVENT_TYPES


def test_only_text_is_joined_and_only_progress_and_heartbeats_are_replaced() -> None:
    classes = {event_type: delivery_class(event_type) for event_type in EVENT_TYPES}

    assert {name for name, one in classes.items() if one is DeliveryClass.APPEND} == {"section_chunk"}
    assert {name for name, one in classes.items() if one is DeliveryClass.LATEST} == {"research_progress", "heartbeat"}


def test_a_type_that_nobody_knows_may_not_be_coalesced() -> None:
    assert delivery_class("no_such") is DeliveryClass.TRANSITION
