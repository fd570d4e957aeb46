from random import Random

import pytest

from harness.realtime.cadence import backoff_s, pause_s


def test_after_delivered_rows_the_next_poll_is_immediate() -> None:
    assert pause_s(delivered=True, raw=5, idle_poll_500ms=True, rng=Random(1)) == 0.0


def test_after_changes_that_nobody_wants_it_waits_150_to_200_ms() -> None:
    rng = Random(1)

    pauses = [pause_s(delivered=False, raw=1, idle_poll_500ms=True, rng=rng) for _ in range(100)]

    assert min(pauses) >= 0.15
    assert max(pauses) <= 0.2
    assert len(set(pauses)) > 90


@pytest.mark.parametrize(("idle_poll_500ms", "pause"), [(True, 0.5), (False, 0.1)])
def test_after_nothing_it_waits_half_a_second_or_without_the_quirk_100_ms(idle_poll_500ms: bool, pause: float) -> None:
    assert pause_s(delivered=False, raw=0, idle_poll_500ms=idle_poll_500ms, rng=Random(1)) == pause


@pytest.mark.parametrize(
    ("before", "least", "most"), [(None, 0.1, 0.3), (0.2, 0.2, 0.6), (1.0, 1.0, 3.0), (5.0, 5 / 3, 5.0)]
)
def test_the_back_off_grows_to_five_seconds(before: float | None, least: float, most: float) -> None:
    rng = Random(1)

    waits = [backoff_s(before, rng=rng) for _ in range(100)]

    assert least <= min(waits) <= max(waits) <= most
