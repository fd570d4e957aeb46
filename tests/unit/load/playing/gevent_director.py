"""A worker is told that the master has its parts only where it has them."""

import zlib
from argparse import Namespace
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gevent  # type: ignore[import-untyped]
import pytest

from harness.backends.environment import Environment
from harness.checkers.checker import Verdict
from harness.errors import UsageError
from load.judging.judged import Judged
from load.plan import Plan
from load.playing import concluding
from load.playing.director import Director

PLAN = Plan(writers=2)


class Workers:
    """Locust's runner with two workers behind it, of which the second fails at one question."""

    def __init__(self, *, fails: str) -> None:
        self.clients = {name: SimpleNamespace(state="running") for name in ("first", "second")}
        self.asked: list[tuple[str, str]] = []
        self.ended: list[str] = []
        self._fails = fails
        self._hear: Callable[..., None] = lambda **_: None

    def register_message(self, kind: str, listener: Callable[..., None]) -> None:
        self._hear = listener

    def get_worker_index(self, name: str) -> int:
        return list(self.clients).index(name)

    def send_message(self, kind: str, data: Mapping[str, Any], name: str) -> None:
        self.asked.append((name, data["what"]))
        answer = {"number": data["number"], **self._answer(name, data["what"])}
        gevent.spawn(self._hear, environment=None, msg=SimpleNamespace(data=answer))

    def quit(self) -> None:
        self.ended.append("quit")

    def _answer(self, name: str, what: str) -> Mapping[str, Any]:
        if (name, what) == ("second", self._fails):
            return {"trouble": "it did not work"}
        answers: Mapping[str, Mapping[str, Any]] = {
            "ping": {"at": 0.0, "wall": 0.0},
            "prepare": {"host": "h", "process": 1},
            "over": {"troubles": [], "parts": ["locust.jsonl"]},
            "piece": {"data": zlib.compress(b"a history\n"), "next": None},
        }
        return {"told": answers.get(what, {})}


def directed(runner: Any, folder: Path) -> Director:
    stack = dict.fromkeys(each.name for each in fields(Environment))
    options = Namespace(**{**asdict(PLAN), **stack, "env_file": None, "folder": str(folder), "headless": True})
    environment: Any = SimpleNamespace(runner=runner, web_ui=None, process_exit_code=2)
    return Director(environment, runner, options, show=lambda folder, judged: None)


@pytest.fixture
def headers(monkeypatch: pytest.MonkeyPatch) -> list[Mapping[str, Any]]:
    """Those of the runs that came to be judged."""
    seen: list[Mapping[str, Any]] = []

    def judge(folder: Path, plan: Plan, header: Mapping[str, Any]) -> Judged:
        seen.append(header)
        return Judged(plan=plan, figures={}, checked={}, claims={"c": Verdict.unknown("a test")})

    monkeypatch.setattr(concluding, "judge_run", judge)
    return seen


@pytest.mark.parametrize("fails", ["over", "piece"])
def test_done_is_said_to_those_whose_parts_are_here(
    fails: str, tmp_path: Path, headers: list[Mapping[str, Any]]
) -> None:
    runner = Workers(fails=fails)

    directed(runner, tmp_path).start()
    while not runner.ended:
        gevent.sleep(0.001)

    assert [name for name, what in runner.asked if what == "done"] == ["first"]
    assert [header["troubles"] for header in headers] == [["worker 2 (h, process 1): it did not work"]]
    assert [part.name for part in (tmp_path / "parts").iterdir()] == ["worker-1-locust.jsonl"]


def test_what_holds_a_run_already_is_not_played_into(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    runner = Workers(fails="nothing")

    with pytest.raises(UsageError):
        directed(runner, tmp_path).start()

    assert runner.asked == []


def test_a_run_that_was_not_begun_is_not_waited_for_when_it_stops(tmp_path: Path) -> None:
    director = directed(Workers(fails="nothing"), tmp_path)

    with gevent.Timeout(1.0):
        director.stop()

    assert director.header["troubles"] == []
