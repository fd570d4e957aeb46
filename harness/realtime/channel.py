"""One joined channel on the server: what it asked for, under whose claims, and what it has still to do.

Between the socket (`link`) and the features (see `feature`, which says how to hook into a channel).
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, Final, Protocol

from harness.phoenix.server import Outgoing
from harness.realtime.auth import Claims
from harness.realtime.join import Join, short_topic
from harness.realtime.subscription import Subscriber
from harness.realtime.worker import Outlet

Step = Callable[[], Awaitable[None] | None]
"""One thing to do; an awaitable when it is not done at once."""


class Socket(Outlet, Protocol):
    """What channels and features need of a socket. Each method writes at once, and does nothing for a channel that
    is over. `channels` are those that are joined, `headers` those of the upgrade whose names begin with `x-`: all
    that policies can see of it.
    """

    name: str
    vsn: str
    headers: Mapping[str, str]
    channels: dict[int, "Channel"]

    def push(self, channel: int, event: str, payload: Any) -> None:
        """See `ServerConnection.push`."""
        ...

    def reply(self, channel: int, ref: Any, status: str, response: Any) -> None:
        """See `ServerConnection.reply`."""
        ...

    def relay(self, frame: Outgoing) -> None:
        """See `ServerConnection.relay`. A frame for many sockets is `frame.text_frame(…)` made once."""
        ...

    def end(self, channel: int) -> None:
        """See `ServerConnection.end`."""
        ...

    def crash(self, channel: int) -> None:
        """See `ServerConnection.crash`."""
        ...


class Channel:
    """A join and its consequences. `socket` is the same object for all channels of a socket.

    `claims` are replaced when the channel is given a new token; `forgotten` is called when the worker gave up its
    subscriptions, with whether to subscribe again at once. `left` says that the client left it. A channel is its
    own identity.
    """

    def __init__(self, *, number: int, topic: str, join: Join, claims: Claims, socket: Socket) -> None:
        self.number: Final = number
        self.topic: Final = topic
        self.join: Final = join
        self.claims = claims
        self.socket: Final = socket
        self.subscriber: Final = Subscriber(link=socket.name, topic=topic, vsn=socket.vsn, legacy=join.legacy)
        self.forgotten: Callable[[bool], None] | None = None
        self.over = False
        self.left = False
        self._steps: deque[Step] = deque()
        self._busy = False
        self._task: asyncio.Future[None] | None = None

    @property
    def backlog(self) -> int:
        """How many steps wait for the one that is being done."""
        return len(self._steps)

    def push(self, event: str, payload: Any) -> None:
        """Send a message of the channel itself, with its join_ref (`presence_state`)."""
        self.socket.push(self.number, event, payload)

    def reply(self, ref: Any, status: str, response: Any) -> None:
        """Answer a push."""
        self.socket.reply(self.number, ref, status, response)

    def system(self, extension: str, status: str, message: str) -> None:
        """Send a `system` message."""
        self.push("system", system(self.topic, extension, status, message))

    def expel(self, message: str) -> None:
        """A `system` error, then the end of the channel (expired token, exceeded limit)."""
        self.system("system", "error", message)
        self.socket.end(self.number)

    def crash(self) -> None:
        """The channel broke: phx_error, and it is over."""
        self.socket.crash(self.number)

    def do(self, step: Step) -> None:
        """Do a step now, or when those before it are done."""
        self._steps.append(step)
        if not self._busy:
            self._advance()

    def stop(self) -> None:
        """The channel is over: nothing more is done."""
        self.over = True
        self._steps.clear()
        if self._task is not None:
            self._task.cancel()

    def _advance(self) -> None:
        self._busy = True
        while self._steps:
            waiting = self._begin(self._steps.popleft())
            if waiting is not None:
                self._task = asyncio.ensure_future(waiting)
                self._task.add_done_callback(self._finish)
                return
        self._busy = False

    def _begin(self, step: Step) -> Awaitable[None] | None:
        try:
            return step()
        except Exception as error:
            self._broke(error)
            return None

    def _finish(self, task: asyncio.Future[None]) -> None:
        self._task = None
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception):
            self._broke(error)
        self._advance()

    def _broke(self, error: Exception) -> None:
        """As a process that raises: the client gets phx_error, the log of the server gets the reason."""
        message = {"message": f"a channel of {self.socket.name} broke", "exception": error}
        asyncio.get_running_loop().call_exception_handler(message)
        self.crash()


def system(topic: str, extension: str, status: str, message: str) -> dict[str, Any]:
    """The payload of a `system` message of a channel (realtime-facts 3.4)."""
    return {"message": message, "status": status, "extension": extension, "channel": short_topic(topic)}


def start(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """A task whose failure is told to the event loop instead of being kept in it."""
    task = asyncio.create_task(work)
    task.add_done_callback(_tell)
    return task


def _tell(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        asyncio.get_running_loop().call_exception_handler({"message": "a channel broke", "exception": error})
