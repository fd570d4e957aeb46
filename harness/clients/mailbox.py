"""Where a client puts what happened and its application takes it: a queue that can end or break."""

import asyncio

from harness.clients.client import ClientEvent
from harness.errors import ClientError


class Mailbox:
    """Events in order. After the last one, or after a failure, every `take` raises."""

    def __init__(self) -> None:
        self._events: asyncio.Queue[ClientEvent | BaseException] = asyncio.Queue()

    def put(self, event: ClientEvent) -> None:
        self._events.put_nowait(event)

    def end(self) -> None:
        """Nothing comes any more because the client was closed."""
        self._events.put_nowait(ClientError("the client was closed: no more events"))

    def fail(self, error: BaseException) -> None:
        """Nothing comes any more because the client broke."""
        self._events.put_nowait(error)

    async def take(self) -> ClientEvent:
        """The next event; waits for it. Raises `ClientError` after `end`, the error itself after `fail`."""
        event = await self._events.get()
        if isinstance(event, BaseException):
            self._events.put_nowait(event)  # so that the next one to ask is told, too
            raise event
        return event

    def watch(self, task: "asyncio.Task[None]") -> None:
        """Let an exception of this task reach whoever takes events: no task of a client dies unseen."""
        task.add_done_callback(self._task_done)

    def _task_done(self, task: "asyncio.Task[None]") -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self.fail(error)
