"""Runs the user's command for `harness exec`: with our streams and our signals, and its exit code is the answer."""

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from typing import Final

from harness.errors import UsageError
from harness.signals import Signals

_GRACE_S: Final = 5.0
"""How long a command that was asked to end by SIGTERM or SIGHUP may take before it is killed."""


async def run_child(command: Sequence[str], variables: Mapping[str, str], signals: Signals) -> int:
    """The exit code of the command, 128 + N if signal N ended it.

    Signals that we get while it runs are passed on to it, and it decides what they mean. One that is still there
    some seconds after SIGTERM or SIGHUP is killed. Raises `UsageError` if it cannot be started.
    """
    try:
        child = await asyncio.create_subprocess_exec(*command, env=dict(variables))
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot run {command[0]}: {getattr(error, 'strerror', None) or error}") from error
    try:
        with signals.go_to(_Passing(child)):
            code = await child.wait()
    finally:
        if child.returncode is None:
            child.kill()
    return code if code >= 0 else 128 - code


class _Passing:
    """Passes signals on to a child, but not a Ctrl-C that the terminal has sent to it already."""

    def __init__(self, child: asyncio.subprocess.Process) -> None:
        self._child = child

    def __call__(self, number: signal.Signals) -> None:
        if self._child.returncode is not None or (number is signal.SIGINT and _terminal_tells_children()):
            return
        self._child.send_signal(number)
        if number is not signal.SIGINT:
            asyncio.get_running_loop().call_later(_GRACE_S, self._kill)

    def _kill(self) -> None:
        if self._child.returncode is None:
            self._child.kill()


def _terminal_tells_children() -> bool:
    """Whether we are in the foreground of a terminal: it sends Ctrl-C to us and to our children alike."""
    try:
        terminal = os.open(os.ctermid(), os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
