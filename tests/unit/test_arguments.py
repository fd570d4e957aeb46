"""The command line as the contract has it, and help that teaches."""

from pathlib import Path

import pytest

from harness.arguments import LATER, parser

COMMANDS = ["up", "exec", "run", "list", "check", "report", "open", "token", "lab", "plan"]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_help_has_an_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parser().parse_args([name, "--help"])

    assert ended.value.code == 0
    assert f"example:  harness {name}" in capsys.readouterr().out


def test_the_overview_names_every_command_and_every_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["--help"])

    told = capsys.readouterr().out
    assert [name for name in (*COMMANDS, *LATER) if f"\n    {name} " not in told] == []
    assert "0 valid, 1 invalid, 2 unknown" in told
    assert "64 wrong usage, 130 interrupted" in told


def test_a_run_has_the_defaults_of_the_contract() -> None:
    given = vars(parser().parse_args(["run", "full_flow"]))

    assert {name: given[name] for name in ("backend", "host", "port", "schema", "pace", "client", "repeat")} == {
        "backend": "embedded",
        "host": "127.0.0.1",
        "port": 0,
        "schema": "public",
        "pace": 1.0,
        "client": "native",
        "repeat": 1,
    }
    assert given["runs"] == Path("runs")
    assert (given["json"], given["seed"], given["seeds"], given["jobs"]) == (False, None, None, None)


@pytest.mark.parametrize(
    ("text", "seeds"), [("1-5", (1, 2, 3, 4, 5)), ("1,4,9", (1, 4, 9)), ("7", (7,)), ("1-2,9", (1, 2, 9))]
)
def test_seeds_are_ranges_and_lists(text: str, seeds: tuple[int, ...]) -> None:
    assert parser().parse_args(["run", "full_flow", "--seeds", text]).seeds == seeds


def test_the_command_of_exec_keeps_its_own_options() -> None:
    given = parser().parse_args(["exec", "--port", "5000", "--", "pytest", "--port", "1", "-x"])

    assert (given.port, given.command[-4:]) == (5000, ["pytest", "--port", "1", "-x"])


@pytest.mark.parametrize("name", LATER)
def test_a_command_that_comes_later_takes_whatever_is_said(name: str) -> None:
    assert parser().parse_args([name, "runs/latest"]).name == name
