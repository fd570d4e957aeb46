"""Commands that need no stack, given values."""

import json
import shutil
import webbrowser
from pathlib import Path

import pytest

from harness import commands
from harness.errors import HistoryError, UsageError
from harness.scenario import known

HISTORIES = Path(__file__).parents[1] / "histories"


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A folder of runs with one in it, and `latest`."""
    run = tmp_path / "runs" / "clean" / "20260101T000000Z-7"
    run.mkdir(parents=True)
    shutil.copy(HISTORIES / "clean.jsonl", run / "history.jsonl")
    (tmp_path / "runs" / "latest").symlink_to(run)
    return tmp_path / "runs"


def test_the_list_is_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.list_scenarios(as_json=True) == 0

    listed = json.loads(capsys.readouterr().out)["scenarios"]
    assert [one["name"] for one in listed] == list(known())
    assert all(one["title"].endswith(".") and one["checkers"] for one in listed)


@pytest.mark.parametrize("run", ["latest", "clean/20260101T000000Z-7"])
def test_a_run_is_found_by_its_place_in_the_folder_of_runs(
    runs: Path, run: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert commands.check([run], runs=runs, as_json=True) == 0

    assert json.loads(capsys.readouterr().out)["scenario"] == "clean"


def test_a_browser_is_asked_only_where_there_is_a_screen(
    runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []

    def opened(url: str) -> bool:
        asked.append(url)
        return True

    monkeypatch.setattr(webbrowser, "open", opened)

    commands.open_report("latest", runs=runs, as_json=True, has_screen=False)
    without = json.loads(capsys.readouterr().out)
    commands.open_report("latest", runs=runs, as_json=True, has_screen=True)
    with_one = json.loads(capsys.readouterr().out)

    path = str(runs / "latest" / "report.html")
    assert (without, with_one) == ({"report": path, "opened": False}, {"report": path, "opened": True})
    assert [url.startswith("file:///") for url in asked] == [True]


def test_a_report_that_cannot_be_written_is_told(runs: Path) -> None:
    (runs / "latest" / "report.html").mkdir()

    with pytest.raises(HistoryError, match=r"report\.html cannot be written: Is a directory"):
        commands.report("latest", runs=runs, as_json=False)


def test_a_folder_without_a_history_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="give a run folder, or `latest`"):
        commands.report(str(tmp_path), runs=tmp_path, as_json=False)
