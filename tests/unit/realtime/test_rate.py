"""Rates are counted in ticks: when they trip, and when they let go."""

from harness.realtime.rate import Rate


def fed(rate: Rate, *, start: float, seconds: float, per_second: int) -> None:
    """Add the same number once a second, the first in the middle of the first second."""
    second = start + 0.5
    while second < start + seconds:
        rate.add(second, per_second)
        second += 1.0


def test_the_first_tick_is_empty_and_ends_at_once() -> None:
    rate = Rate(limit=100)

    rate.add(0.0, 999)

    assert [rate.tripped(4.9), rate.mean(4.9), rate.mean(5.0), rate.tripped(5.0)] == [False, 0.0, 99.9, False]


def test_a_thousand_in_the_first_five_seconds_trip_a_limit_of_a_hundred() -> None:
    rate = Rate(limit=100)

    rate.add(0.0, 1000)

    assert (rate.tripped(4.999), rate.tripped(5.0)) == (False, True)


def test_a_burst_passes_until_the_tick_ends() -> None:
    rate = Rate(limit=10)

    fed(rate, start=0.0, seconds=5.0, per_second=80)

    assert not rate.tripped(4.999)


def test_seen_at_every_count_a_burst_does_not_pass() -> None:
    rate = Rate(limit=10, at_ticks=False)

    rate.add(0.0, 100)

    assert rate.tripped(0.1)


def test_the_silent_limit_of_recording_p09_drops_all_after_row_133_until_the_end() -> None:
    rate = Rate(limit=20)
    rate.mean(3.32)  # the poller starts
    sent = []

    for row in range(501):
        moment = 6.354 + row * 0.0517
        if not rate.tripped(moment):
            rate.add(moment, 5)
            sent.append(row)

    assert sent == list(range(135))
    assert (rate.tripped(33.31), rate.tripped(33.33)) == (True, False)


def test_only_the_last_twelve_ticks_count() -> None:
    rate = Rate(limit=10)
    rate.add(0.0, 6000)

    means = (rate.mean(5.0), rate.mean(55.0), rate.mean(60.0), rate.mean(65.0))

    assert means == (600.0, 100.0, 100.0, 0.0)


def test_exceeded_is_stricter_than_tripped() -> None:
    rate = Rate(limit=100)
    rate.add(0.0, 1000)

    assert (rate.tripped(5.0), rate.exceeded(5.0)) == (True, False)


def test_without_a_limit_nothing_trips() -> None:
    rate = Rate(limit=None)
    rate.add(0.0, 10**9)

    assert (rate.tripped(5.0), rate.exceeded(5.0)) == (False, False)


def test_after_five_idle_minutes_it_starts_anew() -> None:
    rate = Rate(limit=100)
    rate.add(0.0, 10)

    rate.add(1000.0, 1000)

    assert (rate.tripped(1004.9), rate.tripped(1005.0)) == (False, True)


def test_one_that_was_never_idle_keeps_its_phase() -> None:
    rate = Rate(limit=100)
    fed(rate, start=0.0, seconds=400.0, per_second=1)

    assert rate.mean(400.0) == 1.0
