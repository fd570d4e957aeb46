"""The publishing process as Locust's side holds it: started, told what to do, listened to by a greenlet.

Must be imported after gevent's monkey patch: its pipes then block one greenlet and not all.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import gevent  # type: ignore[import-untyped]
from gevent.event import AsyncResult, Event  # type: ignore[import-untyped]

from harness.errors import StackError
from load.stamps import Report
from load.task import Task

_PREPARE_S: Final = 60.0
_END_S: Final = 60.0


class PublishingWorker:
    """Starts `python -m load.publishing`. `heard` is given each report of an event, in their order.

    The process ends with `end`, with `kill`, or when this one is gone.
    """

    def __init__(self, task: Task, heard: Callable[[Report], None]) -> None:
        self._heard = heard
        self._prepared = AsyncResult()
        self._said = AsyncResult()
        self._ended = Event()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "load.publishing"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._listener = gevent.spawn(self._listen)
        self._tell(task.line())

    def processes(self) -> Sequence[Mapping[str, str]]:
        """Who was made to be written; raises `StackError` if the process ends before it says so."""
        made: Sequence[Mapping[str, str]] = self._prepared.get(timeout=_PREPARE_S)
        return made

    def begin(self, at: float) -> None:
        """Have the first event said at this time of the run."""
        self._tell(json.dumps({"begin": at}))

    def last_sequences(self, timeout: float) -> Mapping[str, int]:
        """Process → its last number, once all is said and written.

        Raises `StackError` if the process ends before, `gevent.Timeout` if that takes too long.
        """
        last: Mapping[str, int] = self._said.get(timeout=timeout)
        return last

    def end(self) -> None:
        """Have it tell the rest and end; raises `StackError` unless it ends well."""
        self._tell("end")
        self._ended.wait(_END_S)
        code = self._process.wait(timeout=5.0) if self._ended.is_set() else self._process.poll()
        self.kill()
        if code != 0:
            raise StackError(f"the publishing process did not end well: {'it hangs' if code is None else code}")

    def kill(self) -> None:
        """End it at once. Safe to call twice."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._listener.kill()

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None, "it is a pipe"
        try:
            self._process.stdin.write(line.encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # it has ended: whoever waits for its answer is told

    def _listen(self) -> None:
        assert self._process.stdout is not None, "it is a pipe"
        for line in self._process.stdout:
            self._take(json.loads(line))
        gone = StackError("the publishing process has ended; it says why above")
        for awaited in (self._prepared, self._said):
            if not awaited.ready():
                awaited.set_exception(gone)
        self._ended.set()

    def _take(self, report: dict[str, Any]) -> None:
        match report["what"]:
            case "prepared":
                self._prepared.set(report["processes"])
            case "said":
                self._said.set(report["last"])
            case "offered" | "published":
                self._heard(report)
