"""Time: the only module that asks the machine what time it is."""

import asyncio
import selectors
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol, TypeVar

VIRTUAL_BEGIN: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""The wall time of a `VirtualClock` at its zero."""

Result = TypeVar("Result")


class Clock(Protocol):
    """What everything that *does* is handed; what *decides* gets `now` as a number instead."""

    def now(self) -> float:
        """Seconds on a clock that only goes forward; its zero means nothing."""
        ...

    def wall(self) -> datetime:
        """Date and time in UTC, for tokens and columns; it may jump."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after that many seconds of this clock; at once, but yielding, for 0 and less."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> float:
        return time.monotonic()

    def wall(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))


class ScaledClock:
    """A clock on which `factor` seconds pass in each second of another: `--time-factor`.

    Everything that is handed this clock (heartbeats, sweeps, retries, patience) happens that much sooner; the work
    of PostgreSQL and of this process does not. Its wall time is that of `base` when it `begin`s, and runs as fast.
    """

    def __init__(self, base: Clock, factor: float) -> None:
        self.factor = factor
        self._base = base
        self.begin()

    def begin(self) -> None:
        """Begin anew: now it is as late as on `base`."""
        self._began = self._base.now()
        self._wall_began = self._base.wall()

    def now(self) -> float:
        return self._began + (self._base.now() - self._began) * self.factor

    def wall(self) -> datetime:
        return self._wall_began + timedelta(seconds=self.now() - self._began)

    async def sleep(self, seconds: float) -> None:
        await self._base.sleep(seconds / self.factor)


class SteerableClock:
    """The clock of one machine or program, which faults may bend: its wall may jump, its timers stall.

    `throttled_to`: timers fire only once in so many seconds, as in a hidden browser tab; set to None, those that are
    due by then fire at once, as in a tab that is shown. While frozen no timer fires at all, as in a laptop that sleeps;
    `now` goes on, as the time of the world does.
    """

    def __init__(self, base: Clock) -> None:
        self._base = base
        self._offset = timedelta()
        self._thawed = asyncio.Event()
        self._thawed.set()
        self._throttled_to: float | None = None
        self._shown = asyncio.Event()

    @property
    def throttled_to(self) -> float | None:
        return self._throttled_to

    @throttled_to.setter
    def throttled_to(self, seconds: float | None) -> None:
        self._throttled_to = seconds
        if seconds is None:
            self._shown.set()
        else:
            self._shown.clear()

    def now(self) -> float:
        return self._base.now()

    def wall(self) -> datetime:
        return self._base.wall() + self._offset

    async def sleep(self, seconds: float) -> None:
        await self._base.sleep(seconds)
        if self._throttled_to is not None and seconds > 0:
            with suppress(TimeoutError):
                async with within(self._base, self._throttled_to - self._base.now() % self._throttled_to):
                    await self._shown.wait()
        await self._thawed.wait()

    @property
    def factor(self) -> float:
        return time_factor(self._base)

    def jump(self, seconds: float) -> None:
        """Set the wall clock forward, or back."""
        self._offset += timedelta(seconds=seconds)

    def freeze(self) -> None:
        self._thawed.clear()

    def thaw(self) -> None:
        self._thawed.set()


class VirtualClock:
    """The clock of `run_virtual`'s loop: starts at zero, and costs no time to wait for."""

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    def wall(self) -> datetime:
        return VIRTUAL_BEGIN + timedelta(seconds=self.now())

    async def sleep(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        over: asyncio.Future[None] = loop.create_future()
        timer = loop.call_later(max(0.0, seconds), _wake, over)
        try:
            await over
        finally:
            timer.cancel()


def run_virtual(story: Coroutine[Any, Any, Result]) -> Result:
    """Run the story to its end in a loop of its own in which waiting costs nothing.

    When all tasks wait, its time jumps to the next timer. Raises `RuntimeError` when they wait for each other and no
    timer is left. Nothing in the story may wait for a socket, a thread or a process.
    """
    with asyncio.Runner(loop_factory=_VirtualLoop) as runner:
        return runner.run(story)


def _wake(sleeper: asyncio.Future[None]) -> None:
    if not sleeper.done():  # it may have been cancelled at this very moment
        sleeper.set_result(None)


class _Jump(selectors.SelectSelector):
    def __init__(self) -> None:
        super().__init__()
        self.passed = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("every task waits for another one")
        self.passed += max(0.0, timeout)
        return super().select(0)


class _VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jump = _Jump()
        super().__init__(self._jump)

    def time(self) -> float:
        return self._jump.passed


@asynccontextmanager
async def within(clock: Clock, seconds: float) -> AsyncIterator[None]:
    """`asyncio.timeout` in seconds of `clock`: raises `TimeoutError` when they have passed."""
    async with asyncio.timeout(None) as limit:
        alarm = asyncio.create_task(_ring(clock, seconds, limit))
        try:
            yield
        finally:
            alarm.cancel()


async def _ring(clock: Clock, seconds: float, limit: asyncio.Timeout) -> None:
    await clock.sleep(seconds)
    limit.reschedule(0.0)  # long ago on the loop's own clock: at once


def time_factor(clock: Clock) -> float:
    """How many seconds of `clock` pass in a real one, for what must be told real seconds."""
    factor = getattr(clock, "factor", 1.0)
    return float(factor)
