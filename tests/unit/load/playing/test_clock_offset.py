"""How far another clock is from ours."""

import pytest

from load.playing.clock_offset import ClockOffset, Ping

AHEAD = 1000.0
"""By how much the other's monotonic clock is ahead of ours."""


def ping(sent: float, *, there: float, back: float) -> Ping:
    """To a clock that is `AHEAD`, whose date and time is 5 s ahead; `there` and `back` are how long the ways took."""
    arrived = sent + there
    return Ping(
        sent=sent, received=arrived + back, sent_wall=50.0 + sent, at=arrived + AHEAD, wall=50.0 + arrived + 5.0
    )


def test_where_both_ways_take_as_long_the_offset_is_exact() -> None:
    offset = ClockOffset.estimated([ping(1.0, there=0.01, back=0.01)])

    assert (offset.shift, offset.wall, offset.uncertainty) == pytest.approx((-AHEAD, 5.0, 0.01))


def test_the_ping_with_the_least_round_trip_is_believed() -> None:
    slow, quick, late = ping(1.0, there=0.5, back=0.1), ping(2.0, there=0.002, back=0.002), ping(3.0, there=0, back=1)

    offset = ClockOffset.estimated([slow, quick, late])

    assert (offset.shift, offset.uncertainty) == pytest.approx((-AHEAD, 0.002))


@pytest.mark.parametrize(("there", "back"), [(0.0, 0.3), (0.3, 0.0), (0.1, 0.2)])
def test_it_is_never_further_off_than_it_says(there: float, back: float) -> None:
    offset = ClockOffset.estimated([ping(1.0, there=there, back=back)])

    assert abs(offset.shift + AHEAD) <= offset.uncertainty + 1e-9
    assert abs(offset.wall - 5.0) <= offset.uncertainty + 1e-9


def test_our_zero_is_a_time_of_their_clock() -> None:
    offset = ClockOffset.estimated([ping(1.0, there=0.01, back=0.01)])

    assert offset.theirs(7.0) == pytest.approx(7.0 + AHEAD)
