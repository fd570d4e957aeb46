"""A run in one process: what is begun is ended, and what was not as it should is told."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.errors import HistoryError, StackError
from harness.pipeline.reader_status import Status
from load.plan import Plan
from load.playing import stage as module
from load.playing.generation import Generation
from load.playing.stage import Abandoned, Stage
from tests.unit.load.nowhere import ENVIRONMENT

PLAN = Plan(writers=1, readers=0, churners=0, storm=0, settle=0.0)


class Publishing:
    """A publishing process that fails where it is told to. What is done to it is in `did`."""

    pid = 1

    def __init__(self, *, fails: Mapping[str, Exception] | None = None) -> None:
        self.did: list[str] = []
        self._fails = fails or {}

    def prepare(self) -> Sequence[Mapping[str, str]]:
        self._do("prepare")
        return [{"process_id": "p", "owner": "o", "owner_id": "i"}]

    def begin(self, at: float) -> None:
        self._do("begin")

    def last_sequences(self, timeout: float) -> Mapping[str, int]:
        self._do("last_sequences")
        return {"p": 1}

    def end(self) -> None:
        self._do("end")

    def kill(self) -> None:
        self._do("kill")

    def _do(self, what: str) -> None:
        self.did.append(what)
        if what in self._fails:
            raise self._fails[what]


def staged(publishing: Publishing, folder: Path, monkeypatch: pytest.MonkeyPatch, *, plan: Plan = PLAN) -> Stage:
    locust: Any = SimpleNamespace()
    monkeypatch.setattr(module, "PublishingWorker", lambda task, heard, *, troubled: publishing)
    monkeypatch.setattr(module, "measured_here", lambda *, publishing, stack: {})
    return Stage(locust, plan, ENVIRONMENT, folder)


def test_what_cannot_be_prepared_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publishing = Publishing(fails={"prepare": StackError("no stack")})
    stage = staged(publishing, tmp_path, monkeypatch)

    with pytest.raises(StackError, match="no stack"):
        stage.prepare()
    stage.abandon()

    assert publishing.did == ["prepare", "kill"]


def test_what_breaks_in_the_middle_is_raised_when_the_process_has_been_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publishing = Publishing(fails={"begin": HistoryError("the disk")})
    stage = staged(publishing, tmp_path, monkeypatch)
    stage.prepare()

    with pytest.raises(HistoryError, match="the disk"):
        stage.play()

    assert publishing.did == ["prepare", "begin", "end"]


def test_what_breaks_in_a_run_that_was_abandoned_is_that_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = staged(Publishing(fails={"begin": HistoryError("closed")}), tmp_path, monkeypatch)
    stage.prepare()
    stage.abandon()

    with pytest.raises(Abandoned):
        stage.play()


def test_a_trouble_that_is_told_twice_counts_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = staged(Publishing(), tmp_path, monkeypatch)

    for what in ("a", "b", "a"):
        stage.trouble(what)

    assert stage.header["troubles"] == ["a", "b"]


def test_pages_that_do_not_close_are_a_trouble(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_GRACE_S", 0.0)
    stage = staged(Publishing(), tmp_path, monkeypatch, plan=replace(PLAN, readers=1))
    stage.prepare()
    page: Any = SimpleNamespace(
        tab=SimpleNamespace(name="reader-1", status=Status.LIVE, ended=False, cursor=1, process_id="p"),
        close=lambda *, leaves: None,
    )
    generation: Generation = next(stage.generations())
    generation.keep(page)

    stage.play()

    assert stage.troubles == ["1 pages had not closed 0 s after they were to: what they show is not told"]
