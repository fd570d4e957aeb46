"""Scenario files: found, loaded, and refused with a reason."""

import shutil
from pathlib import Path
from random import Random

import pytest

from harness import generators as gen
from harness.checkers import Accounting, Order
from harness.errors import InvalidScenario, UnknownScenario
from harness.faults import BlackHole, LaptopSleeps, TabHidden
from harness.faults.fault import Fault
from harness.scenario import Scenario, checker_name, find, known, load, load_with, scenario_folder

GOOD = '''"""A title.

And more of it.
"""
from __future__ import annotations
from dataclasses import dataclass
from harness import Scenario, generators as gen
from harness.checkers import Accounting, Order

@dataclass
class Mine:
    number: int

def story(rng):
    yield gen.wait(rng.uniform(0, Mine(number=10).number))

scenario = Scenario(story=story, checkers=[Accounting(silent_loss=2), Order()])
'''


def a_file(folder: Path, text: str, name: str = "mine.py") -> Path:
    file = folder / name
    file.write_text(text)
    return file


def test_a_file_gives_its_name_and_the_first_line_of_its_docstring(tmp_path: Path) -> None:
    scenario = load(a_file(tmp_path, GOOD))

    assert (scenario.name, scenario.title) == ("mine", "A title.")
    assert scenario.checkers_by_name() == {"accounting": Accounting(silent_loss=2), "order": Order()}


def test_the_same_seed_gives_the_same_steps(tmp_path: Path) -> None:
    scenario = load(a_file(tmp_path, GOOD))

    assert list(scenario.steps(7)) == list(scenario.steps(7))
    assert list(scenario.steps(7)) != list(scenario.steps(8))


def test_what_is_wrong_with_a_story_comes_out_when_it_is_told() -> None:
    def story(rng: Random) -> list[gen.Step]:
        raise ZeroDivisionError

    steps = Scenario(story=story, checkers=[Order()]).steps(1)

    with pytest.raises(ZeroDivisionError):
        next(steps)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("def story(:\n", "SyntaxError: invalid syntax (mine.py, line 1)"),
        ('"""T."""\nimport no_such_module\n', "ModuleNotFoundError: No module named 'no_such_module'"),
        ('"""T."""\nimport sys\nsys.exit(0)\n', "SystemExit: 0"),
        ('"""T."""\n', "it defines no `scenario = Scenario(...)`"),
        ('"""T."""\nscenario = 1\n', "it defines no `scenario = Scenario(...)`"),
        (GOOD[GOOD.index("from __future__") :], "its first docstring line, the title, is missing"),
        (GOOD.replace("Order()]", "Order]"), "is none of accounting, order, content"),
        (GOOD.replace("Order()]", "Mine(number=1)]"), "its checker Mine(number=1) is none of accounting"),
        (GOOD.replace("[Accounting(silent_loss=2), Order()]", "[]"), "it has no checkers: give some of accounting"),
    ],
)
def test_a_file_that_is_no_scenario_is_refused_with_the_reason(tmp_path: Path, text: str, reason: str) -> None:
    file = a_file(tmp_path, text)

    with pytest.raises(InvalidScenario) as refused:
        load(file)

    assert str(refused.value).startswith(f"{file} is no scenario: ")
    assert reason in str(refused.value)


def test_what_is_no_python_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidScenario, match="it is no Python file"):
        load(a_file(tmp_path, GOOD, name="mine.txt"))


def test_a_scenario_is_found_by_name_or_by_path(tmp_path: Path) -> None:
    mine = a_file(tmp_path, GOOD)

    assert find("full_flow") == scenario_folder() / "full_flow.py"
    assert find(str(mine)) == mine


@pytest.mark.parametrize("name", ["no_such", "no_such.py", "", ".", "scenarios"])
def test_an_unknown_one_is_refused_with_those_that_there_are(name: str) -> None:
    with pytest.raises(UnknownScenario) as refused:
        find(name)

    assert refused.value.known == list(known())


def test_names_that_begin_with_an_underscore_are_none(tmp_path: Path) -> None:
    a_file(tmp_path, GOOD, name="_shared.py")
    one = a_file(tmp_path, GOOD, name="one.py")

    assert known(tmp_path) == {"one": one}


def test_the_scenarios_are_found_beside_the_package_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As an installed wheel has them: inside of the package, without a pyproject.toml above it."""
    package = tmp_path / "site-packages" / "harness"
    shutil.copytree(scenario_folder(), package / "_scenarios")
    monkeypatch.setattr("harness.scenario.__file__", str(package / "scenario.py"))

    assert scenario_folder() == package / "_scenarios"
    assert "full_flow" in known()


@pytest.mark.parametrize("name", known())
def test_every_scenario_that_comes_with_us_loads_and_tells_a_story(name: str) -> None:
    scenario = load(find(name))

    steps = list(scenario.steps(1))
    assert isinstance(steps[0], type(gen.start_process("p", owner="o")))
    assert scenario.title.endswith(".")
    assert steps == list(scenario.steps(1))


def test_a_checker_is_named_for_its_file() -> None:
    assert checker_name(Order()) == "order"


def test_a_bug_is_found_by_the_name_of_its_file() -> None:
    assert find("b05_stale_token") == scenario_folder() / "bugs" / "b05_stale_token.py"


def test_a_file_gives_its_module_too_which_may_define_more(tmp_path: Path) -> None:
    scenario, module = load_with(a_file(tmp_path, f"{GOOD}\nmore = 7\n"))

    assert (scenario.name, scenario.title) == ("mine", "A title.")
    assert module.more == 7


SILENT, HIDDEN = BlackHole(link="reader"), TabHidden(reader="reader")
ASLEEP = LaptopSleeps(reader="reader")


@pytest.mark.parametrize(
    ("faults", "steps", "expected"),
    [
        ((), [gen.wait(1.0)], False),
        ((HIDDEN,), [gen.begin(HIDDEN)], False),
        ((SILENT,), [], True),
        ((HIDDEN, ASLEEP), [], True),
        ((), [gen.wait(1.0), gen.begin(SILENT)], True),
        ((), [gen.end(SILENT)], False),
        ((), [gen.together([gen.wait(1.0)], [gen.together([gen.begin(ASLEEP)])])], True),
        ((), [gen.together([gen.together([gen.begin(HIDDEN)])])], False),
    ],
    ids=[
        "none",
        "of timers",
        "at its time",
        "a sleeping laptop",
        "begun",
        "ended",
        "begun deep inside",
        "none deep inside",
    ],
)
def test_readers_need_links_where_a_fault_acts_on_them(
    faults: tuple[Fault, ...], steps: list[gen.Step], expected: bool
) -> None:
    scenario = Scenario(story=lambda rng: steps, checkers=[Order()], faults=faults)

    assert scenario.needs_links(1) is expected
