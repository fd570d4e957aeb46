"""Questions of the master to a worker over Locust's custom messages, and their answers.

All that the two agree on: the master asks, the worker does and answers, as late as it wants to. Must be imported after
gevent's monkey patch.
"""

from collections.abc import Callable, Mapping
from itertools import count
from typing import Any, Final

from gevent.event import AsyncResult  # type: ignore[import-untyped]
from locust.runners import STATE_MISSING, MasterRunner, WorkerRunner

from harness.errors import HarnessError, StackError

Told = Mapping[str, Any]
"""What goes over: numbers, text, bytes, lists and mappings."""

_CALL: Final = "load_call"
_ANSWER: Final = "load_answer"
_LOOK_S: Final = 0.2


class WorkerLost(StackError):
    """A worker has gone, or is silent: Locust's heartbeats say so."""


class Calls:
    """The master's side. One for each runner."""

    def __init__(self, runner: MasterRunner) -> None:
        self._runner = runner
        self._numbers = count(1)
        self._waiting: dict[int, AsyncResult] = {}
        runner.register_message(_ANSWER, self._on_answer)

    def lives(self, worker_id: str) -> bool:
        """Whether it was heard of lately: a heartbeat comes each second, and three may be missing."""
        node = self._runner.clients.get(worker_id)
        return node is not None and node.state != STATE_MISSING

    def call(self, worker_id: str, what: str, told: Told | None = None, *, again: float | None = None) -> Told:
        """Have a worker do something, and wait for its answer as long as it lives.

        A question that may be put twice is put `again` after so many seconds, for a worker that does not listen yet.
        Raises `WorkerLost`, or `StackError` with what it says went wrong.
        """
        number, answer = next(self._numbers), AsyncResult()
        self._waiting[number] = answer
        question: dict[str, Any] = {"number": number, "what": what, "told": told or {}}
        try:
            return self._answered(worker_id, question, answer, again)
        finally:
            del self._waiting[number]

    def _answered(self, worker_id: str, question: dict[str, Any], answer: AsyncResult, again: float | None) -> Told:
        self._runner.send_message(_CALL, question, worker_id)
        answer.wait(timeout=again or _LOOK_S)
        while not answer.ready():
            if not self.lives(worker_id):
                raise WorkerLost(worker_id)
            if again is not None:
                self._runner.send_message(_CALL, question, worker_id)
            answer.wait(timeout=again or _LOOK_S)
        found: Told = answer.get()
        if "trouble" in found:
            raise StackError(found["trouble"])
        return found["told"]  # type: ignore[no-any-return]

    def _on_answer(self, environment: Any, msg: Any) -> None:
        """One that nobody waits for any more came from a worker that was lost, or to a question put twice."""
        waiting = self._waiting.get(msg.data["number"])
        if waiting is not None:
            waiting.set(msg.data)


class Answers:
    """The worker's side: `table` has what is done for each question."""

    def __init__(self, runner: WorkerRunner, table: Mapping[str, Callable[[Told], Told]]) -> None:
        self._runner = runner
        self._table = table
        runner.register_message(_CALL, self._on_call, concurrent=True)

    def _on_call(self, environment: Any, msg: Any) -> None:
        number, what = msg.data["number"], msg.data["what"]
        try:
            answer = {"number": number, "told": self._table[what](msg.data["told"])}
        except HarnessError as error:
            answer = {"number": number, "trouble": str(error)}
        except Exception as error:
            self._runner.send_message(_ANSWER, {"number": number, "trouble": f"{type(error).__name__}: {error}"})
            raise
        self._runner.send_message(_ANSWER, answer)
