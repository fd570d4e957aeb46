"""An event loop in which waiting costs nothing: when all tasks wait, its time jumps to the next timer."""

import asyncio
import selectors
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)

Result = TypeVar("Result")


class _Jump(selectors.SelectSelector):
    def __init__(self) -> None:
        super().__init__()
        self.passed = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("every task waits for another one")
        self.passed += max(0.0, timeout)
        return super().select(0)


class _InstantLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jump = _Jump()
        super().__init__(self._jump)

    def time(self) -> float:
        return self._jump.passed


class InstantClock:
    """The clock of that loop; its zero is `BEGIN`."""

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    def wall(self) -> datetime:
        return BEGIN + timedelta(seconds=self.now())

    async def sleep(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        over: asyncio.Future[None] = loop.create_future()
        timer = loop.call_later(max(0.0, seconds), over.set_result, None)
        try:
            await over
        finally:
            timer.cancel()


def run(story: Coroutine[Any, Any, Result]) -> Result:
    """Run the story in such a loop, to its end."""
    with asyncio.Runner(loop_factory=_InstantLoop) as runner:
        return runner.run(story)
