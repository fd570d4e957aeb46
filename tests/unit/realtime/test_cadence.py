from random import Random

import pytest

from harness.realtime.cadence import backoff_s, pause_s


def paused(*, raw: int, delivered: bool = False, rng: Random | None = None) -> float:
    return pause_s(delivered=delivered, raw=raw, interval_s=0.1, idle_interval_s=0.5, rng=rng or Random(1))


def test_after_delivered_rows_the_next_poll_is_immediate() -> None:
    assert paused(delivered=True, raw=5) == 0.0


def test_after_changes_that_nobody_wants_it_waits_150_to_200_ms() -> None:
    rng = Random(1)

    pauses = [paused(raw=1, rng=rng) for _ in range(100)]

    assert min(pauses) >= 0.15
    assert max(pauses) <= 0.2
    assert len(set(pauses)) > 90


def test_after_nothing_it_waits_as_long_as_an_idle_one() -> None:
    assert paused(raw=0) == 0.5


@pytest.mark.parametrize(
    ("before", "least", "most"), [(None, 0.1, 0.3), (0.2, 0.2, 0.6), (1.0, 1.0, 3.0), (5.0, 5 / 3, 5.0)]
)
def test_the_back_off_grows_to_five_seconds(before: float | None, least: float, most: float) -> None:
    rng = Random(1)

    waits = [backoff_s(before, rng=rng) for _ in range(100)]

    assert least <= min(waits) <= max(waits) <= most
