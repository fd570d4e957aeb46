"""A scenario on a scripted backend: what is written, whatever goes wrong."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

from harness import Scenario
from harness import generators as gen
from harness.checkers import Accounting, Order, Valid
from harness.clients.client import Client
from harness.clock import Clock
from harness.errors import PortTaken, StackError
from harness.generators import Step
from harness.history import Recorder
from harness.history.store import read
from harness.judgement import Judgement
from harness.phoenix.connection import Timing
from harness.runner import Run, run_scenario
from tests.instant import InstantClock, run


class FakeApplication:
    def idle(self) -> bool:
        return True

    async def stop_flows(self) -> None: ...


class FakeBackend:
    """Starts, is quiet, and stops, each with the error that it was given."""

    name = "fake"
    hops = frozenset({"emit", "commit"})
    versions: Mapping[str, str] = {"postgresql": "18.6"}
    environment = None
    store = None

    def __init__(self, errors: Mapping[str, Exception]) -> None:
        self.application = FakeApplication()
        self.errors = errors
        self.calls: list[str] = []

    async def _do(self, name: str) -> None:
        self.calls.append(name)
        if name in self.errors and self.calls.count(name) == 1:
            raise self.errors[name]

    async def start(self) -> None:
        await self._do("start")

    async def quiet(self, *, timeout: float) -> bool:
        await self._do("quiet")
        return True

    async def stop(self) -> None:
        await self._do("stop")

    def world(self, **_: Any) -> None:
        """These stories have no faults."""


def a_scenario(*steps: Step) -> Scenario:
    def story(rng: Random) -> Iterator[Step]:
        yield from steps

    return Scenario(story=story, checkers=[Accounting(silent_loss=1), Order()], name="mine", title="A title.")


def no_client(
    name: str, *, url: str, token: str | None, clock: Clock, timing: Timing, variant: str | None = None
) -> Client:
    raise AssertionError("these stories have no readers")


def a_run(backend: FakeBackend, runs: Path, **options: Any) -> Run:
    def make(recorder: Recorder, started: datetime) -> Any:
        return backend

    return Run(
        make_backend=make,
        make_client=lambda _: no_client,
        clock=InstantClock(),
        runs=runs,
        settings={"cadence": "instant"},
        **options,
    )


def judged(scenario: Scenario, runs: Path, errors: Mapping[str, Exception] | None = None) -> Judgement:
    return run(run_scenario(scenario, a_run(FakeBackend(errors or {}), runs, seed=7, pace=2.0)))


def test_the_header_says_what_was_run_and_how(tmp_path: Path) -> None:
    judgement = judged(a_scenario(gen.wait(3.0)), tmp_path)

    header = dict(judgement.header)
    versions = header.pop("versions")
    assert header == {
        "format": 1,
        "scenario": "mine",
        "title": "A title.",
        "seed": 7,
        "backend": "fake",
        "pace": 2.0,
        "client": "native",
        "started": "2026-01-01T00:00:00+00:00",
        "hops": ["emit", "commit"],
        "checkers": {"accounting": {"silent_loss": 1, "deadline_s": 5.0}, "order": {}},
        "cadence": "instant",
    }
    assert set(versions) == {"realtime-harness", "python", "postgresql"}


def test_the_folder_has_the_four_files_and_is_the_latest(tmp_path: Path) -> None:
    judgement = judged(a_scenario(), tmp_path)

    assert judgement.folder == tmp_path / "mine" / "20260101T000000Z-7"
    assert sorted(path.name for path in judgement.folder.iterdir()) == [
        "history.jsonl",
        "junit.xml",
        "report.html",
        "verdict.json",
    ]
    assert (tmp_path / "latest").resolve() == judgement.folder.resolve()
    assert json.loads((tmp_path / "latest" / "verdict.json").read_text())["pace"] == 2.0


def test_a_run_in_which_nothing_happened_is_unknown(tmp_path: Path) -> None:
    assert judged(a_scenario(gen.wait(1.0)), tmp_path).valid is Valid.UNKNOWN


def test_a_stack_that_does_not_start_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(PortTaken):
        judged(a_scenario(), tmp_path, {"start": PortTaken("127.0.0.1", 5000)})

    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("scenario", "errors", "reason"),
    [
        (
            a_scenario(gen.wait_ready("nobody")),
            {},
            "the story stopped at step 1 (WaitReady): the story has subscribed no reader 'nobody'",
        ),
        (a_scenario(), {"quiet": StackError("the database is gone")}, "step end (finish): the database is gone"),
        (a_scenario(), {"stop": KeyError("worker")}, "step end (stop): KeyError: 'worker' (test_runner.py, line "),
    ],
)
def test_whatever_breaks_is_the_reason_of_an_unknown_verdict(
    tmp_path: Path, scenario: Scenario, errors: Mapping[str, Exception], reason: str
) -> None:
    judgement = judged(scenario, tmp_path, errors)

    assert judgement.verdicts["story"].valid is Valid.UNKNOWN
    assert reason in judgement.verdicts["story"].reason
    assert reason.split("(")[0] in (judgement.folder / "report.html").read_text()


def test_a_run_that_is_interrupted_takes_the_stack_down_and_says_so_in_its_history(tmp_path: Path) -> None:
    backend = FakeBackend({})

    async def interrupted() -> None:
        task = asyncio.ensure_future(run_scenario(a_scenario(gen.wait(100.0)), a_run(backend, tmp_path)))
        await InstantClock().sleep(5.0)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        run(interrupted())

    _, history = read(tmp_path / "latest")
    last = history[-1]
    assert (last.f, last.type, last.value.step, last.error, last.time) == (
        "step",
        "fail",
        "run",
        "it was interrupted",
        5.0,
    )
    assert backend.calls == ["start", "stop", "stop"]
    assert [path.name for path in (tmp_path / "latest").iterdir()] == ["history.jsonl"]
