"""What `python -m load` takes and refuses, before any stack is brought up."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.signals import ENDING
from load import __main__ as load
from load.commands import compare, running
from load.commands.running import interrupt_on_signals
from load.judging.judged import Judged
from load.plan import Plan


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch) -> list[Plan]:
    """The plans that would have been run: nothing is brought up."""
    plans: list[Plan] = []

    def run(plan: Plan, folder: Path, *, cadence: str) -> Judged:
        plans.append(plan)
        return Judged(plan=plan, figures={}, checked={}, claims={})

    monkeypatch.setattr(compare, "_on_fresh_stack", run)
    return plans


@pytest.fixture
def handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in ENDING}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("wrong", ["--writers=0", "--seconds=-1", "--warm-up=20", "--rate=nan", "--settle=inf"])
def test_a_plan_that_cannot_be_is_wrong_usage_before_anything_is_made(
    wrong: str, tmp_path: Path, offered: list[Plan], capsys: pytest.CaptureFixture[str]
) -> None:
    code = load.main([wrong, f"--runs={tmp_path}"])

    assert (code, offered, list(tmp_path.iterdir())) == (64, [], [])
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("wrong", [("--debounce", "frob"), ("--writers", "few"), ("--frob",)])
def test_words_that_are_not_understood_are_wrong_usage(wrong: tuple[str, ...], offered: list[Plan]) -> None:
    with pytest.raises(SystemExit) as ended:
        load.main(wrong)

    assert (ended.value.code, offered) == (64, [])


def test_each_policy_is_run_once_with_the_same_numbers(tmp_path: Path, offered: list[Plan]) -> None:
    load.main(["--debounce", "off", "lossless", "off", "--writers=8", "--warm-up=1", f"--runs={tmp_path}"])

    assert offered == [Plan(debounce=each, writers=8, warm_up=1.0) for each in ("off", "lossless")]


def test_what_was_run_is_written_where_the_rest_is_interrupted(
    tmp_path: Path, offered: list[Plan], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(plan: Plan, folder: Path, *, cadence: str) -> Judged:
        if plan.debounce == "lossless":
            raise KeyboardInterrupt
        return Judged(plan=plan, figures={"events offered": 7}, checked={}, claims={})

    monkeypatch.setattr(compare, "_on_fresh_stack", run)

    code = load.main(["--debounce", "off", "lossless", f"--runs={tmp_path}"])

    folder = tmp_path / "latest"
    assert code == 130
    assert (folder / "figures.csv").read_text().splitlines()[:2] == ["figure,off", "events offered,7"]
    assert "Not run to the end: lossless." in (folder / "report.html").read_text()
    assert ", without lossless\n" in capsys.readouterr().err


def test_every_command_makes_room_for_the_sockets_of_its_plan(
    tmp_path: Path, offered: list[Plan], monkeypatch: pytest.MonkeyPatch
) -> None:
    plans: list[Plan] = []

    def refuse(plan: Plan) -> None:
        plans.append(plan)
        raise UsageError("no room")

    monkeypatch.setattr(running, "make_room", refuse)

    codes = {name: load.main([name, "--readers=5", f"--runs={tmp_path}"]) for name in load.COMMANDS}

    assert set(codes.values()) == {64}
    assert [plan.readers for plan in plans] == [5] * len(load.COMMANDS)
    assert (offered, list(tmp_path.iterdir())) == ([], [])


def test_the_specifications_application_is_compared_with_itself_undebounced(
    tmp_path: Path, offered: list[Plan]
) -> None:
    load.main(["--app=as-specified", f"--runs={tmp_path}"])

    assert offered == [Plan(app="as-specified", debounce=each) for each in ("as-specified", "off")]


def test_the_help_tells_what_a_number_means(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        load.main(["--help"])

    assert "readers of each generation (2)" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("number", ENDING)
def test_the_first_signal_interrupts_and_a_second_cuts_nothing_short(number: signal.Signals, handlers: None) -> None:
    signal.signal(number, signal.SIG_DFL)
    interrupt_on_signals()

    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), number)
    os.kill(os.getpid(), number)
