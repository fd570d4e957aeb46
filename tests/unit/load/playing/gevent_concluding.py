"""The end of a run: Locust is let go, whatever goes wrong."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.checkers.checker import Finding, Verdict
from harness.errors import HistoryError, UsageError
from load.judging.judged import Judged
from load.plan import Plan
from load.playing import concluding
from load.playing.concluding import folder_of, play_and_judge
from load.playing.stage import Abandoned

PLAN = Plan()
JUDGED = Judged(
    plan=PLAN,
    figures={},
    checked={},
    claims={"a claim": Verdict.invalid(Finding("it is not so"), looked_at=1)},
)


class Run:
    """One that comes to this end."""

    def __init__(self, *, fails: Exception | None = None, troubles: Sequence[str] = ()) -> None:
        self._fails = fails
        self.header: Mapping[str, Any] = {"troubles": list(troubles)}

    def play(self) -> None:
        if self._fails is not None:
            raise self._fails


def locust(*, web: bool = False) -> Any:
    ended: list[str] = []
    runner = SimpleNamespace(quit=lambda: ended.append("quit"), stop=lambda: ended.append("stop"))
    return SimpleNamespace(runner=runner, web_ui=object() if web else None, process_exit_code=0, ended=ended)


def shown(folder: Path, judged: Judged) -> None:
    """Nobody looks."""


@pytest.fixture(autouse=True)
def judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(concluding, "judge_run", lambda folder, plan, header: JUDGED)


def test_a_run_that_was_played_makes_the_exit_code_and_ends_locust(tmp_path: Path) -> None:
    environment = locust()

    play_and_judge(environment, Run(), PLAN, tmp_path, show=shown)

    assert (environment.process_exit_code, environment.ended) == (1, ["quit"])


def test_behind_a_web_ui_only_the_test_ends(tmp_path: Path) -> None:
    environment = locust(web=True)

    play_and_judge(environment, Run(), PLAN, tmp_path, show=shown)

    assert (environment.process_exit_code, environment.ended) == (1, ["stop"])


@pytest.mark.parametrize("fails", [OSError(28, "No space left on device"), HistoryError("cut off"), KeyError("x")])
def test_a_run_that_breaks_ends_locust_all_the_same(
    fails: Exception, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environment = locust()

    play_and_judge(environment, Run(fails=fails, troubles=["a worker was lost"]), PLAN, tmp_path, show=shown)

    assert (environment.process_exit_code, environment.ended) == (2, ["quit"])
    told = capsys.readouterr().err
    assert "harness: a worker was lost\n" in told
    assert str(fails) in told


def test_a_page_that_cannot_be_made_ends_locust_all_the_same(tmp_path: Path) -> None:
    def breaks(folder: Path, judged: Judged) -> None:
        raise ValueError("a template")

    environment = locust()

    play_and_judge(environment, Run(), PLAN, tmp_path, show=breaks)

    assert (environment.process_exit_code, environment.ended) == (2, ["quit"])


def test_whoever_ended_the_run_ends_locust(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    environment = locust()

    play_and_judge(environment, Run(fails=Abandoned()), PLAN, tmp_path, show=shown)

    assert (environment.process_exit_code, environment.ended) == (0, [])
    assert capsys.readouterr().err == "harness: the run was ended before it was over\n"


def test_a_folder_that_holds_a_run_is_refused(tmp_path: Path) -> None:
    options = SimpleNamespace(folder=str(tmp_path), headless=True)

    assert folder_of(options, PLAN) == tmp_path
    (tmp_path / "parts").mkdir()
    with pytest.raises(UsageError, match="holds a run already"):
        folder_of(options, PLAN)


def test_behind_a_web_ui_each_run_has_a_folder_of_its_own(tmp_path: Path) -> None:
    options = SimpleNamespace(folder=str(tmp_path), headless=False)

    first, second = folder_of(options, PLAN), folder_of(options, PLAN)

    assert first != second
    assert {first.parent, second.parent} == {tmp_path / "load"}
