"""What ends a command from outside: Ctrl-C, SIGTERM and SIGHUP take everything down once, or go on to a child.

Beside the straight line: used by `cli` and `child`.
"""

import asyncio
import signal
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Final

ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
INTERRUPTED: Final = 130
"""The exit code of a command that was ended so."""

Receiver = Callable[[signal.Signals], None]


class Signals:
    """Where the signals go that arrive while some work is done: at first they cancel it.

    Only the first one cancels: a second must not cut the taking down short, so it is answered in words by `tell`.
    """

    def __init__(self, work: "asyncio.Task[int]", tell: Callable[[str], None]) -> None:
        self._work = work
        self._tell = tell
        self._cancelled = False
        self._receiver: Receiver = self._cancel

    def listen(self) -> None:
        """From now on they come here. A SIGHUP that is ignored, as under nohup, stays so."""
        for number in ENDING:
            if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                asyncio.get_running_loop().add_signal_handler(number, self._arrived, number)

    @contextmanager
    def go_to(self, receiver: Receiver) -> Iterator[None]:
        """Within this block they go to `receiver` and cancel nothing."""
        before, self._receiver = self._receiver, receiver
        try:
            yield
        finally:
            self._receiver = before

    def _arrived(self, number: signal.Signals) -> None:
        self._receiver(number)

    def _cancel(self, number: signal.Signals) -> None:
        if self._cancelled:
            self._tell(f"{number.name} again: everything is being taken down already, please wait")
        else:
            self._cancelled = True
            self._work.cancel()


def interruptible(work: Callable[[Signals], Coroutine[Any, Any, int]], *, tell: Callable[[str], None]) -> int:
    """Run `work` in an event loop to its end and return its result.

    Raises `KeyboardInterrupt` if a signal cancelled it; all that it does when it is cancelled is then done.
    """

    async def listening() -> int:
        begun: asyncio.Future[Signals] = asyncio.get_running_loop().create_future()

        async def working() -> int:
            return await work(await begun)

        task = asyncio.ensure_future(working())
        signals = Signals(task, tell)
        signals.listen()
        begun.set_result(signals)
        return await task

    try:
        return asyncio.run(listening())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
