"""What the commands do that need no stack: scenarios, recorded runs, tokens; `cli.py` reads argv for them."""

import json
import webbrowser
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from harness.clock import SystemClock
from harness.errors import HarnessError, UsageError
from harness.judgement import judge_file, write_report
from harness.outcome import Failure, Outcome, exit_code, outcomes_json, show
from harness.output import note, result
from harness.scenario import known, load
from harness.tokens import mint

CLOCK = SystemClock()


def list_scenarios(*, as_json: bool) -> int:
    """Print the scenarios that come with the harness: name, title, checkers."""
    scenarios = [load(path) for path in known().values()]
    if as_json:
        rows = [
            {"name": one.name, "title": one.title, "checkers": list(one.checkers_by_name()), "faults": []}
            for one in scenarios
        ]
        result(json.dumps({"scenarios": rows}))
        return 0
    for one in scenarios:
        result(f"{one.name:22}{one.title}\n{'':22}checkers: {', '.join(one.checkers_by_name())}")
    return 0


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
