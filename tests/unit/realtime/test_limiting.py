"""What a limit that bites leaves in the history."""

from harness.history.recorder import Recorder
from harness.realtime.limiting import tell
from harness.realtime.limits import Bite


def test_a_bite_is_an_op_of_the_server_that_names_limit_and_place() -> None:
    recorder = Recorder(lambda: 1.5)

    tell(recorder, Bite(limit="max_events_per_second", allowed=10, measured=40.0), {"link": "a", "topic": "realtime:x"})

    (op,) = recorder.ops()
    assert (op.actor, op.f, op.type, op.time) == ("realtime", "limit", "info", 1.5)
    assert dict(op.value) == {
        "limit": "max_events_per_second",
        "allowed": 10,
        "measured": 40.0,
        "link": "a",
        "topic": "realtime:x",
    }
