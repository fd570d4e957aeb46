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


def test_the_list_has_the_bugs_with_what_reproduces_and_convicts_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.list_scenarios(as_json=True) == 0

    listed = json.loads(capsys.readouterr().out)["bugs"]
    assert [one["id"] for one in listed] == [f"B{number}" for number in range(1, 29)]
    assert listed[1] == {
        "id": "B2",
        "name": "b02_away_without_replay",
        "title": "What happened while the browser was away is never sent.",
        "users_say": "back from the background, a piece of the article is missing",
        "faults": ["offline"],
        "checkers": ["accounting", "recovery", "convergence", "order"],
        "accused": "as-specified",
        "convicted_by": ["accounting", "recovery", "convergence"],
    }


def test_the_list_for_people_names_faults_checkers_and_bugs(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.list_scenarios(as_json=False) == 0

    lines = capsys.readouterr().out.splitlines()
    place = lines.index("B2                    What happened while the browser was away is never sent.")
    assert [line.strip() for line in lines[place + 1 : place + 4]] == [
        "b02_away_without_replay",
        "faults: offline",
        "accused: as-specified; convicted by: accounting, recovery, convergence",
    ]
    assert lines[1].strip() == "checkers: accounting, order, content, convergence"
    assert "" not in [line.strip() for line in lines[:10]]


def test_faults_that_a_scenario_declares_and_that_its_story_begins_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "storm.py"
    file.write_text(
        '"""A storm."""\n'
        "from harness import Scenario, generators as gen\n"
        "from harness.checkers import Order\n"
        "from harness.faults import BlackHole, SlotLost\n"
        "def story(rng):\n"
        "    yield gen.together([gen.begin(SlotLost())], [gen.begin(SlotLost())])\n"
        'scenario = Scenario(story=story, checkers=[Order()], faults=[BlackHole(link="reader", at=1.0)])\n'
    )
    monkeypatch.setattr(commands, "known", lambda: {"storm": file})

    commands.list_scenarios(as_json=True)

    assert json.loads(capsys.readouterr().out)["scenarios"] == [
        {"name": "storm", "title": "A storm.", "faults": ["black_hole", "slot_lost"], "checkers": ["order"]}
    ]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("cut", "line 42: the line is cut off; the 40 ops before it are intact, nothing was changed"),
        ("newer_format", "has format 2, this harness reads up to 1: upgrade realtime-harness"),
    ],
)
def test_a_history_that_cannot_be_read_is_told_and_the_others_are_judged(
    name: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = HISTORIES / f"{name}.jsonl"
    before = file.read_bytes()

    code = commands.check([str(file), str(HISTORIES / "clean.jsonl")], runs=tmp_path, as_json=False)

    out, err = capsys.readouterr()
    assert (code, out.startswith("✓ valid  clean"), words in err) == (2, True, True)
    assert file.read_bytes() == before


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
