"""Time: the only module that asks the machine what time it is."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


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
