"""The table of what a reader says of its connection."""

import pytest

from harness.pipeline.reader_status import TRANSITIONS, Signal, Status


@pytest.mark.parametrize("signal", Signal)
@pytest.mark.parametrize("before", Status)
def test_leaving_is_final_and_only_leaving_follows_the_end(before: Status, signal: Signal) -> None:
    after = TRANSITIONS[before].get(signal, before)

    assert before is not Status.LEFT or after is Status.LEFT
    assert before is not Status.ENDED or after in (Status.ENDED, Status.LEFT)


@pytest.mark.parametrize("before", [status for status in Status if status not in (Status.ENDED, Status.LEFT)])
def test_wherever_it_is_it_can_end_leave_and_lose_its_connection(before: Status) -> None:
    row = TRANSITIONS[before]

    assert (row[Signal.TERMINAL], row[Signal.CLOSED]) == (Status.ENDED, Status.LEFT)
    assert row.get(Signal.DISCONNECTED, before) is Status.OFFLINE


def test_live_is_reached_only_by_catching_up() -> None:
    ways = {(before, signal) for before, row in TRANSITIONS.items() for signal in row if row[signal] is Status.LIVE}

    assert ways == {(Status.CATCHING_UP, Signal.CAUGHT_UP)}
