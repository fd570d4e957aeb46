"""A scenario: a story and the checkers that judge what it led to, as one value in one file."""

import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

from harness.checkers import CHECKERS
from harness.checkers.checker import Checker
from harness.errors import InvalidScenario, UnknownScenario
from harness.faults.fault import Fault
from harness.faults.nemesis import needs_links
from harness.generators.step import Begin, Step, Together

Story = Callable[[Random], Iterable[Step]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """`story` yields steps; the same seed must yield the same steps. `checkers` judge the history.

    `faults` begin and end at their times, in seconds of the story from its first step, divided by `--pace` like all of
    its seconds; others the story begins itself. `name` and `title` are filled by `load` from the file: its name and the
    first line of its docstring.
    """

    story: Story
    checkers: Sequence[Checker]
    faults: Sequence[Fault] = ()
    name: str = ""
    title: str = ""

    def steps(self, seed: int) -> Iterator[Step]:
        """The steps of the story for this seed; whatever is wrong with the story comes out when it is iterated."""
        yield from self.story(Random(seed))

    def needs_links(self, seed: int) -> bool:
        """Whether a fault of it acts on the links of readers, which must then lead through the proxy."""
        return any(needs_links(fault) for fault in self.all_faults(seed))

    def all_faults(self, seed: int) -> Sequence[Fault]:
        """Its faults, and those that its story begins with this seed."""
        return [*self.faults, *_faults_of(self.steps(seed))]

    def checkers_by_name(self) -> Mapping[str, Checker]:
        """Checkers under the names of contract 9: the name of the file that holds the class."""
        return {checker_name(checker): checker for checker in self.checkers}


def _faults_of(steps: Iterable[Step]) -> Iterator[Fault]:
    for step in steps:
        if isinstance(step, Begin):
            yield step.fault
        elif isinstance(step, Together):
            for story in step.stories:
                yield from _faults_of(story)


def checker_name(checker: Checker) -> str:
    """The contract's name of a checker, e.g. `order`."""
    return type(checker).__module__.rpartition(".")[2]


def scenario_folder() -> Path:
    """Where the scenarios that come with the harness lie: in the checkout, or inside the wheel."""
    package = Path(__file__).parent
    checkout = package.parent / "scenarios"
    return checkout if (package.parent / "pyproject.toml").exists() else package / "_scenarios"


def known(folder: Path | None = None) -> Mapping[str, Path]:
    """Name → file of every scenario in `folder` (default: those that come with the harness)."""
    files = sorted((folder or scenario_folder()).glob("*.py"))
    return {file.stem: file for file in files if not file.stem.startswith("_")}


def find(name: str) -> Path:
    """The file of a scenario given by path or by name, a bug's too; raises `UnknownScenario`."""
    if name.endswith(".py") and Path(name).is_file():
        return Path(name)
    scenarios = {**known(scenario_folder() / "bugs"), **known()}
    if name not in scenarios:
        raise UnknownScenario(name, list(known()))
    return scenarios[name]


def load(path: Path) -> Scenario:
    """The scenario that a file defines; raises `InvalidScenario` with the reason.

    The file runs as Python: load only scenarios that you trust.
    """
    return load_with(path)[0]


def load_with(path: Path) -> tuple[Scenario, ModuleType]:
    """The scenario that a file defines, and the module, which may define more; see `load`."""
    module = _run(path)
    scenario: Any = getattr(module, "scenario", None)
    if not isinstance(scenario, Scenario):
        raise InvalidScenario(str(path), "it defines no `scenario = Scenario(...)`")
    title = (inspect.getdoc(module) or "").partition("\n")[0]
    if not title:
        raise InvalidScenario(str(path), "its first docstring line, the title, is missing")
    _refuse_unknown(scenario.checkers, path)
    return replace(scenario, checkers=tuple(scenario.checkers), name=path.stem, title=title), module


def _refuse_unknown(checkers: Sequence[Any], path: Path) -> None:
    """A history names its checkers, so that it can be judged again: they must be those that everybody has."""
    for checker in checkers:
        if type(checker) not in CHECKERS.values():
            raise InvalidScenario(str(path), f"its checker {checker!r} is none of {', '.join(CHECKERS)}")
    if not checkers:
        raise InvalidScenario(str(path), f"it has no checkers: give some of {', '.join(CHECKERS)}")


def _run(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"harness_scenario_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise InvalidScenario(str(path), "it is no Python file")
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)  # as dataclasses in it expect
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[spec.name]
        raise InvalidScenario(str(path), f"{type(error).__name__}: {error}") from error
    return module
