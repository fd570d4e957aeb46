"""The names of the two channels of a process, in one place (spec-decisions D-47)."""


def events_topic(process_id: str) -> str:
    """The channel on which rows of `process_events` arrive."""
    return f"process_events:process_id=eq.{process_id}"


def state_topic(process_id: str) -> str:
    """The channel on which updates of the state row arrive."""
    return f"process_state:{process_id}"
