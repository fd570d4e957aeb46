"""The inner task of a reader, and the waiting for what it brings about."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from harness.clock import Clock
from harness.errors import ClientError


class ReaderTask:
    """Runs one reader called `name` from `begin` to `end`. `status` is asked for the words of a timeout.

    What ends the task from inside is raised by the next `wait`, or by `end`.
    """

    def __init__(self, name: str, *, clock: Clock, status: Callable[[], str]) -> None:
        self._name = name
        self._clock = clock
        self._status = status
        self._inner: asyncio.Task[None] | None = None
        self._news: asyncio.Future[None] | None = None

    @property
    def running(self) -> bool:
        return self._inner is not None and not self._inner.done()

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Start the task; returns at once."""
        self._news = asyncio.get_running_loop().create_future()
        self._inner = asyncio.create_task(work, name=f"reader {self._name}")

    def announce(self) -> None:
        """Something has changed: have whoever waits look again."""
        news, self._news = self._news, asyncio.get_running_loop().create_future()
        if news is not None:
            news.set_result(None)

    async def wait(self, done: Callable[[], bool], timeout: float, what: str) -> None:
        """Until `done`; raises `TimeoutError` with `what` it was not."""
        if self._inner is None or self._news is None:
            raise ClientError(f"{self._name} was not started: call start() first")
        limit = asyncio.create_task(self._clock.sleep(timeout))
        try:
            while not done():
                if self._inner.done():
                    _raise_end(self._name, self._inner)
                if limit.done():
                    raise TimeoutError(f"{self._name} was not {what} within {timeout:g} s: it is {self._status()}")
                await asyncio.wait({limit, self._inner, self._news}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            limit.cancel()
            await asyncio.wait({limit})

    async def end(self, close: Callable[[], Awaitable[None]]) -> None:
        """End the task, then do `close`; raises what had ended the task before."""
        inner = self._inner
        try:
            if inner is not None:
                inner.cancel()
                await asyncio.wait({inner})
        finally:
            await close()
        if inner is not None and not inner.cancelled():
            _raise_end(self._name, inner)


def _raise_end(name: str, inner: asyncio.Task[None]) -> None:
    """Raise what ended a task: the one error of its group, or the group if there are several."""
    if inner.cancelled():
        raise ClientError(f"{name} is closed")
    error = inner.exception()
    if isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        raise error.exceptions[0]
    raise error or ClientError(f"{name} ended by itself")
