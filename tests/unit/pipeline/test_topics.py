"""The channels' names, as the specification has them."""

from harness.pipeline.topics import events_topic, state_topic


def test_topics_carry_the_process() -> None:
    assert events_topic("p1") == "process_events:process_id=eq.p1"
    assert state_topic("p1") == "process_state:p1"
