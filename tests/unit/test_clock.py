"""The machine's own clock: the only one that really waits."""

import asyncio
from datetime import UTC, timedelta

import pytest

from harness.clock import SystemClock


def test_its_two_times_agree_on_how_much_has_passed() -> None:
    clock = SystemClock()

    now, wall = clock.now(), clock.wall()

    assert clock.now() >= now
    assert wall.tzinfo is UTC
    assert timedelta(0) <= clock.wall() - wall < timedelta(minutes=1)


@pytest.mark.parametrize("seconds", [0.0, -5.0])
async def test_sleeping_for_no_time_lets_others_go_first(seconds: float) -> None:
    order: list[str] = []
    other = asyncio.get_running_loop().create_task(_note(order))

    await SystemClock().sleep(seconds)
    order.append("sleeper")
    await other

    assert order == ["other", "sleeper"]


async def _note(order: list[str]) -> None:
    order.append("other")
