"""Recorded runs, judged by the checkers that their headers name."""

import json
import shutil
from pathlib import Path

import pytest

from harness.checkers import Valid
from harness.errors import CorruptHistory, HistoryError
from harness.history import History
from harness.judgement import judge_file, why_incomplete, write
from tests.histories.literal import a_history, an_op, database, emitted, started

HISTORIES = Path(__file__).parents[1] / "histories"


@pytest.mark.parametrize(("name", "valid"), [("clean", Valid.YES), ("lost_silently", Valid.NO), ("inverted", Valid.NO)])
def test_a_recorded_run_is_judged_as_its_name_says(name: str, valid: Valid) -> None:
    judgement = judge_file(HISTORIES / f"{name}.jsonl")

    assert judgement.valid is valid
    assert list(judgement.verdicts) == ["accounting", "order", "content", "convergence"]
    assert judgement.folder == HISTORIES


def test_all_that_is_told_of_a_run_is_written_beside_its_history(tmp_path: Path) -> None:
    shutil.copy(HISTORIES / "clean.jsonl", tmp_path / "history.jsonl")
    judgement = judge_file(tmp_path)

    write(judgement, tmp_path)

    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "history.jsonl",
        "junit.xml",
        "report.html",
        "verdict.json",
    ]
    assert json.loads((tmp_path / "verdict.json").read_text()) == judgement.document()
    assert judgement.report == tmp_path / "report.html"


def test_a_folder_that_takes_no_files_is_told(tmp_path: Path) -> None:
    judgement = judge_file(HISTORIES / "clean.jsonl")

    with pytest.raises(HistoryError, match=r"verdict\.json cannot be written: No such file or directory"):
        write(judgement, tmp_path / "gone")


@pytest.mark.parametrize("checkers", [{"no_such": {}}, {"accounting": {"no_such": 1}}, [], None])
def test_checkers_that_this_harness_does_not_know_are_refused(tmp_path: Path, checkers: object) -> None:
    header = json.loads((HISTORIES / "clean.jsonl").read_text().splitlines()[0])
    (tmp_path / "history.jsonl").write_text(json.dumps({**header, "checkers": checkers}) + "\n")

    with pytest.raises(CorruptHistory, match="its header names no checkers that this harness knows"):
        judge_file(tmp_path)


def test_a_run_that_was_killed_is_not_judged_as_if_it_had_ended(tmp_path: Path) -> None:
    lines = (HISTORIES / "clean.jsonl").read_text().splitlines(keepends=True)
    last = next(number for number, line in enumerate(lines) if '"f":"database"' in line)
    (tmp_path / "history.jsonl").write_text("".join(lines[:last]))

    judgement = judge_file(tmp_path)

    assert judgement.valid is Valid.UNKNOWN
    assert judgement.verdicts["story"].reason == "the recording stops before the story's end: the run was killed"


FAILED = an_op("story", "step", type="fail", step="WaitFor", number="3", error="not within 5 s")
INTERRUPTED = an_op("story", "step", type="fail", step="run", number="end", error="it was interrupted")
CRASHED = an_op("app", "crash", type="info", process_id="p1", error="KeyError: 'x'")


@pytest.mark.parametrize(
    ("history", "reason"),
    [
        (a_history(), None),
        (a_history(started(), emitted(1), database()), None),
        (a_history(started(), emitted(1)), "the recording stops before the story's end: the run was killed"),
        (a_history(started(), FAILED, database()), "the story stopped at step 3 (WaitFor): not within 5 s"),
        (a_history(started(), FAILED, INTERRUPTED), "the story stopped at step 3 (WaitFor): not within 5 s"),
        (a_history(started(), INTERRUPTED), "the story stopped at step end (run): it was interrupted"),
        (
            a_history(started(), CRASHED, FAILED),
            "the story stopped at step 3 (WaitFor): not within 5 s; "
            "a flow of the application had crashed: KeyError: 'x'",
        ),
    ],
)
def test_why_a_history_does_not_tell_a_story_to_its_end(history: History, reason: str | None) -> None:
    assert why_incomplete(history) == reason
