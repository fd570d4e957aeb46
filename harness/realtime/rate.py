"""A rate as the real server measures it: counted in ticks, looked at only when one ends (realtime-facts 6.2)."""

from collections import deque
from typing import Final

TICK_S: Final = 5.0
KEPT_TICKS: Final = 12
IDLE_S: Final = 300.0


class Rate:
    """The mean per second over the last ticks, and whether it reached `limit`; None is no limit.

    It starts with the first call, and a first tick ends at that moment with nothing in it. A tick that brings the
    mean to the limit trips it, one that brings it below releases it; in between a burst passes. When all kept
    ticks are empty at a multiple of `IDLE_S`, it stops, and starts anew with the next call. With
    `at_ticks=False` every count is looked at, as a naive server would.
    """

    def __init__(
        self, *, limit: float | None, tick_s: float = TICK_S, kept: int = KEPT_TICKS, at_ticks: bool = True
    ) -> None:
        self.limit = limit
        self._tick_s = tick_s
        self._at_ticks = at_ticks
        self._ticks: deque[int] = deque(maxlen=kept)
        self._count = 0
        self._due: float | None = None
        self._rest = 0.0

    def add(self, now: float, count: int = 1) -> None:
        """So many more happened."""
        self._advance(now)
        self._count += count

    def mean(self, now: float) -> float:
        """Per second, over the ticks that have ended."""
        self._advance(now)
        if self._at_ticks:
            return sum(self._ticks) / len(self._ticks) / self._tick_s
        return (sum(self._ticks) + self._count) / (len(self._ticks) + 1) / self._tick_s

    def tripped(self, now: float) -> bool:
        """Whether the limit was reached when the last tick ended."""
        return self.limit is not None and self.mean(now) >= self.limit

    def exceeded(self, now: float) -> bool:
        """Whether the limit was passed, not only reached: so the real server asks for presence and for HTTP."""
        return self.limit is not None and self.mean(now) > self.limit

    def _advance(self, now: float) -> None:
        if self._due is None:
            self._start(now)
        while self._due is not None and self._due <= now:
            if self._due >= self._rest and not any(self._ticks) and not self._count:
                self._start(now)
                return
            self._rest += IDLE_S if self._due >= self._rest else 0.0
            self._end_tick(self._due)

    def _start(self, now: float) -> None:
        self._ticks.clear()
        self._count = 0
        self._rest = now + IDLE_S
        self._end_tick(now)

    def _end_tick(self, at: float) -> None:
        self._ticks.append(self._count)
        self._count = 0
        self._due = at + self._tick_s
