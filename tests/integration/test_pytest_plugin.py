"""The plugin as it is installed: tests of a team's own, in a pytest of their own."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.command import Command

ROOT = Path(__file__).parents[2]
TITLE = "Realtime timeline"
INI = "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n"

FAILING = """
import pytest

from harness import generators as gen


@pytest.mark.parametrize("word", ["/: “茶”"])
async def test_what_is_not_so(word, publisher, subscriber):
    await publisher.start("article")
    reader = await subscriber("article")
    await publisher.publish("article", gen.step_completed("editing"))
    await reader.until(lambda state: state.last_event_sequence == 1)
    assert reader.cursor == 7
"""

BOTH = """
def test_a_run_that_is_not_as_it_should_be(run, history):
    for seed in (1, 2):
        assert run("disconnect", seed=seed, pace=20).valid == "valid"
    assert False


def test_a_test_without_fixtures():
    assert False


def test_without_a_stack(run):
    assert False
"""

BROKEN = '''
import pytest


@pytest.fixture
def stack():
    """A team's own fixture of that name wins."""
    return "ours"


def test_our_own_stack(stack):
    assert stack == "ours"
'''


@pytest.fixture
def command() -> Iterator[Command]:
    with Command.in_a_new_folder() as one:
        (one.folder / "pytest.ini").write_text(INI)
        yield one


def played(command: Command, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """`pytest` with these arguments, as a team runs it: it finds the plugin because the package is installed."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-W", "error", *arguments],
        capture_output=True,
        text=True,
        cwd=command.folder,
        env={**os.environ, "TMPDIR": str(command.folder / "tmp"), "PYTHONDONTWRITEBYTECODE": "1"},
        timeout=100,
    )


def written(command: Command, name: str, text: str) -> str:
    """A test file of a team."""
    (command.folder / name).write_text(text)
    return name


def timelines(output: str) -> list[Path]:
    """The paths under each heading."""
    sections = re.findall(rf"-+ {TITLE} -+\n(.*?)\n(?:[-=_]{{5}}|FAILED|$)", output, re.DOTALL)
    return [Path(line) for section in sections for line in section.splitlines() if line]


def test_the_example_passes_and_leaves_nothing_behind(command: Command) -> None:
    told = played(command, str(ROOT / "examples" / "pytest"), "-q", "--realtime-runs", "kept")

    assert told.returncode == 0, told.stdout + told.stderr
    assert "2 passed" in told.stdout
    assert TITLE not in told.stdout
    assert [path.name for path in (command.folder / "kept").iterdir() if not path.is_symlink()] == ["disconnect"]
    assert not (command.folder / "runs").exists()
    assert command.left() == []


def test_the_example_is_as_short_as_it_was_promised() -> None:
    text = (ROOT / "examples" / "pytest" / "test_article_page.py").read_text(encoding="utf-8")

    tests = text[text.index("\n\nasync def") :].split("\n\n\n")
    assert all(len([line for line in test.splitlines() if line.strip()]) < 20 for test in tests)


def test_a_failing_test_says_where_its_timeline_lies(command: Command) -> None:
    told = played(command, written(command, "test_ours.py", FAILING))

    assert told.returncode == 1, told.stdout + told.stderr
    (report,) = timelines(told.stdout)
    assert (command.folder / report).is_file()
    assert report.parts[0] == "runs"
    assert (command.folder / report).parent.parent.name.startswith("test_what_is_not_so[")
    assert "step_completed" in (command.folder / report).read_text(encoding="utf-8")
    assert (command.folder / report).with_name("history.jsonl").is_file()
    assert command.left() == []


def test_a_failing_test_says_where_the_runs_lie_that_it_started(command: Command) -> None:
    told = played(command, written(command, "test_ours.py", BOTH), "--realtime-runs", "kept")

    assert "3 failed" in told.stdout, told.stdout + told.stderr
    found = timelines(told.stdout)
    kinds = sorted(path.parts[1] for path in found)
    assert kinds == ["disconnect", "disconnect", "test_a_run_that_is_not_as_it_should_be"]
    assert all(path.parts[0] == "kept" and (command.folder / path).is_file() for path in found)
    assert command.left() == []


def test_a_fixture_of_the_same_name_is_a_teams_own(command: Command) -> None:
    told = played(command, written(command, "test_ours.py", BROKEN), "-q")

    assert told.returncode == 0, told.stdout + told.stderr


def test_a_stack_that_does_not_start_is_an_error_and_leaves_nothing(command: Command) -> None:
    text = "def test_it(stack):\n    assert False\n"
    elsewhere = command.folder / "no-docker"
    elsewhere.mkdir()
    (command.folder / "conftest.py").write_text(f"import os\nos.environ['PATH'] = {str(elsewhere)!r}\n")

    told = played(command, written(command, "test_ours.py", text), "--realtime-backend", "compose")

    assert "1 error" in told.stdout, told.stdout + told.stderr
    assert "StackError" in told.stdout
    assert command.left() == []


def test_the_options_are_those_of_the_contract(command: Command) -> None:
    told = played(command, "--help")

    assert "--realtime-backend={embedded,compose}" in told.stdout
    assert "--realtime-runs" in told.stdout


def test_our_own_tests_with_fixtures_of_these_names_are_still_collected() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "tests"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=100,
    )

    assert told.returncode == 0, told.stdout[-2000:]
    assert re.search(r"\d{4} tests collected", told.stdout)
