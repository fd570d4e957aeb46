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


def with_checkers(folder: Path, checkers: object) -> Path:
    """The clean run, to be judged by others."""
    header, *ops = (HISTORIES / "clean.jsonl").read_text().splitlines()
    lines = [json.dumps({**json.loads(header), "checkers": checkers}), *ops]
    (folder / "history.jsonl").write_text("\n".join(lines) + "\n")
    return folder


@pytest.mark.parametrize(
    ("checker", "fields", "reason"),
    [
        ("clairvoyance", {"within": 1.0}, "this harness knows no checker 'clairvoyance': if a newer one recorded"),
        ("accounting", {"no_such": 1}, "this harness does not know these parameters"),
    ],
)
def test_a_checker_of_a_newer_harness_is_unknown_and_the_others_judge(
    tmp_path: Path, checker: str, fields: dict[str, object], reason: str
) -> None:
    run = with_checkers(tmp_path, {checker: fields, "order": {}})
    before = (run / "history.jsonl").read_bytes()

    judgement = judge_file(run)
    write(judgement, run)

    verdicts = judgement.verdicts
    assert (judgement.valid, verdicts["order"].valid, verdicts[checker].valid) == (
        Valid.UNKNOWN,
        Valid.YES,
        Valid.UNKNOWN,
    )
    assert verdicts[checker].reason.startswith(reason)
    assert "upgrade realtime-harness" in (run / "report.html").read_text()
    assert (run / "history.jsonl").read_bytes() == before


@pytest.mark.parametrize("checkers", [[], None, {"accounting": 1}])
def test_a_header_that_names_no_checkers_is_refused(tmp_path: Path, checkers: object) -> None:
    with pytest.raises(CorruptHistory, match="does not say which checkers are to judge it; the 0 ops before it"):
        judge_file(with_checkers(tmp_path, checkers))


def test_what_nobody_here_knows_of_a_newer_harness_disturbs_nothing(tmp_path: Path) -> None:
    run = with_checkers(tmp_path, {"order": {}})
    last = json.loads((run / "history.jsonl").read_text().splitlines()[-1])
    op = {**last, "index": last["index"] + 1, "actor": "oracle", "f": "foresee", "value": {"reader": "reader-1"}}
    with (run / "history.jsonl").open("a") as file:
        file.write(json.dumps(op) + "\n")

    judgement = judge_file(run)

    assert (judgement.valid, judgement.history[-1].f) == (Valid.YES, "foresee")
    write(judgement, run)


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
