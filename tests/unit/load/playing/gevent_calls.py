"""Questions of the master to a worker, and what becomes of them."""

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import gevent  # type: ignore[import-untyped]
import pytest
from locust.runners import STATE_MISSING

from harness.errors import StackError, UsageError
from load.playing.calls import Answers, Calls, Told, WorkerLost


class Line:
    """A runner of Locust at both ends: what is sent is heard at once, but for the first messages that are `lost`."""

    def __init__(self, *, state: str = "running", lost: int = 0) -> None:
        self.clients: dict[str, Any] = {"w": SimpleNamespace(state=state)}
        self.sent: list[str] = []
        self._lost = lost
        self._heard: dict[str, Callable[..., None]] = {}

    def register_message(self, kind: str, listener: Callable[..., None], concurrent: bool = False) -> None:
        self._heard[kind] = listener

    def send_message(self, kind: str, data: Any, worker_id: str | None = None) -> None:
        self.sent.append(kind)
        if len(self.sent) > self._lost and kind in self._heard:
            gevent.spawn(self._heard[kind], environment=None, msg=SimpleNamespace(data=data))


def calls(line: Line, table: Mapping[str, Callable[[Told], Told]] | None = None) -> Calls:
    runner: Any = line
    if table is not None:
        Answers(runner, table)
    return Calls(runner)


def refuse(told: Told) -> Told:
    raise UsageError("not so")


def crash(told: Told) -> Told:
    raise KeyError("part")


def test_an_answer_comes_back() -> None:
    asked = calls(Line(), {"double": lambda told: {"twice": 2 * told["number"]}})

    assert asked.call("w", "double", {"number": 4}) == {"twice": 8}


@pytest.mark.parametrize(("table", "told"), [({"do": refuse}, "not so"), ({"do": crash}, "KeyError: 'part'")])
def test_what_goes_wrong_there_is_said_here(table: Mapping[str, Callable[[Told], Told]], told: str) -> None:
    asked = calls(Line(), table)

    with pytest.raises(StackError) as raised:
        asked.call("w", "do")

    assert (str(raised.value), isinstance(raised.value, WorkerLost)) == (told, False)


def test_a_question_that_may_be_put_twice_is_until_it_is_heard() -> None:
    line = Line(lost=2)
    asked = calls(line, {"ping": lambda told: {"at": 1.0}})

    answer = asked.call("w", "ping", again=0.01)

    assert (answer, line.sent[:3]) == ({"at": 1.0}, ["load_call"] * 3)


def test_a_silent_worker_is_lost_and_so_is_one_that_has_gone() -> None:
    silent, gone = Line(state=STATE_MISSING), Line()
    gone.clients.clear()

    for line in (silent, gone):
        with pytest.raises(WorkerLost):
            calls(line).call("w", "ready")


def test_an_answer_that_nobody_waits_for_any_more_is_passed_over() -> None:
    line = Line()
    asked = calls(line, {"ping": lambda told: {"at": 1.0}})

    line.send_message("load_answer", {"number": 99, "told": {}})

    assert asked.call("w", "ping") == {"at": 1.0}
