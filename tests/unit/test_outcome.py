"""What came of runs, told to people, to programs and as an exit code."""

import json
import os
import re
import sys
from pathlib import Path

import pytest

from harness.errors import OutputClosed, PortTaken, UsageError
from harness.judgement import Judgement, judge_file
from harness.outcome import Failure, Outcome, exit_code, outcomes_json, show
from harness.output import result

HISTORIES = Path(__file__).parents[1] / "histories"
DOWN = Failure(what="full_flow, seed 2", error=PortTaken("127.0.0.1", 5000))
MISUSED = Failure(what="full_flow, seed 3", error=UsageError("no such schema"))


def judged(name: str) -> Judgement:
    return judge_file(HISTORIES / f"{name}.jsonl")


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        ([judged("clean")], 0),
        ([judged("clean"), judged("inverted")], 1),
        ([judged("clean"), DOWN], 2),
        ([judged("inverted"), DOWN], 1),
        ([judged("clean"), MISUSED], 64),
        ([], 2),
    ],
)
def test_the_exit_code_is_that_of_the_worst(outcomes: list[Outcome], code: int) -> None:
    assert exit_code(outcomes) == code


def test_one_outcome_is_its_own_object() -> None:
    assert json.loads(outcomes_json([DOWN])) == {
        "valid": "unknown",
        "run": "full_flow, seed 2",
        "error": "port 5000 on 127.0.0.1 is taken: stop what listens there, or use --port 0 for a free one",
    }


def test_several_outcomes_are_one_object_that_any_terminal_can_take() -> None:
    text = outcomes_json([judged("clean"), DOWN])

    told = json.loads(text)
    assert text.isascii()
    assert told["valid"] == "unknown"
    assert [run["valid"] for run in told["runs"]] == ["valid", "unknown"]


def test_a_judgement_goes_to_stdout_and_a_failure_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    show(judged("clean"), alone=False)
    show(DOWN, alone=False)

    out, err = capsys.readouterr()
    assert out.startswith("✓ valid  clean, seed 7, on embedded, pace 10\n")
    assert err.startswith("harness: full_flow, seed 2: port 5000 on 127.0.0.1 is taken")


def test_a_terminal_gets_lines_that_fit_and_a_file_gets_paragraphs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    show(judged("lost_silently"), alone=True)
    in_a_file = capsys.readouterr().out
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "60")
    show(judged("lost_silently"), alone=True)
    on_a_terminal = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)

    assert max(map(len, in_a_file.splitlines())) > 200
    assert max(map(len, on_a_terminal.splitlines())) <= 60
    assert on_a_terminal.split() == in_a_file.split()


def test_a_reader_that_has_gone_is_an_error_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w", buffering=1) as closed:
        monkeypatch.setattr(sys, "stdout", closed)

        with pytest.raises(OutputClosed):
            result("is anybody there?")

        os.dup2(os.open(os.devnull, os.O_WRONLY), closed.fileno())
