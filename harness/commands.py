"""What the commands do that need no stack: scenarios, bugs, recorded runs, tokens; `cli.py` reads argv for them."""

import json
import webbrowser
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

from harness.bug import Entry, catalogue
from harness.clock import SystemClock
from harness.errors import HarnessError, UsageError
from harness.faults.nemesis import name_of
from harness.judgement import judge_file, write_report
from harness.outcome import Failure, Outcome, exit_code, outcomes_json, show
from harness.output import note, result
from harness.scenario import Scenario, known, load
from harness.tokens import mint

CLOCK = SystemClock()
_WIDTH = 22


def list_scenarios(*, as_json: bool) -> int:
    """Print the scenarios that come with the harness (title, faults, checkers), then its catalogue of bugs."""
    scenarios = [_of_scenario(load(path)) for path in known().values()]
    bugs = [_of_bug(entry) for entry in catalogue()]
    if as_json:
        result(json.dumps({"scenarios": scenarios, "bugs": bugs}, ensure_ascii=False))
        return 0
    for one in scenarios:
        _tell(one["name"], one["title"], _several("faults", one["faults"]), _several("checkers", one["checkers"]))
    result("\nbugs, each a scenario of its own: `harness bugs CLASS`, or `harness run NAME --app as-specified`\n")
    for bug in bugs:
        convicted = f"accused: {bug['accused']}; {_several('convicted by', bug['convicted_by'])}"
        _tell(bug["id"], bug["title"], bug["name"], _several("faults", bug["faults"]), convicted)
    return 0


def _tell(name: str, *lines: str) -> None:
    """The lines that say something, the name before the first."""
    for place, line in enumerate(line for line in lines if line):
        result(f"{name if place == 0 else '':{_WIDTH}}{line}")


def _several(name: str, values: Sequence[str]) -> str:
    return f"{name}: {', '.join(values)}" if values else ""


def _of_scenario(scenario: Scenario) -> dict[str, Any]:
    faults = dict.fromkeys(name_of(fault) for fault in scenario.all_faults(seed=1))
    return {
        "name": scenario.name,
        "title": scenario.title,
        "faults": list(faults),
        "checkers": list(scenario.checkers_by_name()),
    }


def _of_bug(entry: Entry) -> dict[str, Any]:
    """A bug; the faults and checkers are those of the run that convicts."""
    bug, accused = entry.bug, replace(entry.accused_scenario, name=entry.scenario.name, title=entry.scenario.title)
    told = {"users_say": bug.users_say, "accused": bug.accused, "convicted_by": list(bug.convicted_by)}
    return {"id": bug.id, **_of_scenario(accused), **told}


def check(histories: Sequence[str], *, runs: Path, as_json: bool) -> int:
    """Judge recorded histories again; nothing is written."""
    outcomes = [_judged(history, runs) for history in histories]
    if as_json:
        result(outcomes_json(outcomes))
    for outcome in () if as_json else outcomes:
        show(outcome, alone=True)  # its error names the file
    return exit_code(outcomes)


def _judged(history: str, runs: Path) -> Outcome:
    path = Path(history)
    try:
        return judge_file(path if path.exists() else _folder(history, runs))
    except HarnessError as error:
        return Failure(what=history, error=error)


def report(run: str, *, runs: Path, as_json: bool) -> int:
    """Write the report of a run again and print its path."""
    folder = _folder(run, runs)
    path = write_report(judge_file(folder), folder)
    result(json.dumps({"report": str(path)}) if as_json else str(path))
    return 0


def open_report(run: str, *, runs: Path, as_json: bool, has_screen: bool) -> int:
    """Show the report of a run in the user's browser, where there is a screen for one, and print its path."""
    folder = _folder(run, runs)
    path = folder / "report.html"
    if not path.exists():
        write_report(judge_file(folder), folder)
    opened = has_screen and webbrowser.open(path.resolve().as_uri())
    if not opened:
        note("no browser could be started here; the report is this file:")
    result(json.dumps({"report": str(path), "opened": opened}) if as_json else str(path))
    return 0


def token(secret: str, *, role: str, sub: str | None, ttl: float, as_json: bool) -> int:
    """Print a signed token."""
    try:
        subject = UUID(sub) if sub else None
    except ValueError:
        raise UsageError(f"--sub {sub!r} is no UUID, and auth.uid() needs one") from None
    signed = mint(secret, role=role, sub=subject, ttl=ttl, wall=CLOCK.wall())
    result(json.dumps({"token": signed}) if as_json else signed)
    return 0


def _folder(run: str, runs: Path) -> Path:
    for folder in (Path(run), runs / run):
        if (folder / "history.jsonl").is_file():
            return folder
    raise UsageError(f"no run {run!r}: give a run folder, or `latest` after a `harness run` wrote to {runs}/")
