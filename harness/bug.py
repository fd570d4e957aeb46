"""A delivery bug as a value: what users report, who must be convicted of it by whom, and under which conditions."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

from harness.errors import InvalidScenario, UnknownBug
from harness.realtime.plans import Plan
from harness.scenario import Scenario, load_with, scenario_folder

AS_SPECIFIED: Final = "as-specified"


REPOSITORIES: Final[Mapping[str, str]] = {
    "cli": "supabase/cli",
    "flarum": "flarum/framework",
    "hasura": "hasura/graphql-engine",
    "preset-io/agor": "preset-io/agor",
    "realtime": "supabase/realtime",
    "realtime-csharp": "supabase-community/realtime-csharp",
    "realtime-js": "supabase/realtime-js",
    "realtime-py": "supabase/realtime-py",
    "supabase": "supabase/supabase",
    "supabase-flutter": "supabase/supabase-flutter",
    "supabase-js": "supabase/supabase-js",
    "supabase-kt": "supabase-community/supabase-kt",
    "supabase-py": "supabase/supabase-py",
    "supabase-swift": "supabase/supabase-swift",
    "walrus": "supabase/walrus",
}
"""How a report names a repository → where its threads are."""


def link(report: str) -> str | None:
    """Where a report like `realtime#281` can be read; None where it names no thread that we know to find."""
    name, _, number = report.partition("#")
    repository = REPOSITORIES.get(name)
    return f"https://github.com/{repository}/issues/{number}" if repository and number.isdigit() else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bug:
    """One class of delivery-bugs 3.2. Each file of `scenarios/bugs` defines one as `bug`, beside its `scenario`.

    The scenario is run twice: with the specification's own code, which each checker in `convicted_by` must convict,
    and with the reference, which every checker of the scenario must acquit. Where not the application is to blame,
    `accused` names the behaviour of a client or server that is, and `behaviour` is the scenario that has it; it is
    run with the reference, too. `reports` are where users told of it, or the recording in which we saw it.
    `time_factor` is by how much every interval is shortened, unless it is said otherwise.
    """

    id: str
    users_say: str
    reports: tuple[str, ...]
    convicted_by: tuple[str, ...]
    accused: str = AS_SPECIFIED
    behaviour: Scenario | None = None
    cadence: Literal["real", "instant"] = "instant"
    limits: Plan = "off"
    time_factor: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A bug with the scenario of its file. `accused_scenario` run with `accused_app` is what is convicted."""

    bug: Bug
    scenario: Scenario

    @property
    def accused_scenario(self) -> Scenario:
        """Under the name and title of the file, whichever it is."""
        return replace(self.bug.behaviour or self.scenario, name=self.scenario.name, title=self.scenario.title)

    @property
    def accused_app(self) -> str:
        return "reference" if self.bug.behaviour else AS_SPECIFIED

    @property
    def number(self) -> int:
        return int(self.bug.id[1:])


def bug_files(folder: Path | None = None) -> Mapping[str, Path]:
    """Name → file of every bug that comes with the harness."""
    files = (folder or scenario_folder() / "bugs").glob("b*.py")
    return {file.stem: file for file in sorted(files)}


def load_bug(path: Path) -> Entry:
    """What a file of `scenarios/bugs` defines; raises `InvalidScenario` with the reason."""
    scenario, module = load_with(path)
    bug: Any = getattr(module, "bug", None)
    if not isinstance(bug, Bug):
        raise InvalidScenario(str(path), "it defines no `bug = Bug(...)`")
    if not re.fullmatch(r"B[1-9]\d*", bug.id):
        raise InvalidScenario(str(path), f"its bug has the id {bug.id!r}, which is none like B7")
    checkers = (bug.behaviour or scenario).checkers_by_name()
    missing = [name for name in bug.convicted_by if name not in checkers]
    if missing or not bug.convicted_by:
        raise InvalidScenario(str(path), f"its scenario lacks the checkers that convict: {', '.join(missing) or 'any'}")
    return Entry(bug=bug, scenario=scenario)


def catalogue(names: Sequence[str] = ()) -> Sequence[Entry]:
    """All bugs in the order of their ids, or those named by id or file; raises `InvalidScenario`, `UnknownBug`."""
    entries = sorted((load_bug(path) for path in bug_files().values()), key=lambda entry: entry.number)
    if not names:
        return entries
    return list({entry.bug.id: entry for entry in (_named(entries, name) for name in names)}.values())


def _named(entries: Sequence[Entry], name: str) -> Entry:
    for entry in entries:
        if name.upper() == entry.bug.id or Path(name).stem == entry.scenario.name:
            return entry
    raise UnknownBug(name, [entry.bug.id for entry in entries])
