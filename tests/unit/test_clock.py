"""Clocks: the machine's own, which alone really waits, and those that are faster, bent or virtual."""

import asyncio
from datetime import UTC, timedelta

import pytest

from harness.clock import ScaledClock, SteerableClock, SystemClock, VirtualClock, run_virtual, time_factor, within


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


def test_on_a_scaled_clock_so_many_seconds_pass_in_each_of_another() -> None:
    async def story() -> tuple[float, float, timedelta]:
        base = VirtualClock()
        clock = ScaledClock(base, 10.0)
        now, wall = clock.now(), clock.wall()
        await clock.sleep(30.0)
        return base.now(), clock.now() - now, clock.wall() - wall

    assert run_virtual(story()) == (3.0, 30.0, timedelta(seconds=30))


def test_a_scaled_clock_that_begins_anew_is_as_late_as_the_other() -> None:
    async def story() -> None:
        base = VirtualClock()
        clock = ScaledClock(base, 10.0)
        await base.sleep(5.0)
        ahead = clock.now()
        clock.begin()

        assert ahead == 50.0
        assert (clock.now(), clock.wall()) == (base.now(), base.wall())

    run_virtual(story())


def test_only_the_wall_of_a_steerable_clock_jumps() -> None:
    async def story() -> None:
        base = VirtualClock()
        clock = SteerableClock(base)
        clock.jump(3600.0)
        clock.jump(-600.0)

        assert clock.wall() - base.wall() == timedelta(seconds=3000)
        assert clock.now() == base.now()

    run_virtual(story())


@pytest.mark.parametrize(
    ("began", "seconds", "woke"),
    [(0.0, 1.0, 60.0), (0.0, 60.0, 120.0), (0.0, 61.0, 120.0), (50.0, 1.0, 60.0), (50.0, 0.0, 50.0)],
)
def test_throttled_timers_fire_together_once_in_so_many_seconds(began: float, seconds: float, woke: float) -> None:
    async def story() -> float:
        base = VirtualClock()
        await base.sleep(began)
        clock = SteerableClock(base)
        clock.throttled_to = 60.0
        await clock.sleep(seconds)
        return base.now()

    assert run_virtual(story()) == woke


def test_timers_that_ran_when_the_throttling_began_are_throttled_and_later_ones_are_not() -> None:
    async def story() -> tuple[float, float]:
        base = VirtualClock()
        clock = SteerableClock(base)
        waiting = asyncio.create_task(clock.sleep(10.0))
        await base.sleep(5.0)
        clock.throttled_to = 60.0
        await waiting
        first = base.now()
        clock.throttled_to = None
        await clock.sleep(10.0)
        return first, base.now()

    assert run_virtual(story()) == (60.0, 70.0)


@pytest.mark.parametrize(("seconds", "woke"), [(10.0, 25.0), (40.0, 40.0)])
def test_a_timer_that_is_overdue_fires_when_the_throttling_ends_and_another_in_its_time(
    seconds: float, woke: float
) -> None:
    async def story() -> float:
        base = VirtualClock()
        clock = SteerableClock(base)
        clock.throttled_to = 60.0
        waiting = asyncio.create_task(clock.sleep(seconds))
        await base.sleep(25.0)
        clock.throttled_to = None
        await waiting
        return base.now()

    assert run_virtual(story()) == woke


def test_no_timer_of_a_frozen_clock_fires_and_its_time_goes_on() -> None:
    async def story() -> None:
        base = VirtualClock()
        clock = SteerableClock(base)
        waiting = asyncio.create_task(clock.sleep(10.0))
        clock.freeze()
        await base.sleep(100.0)
        asleep, now = waiting.done(), clock.now()
        clock.thaw()
        await waiting

        assert (asleep, now, base.now()) == (False, 100.0, 100.0)

    run_virtual(story())


def test_a_bent_clock_tells_the_factor_of_the_one_that_it_goes_by() -> None:
    async def story() -> tuple[float, float, float]:
        scaled = ScaledClock(VirtualClock(), 10.0)
        return time_factor(scaled), time_factor(SteerableClock(scaled)), time_factor(SteerableClock(VirtualClock()))

    assert run_virtual(story()) == (10.0, 10.0, 1.0)


def test_what_takes_longer_than_it_may_on_that_clock_is_ended() -> None:
    async def story() -> float:
        base = VirtualClock()
        with pytest.raises(TimeoutError):
            async with within(ScaledClock(base, 10.0), 30.0):
                await asyncio.Event().wait()
        return base.now()

    assert run_virtual(story()) == 3.0


def test_what_ends_in_time_is_left_alone_and_so_is_what_follows() -> None:
    async def story() -> float:
        clock = VirtualClock()
        async with within(clock, 30.0):
            await clock.sleep(29.0)
        await clock.sleep(10.0)
        return clock.now()

    assert run_virtual(story()) == 39.0


def test_a_limit_that_has_passed_already_ends_it_at_once() -> None:
    async def story() -> float:
        clock = VirtualClock()
        await clock.sleep(1.0)
        with pytest.raises(TimeoutError):
            async with within(clock, -5.0):
                await asyncio.Event().wait()
        return clock.now()

    assert run_virtual(story()) == 1.0


def test_a_limit_on_a_frozen_clock_does_not_come() -> None:
    async def story() -> bool:
        base = VirtualClock()
        clock = SteerableClock(base)
        clock.freeze()
        async with within(clock, 10.0):
            await base.sleep(100.0)
        return True

    assert run_virtual(story())


def test_who_is_cancelled_inside_of_a_limit_was_not_too_slow() -> None:
    async def limited() -> None:
        async with within(VirtualClock(), 30.0):
            await asyncio.Event().wait()

    async def story() -> bool:
        task = asyncio.create_task(limited())
        await VirtualClock().sleep(1.0)
        task.cancel()
        await asyncio.wait({task})
        return task.cancelled()

    assert run_virtual(story())


def test_tasks_that_wait_for_each_other_are_told_and_do_not_hang() -> None:
    async def story() -> None:
        await asyncio.Event().wait()

    with pytest.raises(RuntimeError, match="every task waits for another one"):
        run_virtual(story())


def test_a_virtual_sleeper_may_be_cancelled_at_the_very_moment_it_would_wake() -> None:
    async def story() -> bool:
        complaints: list[str] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(str(context)))
        sleeper = asyncio.create_task(VirtualClock().sleep(1.0))
        asyncio.get_running_loop().call_later(1.0, sleeper.cancel)
        await asyncio.gather(sleeper, return_exceptions=True)
        await VirtualClock().sleep(1.0)
        return sleeper.cancelled() and not complaints

    assert run_virtual(story())
