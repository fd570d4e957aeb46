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
from load.offering.stamps import Report
from load.offering.task import Task

_PREPARE_S: Final = 90.0
"""With the end of the generation before: the witness is waited for."""
_END_S: Final = 60.0
_EXIT_S: Final = 5.0


class PublishingWorker:
    """Starts `python -m load.offering.publishing`. `heard` is given each report of an event, in their order, and
    `troubled` what was not as it should be there.

    The process ends with `end`, with `kill`, or when this one is gone.
    """

    def __init__(self, task: Task, heard: Callable[[Report], None], *, troubled: Callable[[str], None]) -> None:
        self._heard = heard
        self._troubled = troubled
        self._answer = AsyncResult()
        self._ended = Event()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "load.offering.publishing"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._listener = gevent.spawn(self._listen)
        self._tell(task.line())

    def prepare(self) -> Sequence[Mapping[str, str]]:
        """Have the next generation made; who is to be written, in the order of the writers.

        Raises `StackError` if the process ends before it says so, or that takes too long.
        """
        self._ask({"do": "prepare"})
        made: Sequence[Mapping[str, str]] = self._answered(_PREPARE_S, "did not prepare")
        return made

    @property
    def pid(self) -> int:
        return self._process.pid

    def begin(self, at: float) -> None:
        """Have the first event of the generation said at this time of the run."""
        self._ask({"do": "begin", "at": at})

    def last_sequences(self, timeout: float) -> Mapping[str, int]:
        """Process → its last number, once all is said and written; raises as `prepare`."""
        last: Mapping[str, int] = self._answered(timeout, "had not said all events")
        return last

    def end(self) -> None:
        """Have it tell the rest and end; raises `StackError` unless it ends well."""
        self._tell(json.dumps({"do": "end"}))
        try:
            self._ended.wait(_END_S)
            code = self._process.wait(timeout=_EXIT_S) if self._ended.is_set() else self._process.poll()
        except subprocess.TimeoutExpired:
            code = None
        finally:
            self.kill()
        if code != 0:
            raise StackError(f"the publishing process did not end well: {'it hangs' if code is None else code}")

    def kill(self) -> None:
        """End it at once. Safe to call twice."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._listener.kill()
        self._over()

    def _ask(self, command: Mapping[str, Any]) -> None:
        self._answer = AsyncResult()
        if self._ended.is_set():
            self._answer.set_exception(_gone())
        self._tell(json.dumps(command))

    def _answered(self, timeout: float, late: str) -> Any:
        try:
            return self._answer.get(timeout=timeout)
        except gevent.Timeout as error:
            raise StackError(f"the publishing process {late} within {timeout:g} s") from error

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None, "it is a pipe"
        try:
            self._process.stdin.write(line.encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # it has ended: whoever waits for its answer is told

    def _listen(self) -> None:
        assert self._process.stdout is not None, "it is a pipe"
        try:
            for line in self._process.stdout:
                self._take(json.loads(line))
        finally:  # a process that is killed may have left half a line, whose traceback gevent prints
            self._over()

    def _over(self) -> None:
        """Nothing comes any more, which whoever waits is told."""
        self._ended.set()
        if not self._answer.ready():
            self._answer.set_exception(_gone())

    def _take(self, report: dict[str, Any]) -> None:
        match report["what"]:
            case "prepared":
                self._answer.set(report["processes"])
            case "said":
                self._answer.set(report["last"])
            case "offered" | "published":
                self._heard(report)
            case "trouble":
                self._troubled(report["trouble"])


def _gone() -> StackError:
    return StackError("the publishing process has ended; it says why above")
