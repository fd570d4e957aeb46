"""scenario × backend × seed → history → verdicts: the only place where all parts meet."""

import asyncio
import json
import platform
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from random import Random
from typing import Any

from harness.backends.backend import Backend
from harness.checkers import CHECKERS, judge
from harness.checkers.checker import Checker, Valid, Verdict, compose
from harness.clock import Clock
from harness.errors import CorruptHistory, StoryError
from harness.history import History, Recorder
from harness.history.accounting import Accounts, account
from harness.history.hops import HOPS
from harness.history.recorder import Sink
from harness.history.store import FILE, HistoryWriter, create_run_folder, history_file, read, write_text
from harness.interpreter import Interpreter, MakeClient, Tally, words
from harness.report.html import html
from harness.report.junit import junit
from harness.report.verdict import verdict_document
from harness.scenario import Scenario

Header = Mapping[str, Any]
MakeBackend = Callable[[Recorder, datetime], Backend]
"""(recorder, wall time of the run's start) → a backend that is not yet up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A history and what the checkers say of it; `folder` is where it lies."""

    header: Header
    history: History
    verdicts: Mapping[str, Verdict]
    accounts: Accounts
    folder: Path

    @property
    def valid(self) -> Valid:
        return compose(list(self.verdicts.values()))

    @property
    def report(self) -> Path:
        """Where the HTML report is, or would be."""
        return self.folder / "report.html"

    def document(self) -> dict[str, Any]:
        """The content of `verdict.json`."""
        return verdict_document(self.header, self.verdicts, self.accounts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """How a scenario is run. `watch` are further sinks of the history, such as a progress line.

    `settings` is what else the header should say (cadence, …): names and numbers, never a secret.
    """

    make_backend: MakeBackend
    make_client: Callable[[Backend], MakeClient]
    clock: Clock
    seed: int = 1
    pace: float = 1.0
    client: str = "native"
    runs: Path = Path("runs")
    schema: str = "public"
    watch: Sequence[Sink] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)


async def run_scenario(scenario: Scenario, run: Run) -> Judgement:
    """Run a scenario once, judge it, and write its folder (contract 4).

    Raises `StackError` when the stack does not come up. A story that stops half-way is judged on what was
    recorded, and its run cannot be better than unknown. Cancelling takes the stack down and leaves a history that
    can be read, and which says so.
    """
    started, begun = run.clock.wall(), run.clock.now()
    tally = Tally()
    recorder = Recorder(lambda: run.clock.now() - begun, sinks=(tally, *run.watch))
    backend = run.make_backend(recorder, started)
    try:
        await backend.start()
        folder = create_run_folder(run.runs, scenario.name, run.seed, started)
        with HistoryWriter(folder / FILE, _header(scenario, run, backend, started)) as writer:
            recorder.attach(writer)
            await _perform(scenario, run, backend, recorder, tally)
            await _stop(backend, recorder)
    finally:
        await backend.stop()
    judgement = judge_file(folder)
    write(judgement, folder)
    return judgement


async def _perform(scenario: Scenario, run: Run, backend: Backend, recorder: Recorder, tally: Tally) -> None:
    rng = Random(run.seed)
    interpreter = Interpreter(
        backend=backend,
        recorder=recorder,
        tally=tally,
        clock=run.clock,
        rng=Random(rng.random()),
        make_client=run.make_client(backend),
        client=run.client,
        schema=run.schema,
        pace=run.pace,
    )
    try:
        # What stops a story is in the history as a failed step, from which the verdict `story` is made.
        with suppress(StoryError):
            await interpreter.perform(scenario.steps(run.seed))
        with suppress(StoryError):
            await interpreter.finish()
    except asyncio.CancelledError:
        _tell_end(recorder, "run", "it was interrupted")
        raise
    finally:
        await interpreter.close()


async def _stop(backend: Backend, recorder: Recorder) -> None:
    """Take the stack down; what had broken in it unseen makes the run unknown, and not a crash of ours."""
    try:
        await backend.stop()
    except Exception as error:
        _tell_end(recorder, "stop", words(error))


def _tell_end(recorder: Recorder, what: str, reason: str) -> None:
    recorder.record("story", "step", {"step": what, "number": "end"}, type="fail", error=reason)


def judge_file(path: Path) -> Judgement:
    """Judge a recorded history (a file or a run folder) by the checkers that its header names.

    Raises `HistoryError` if it cannot be read whole; the file is never changed.
    """
    header, history = read(path)
    verdicts = dict(judge(_checkers(header, path), history))
    incomplete = why_incomplete(history)
    if incomplete:
        verdicts["story"] = Verdict.unknown(incomplete)
    return Judgement(
        header=header, history=history, verdicts=verdicts, accounts=account(history), folder=history_file(path).parent
    )


def why_incomplete(history: History) -> str | None:
    """Why a history does not tell a story to its end: a step that failed, or a recording that stops before."""
    crashes = "".join(f"; a flow of the application had crashed: {op.error}" for op in history.where(f="crash"))
    for failed in history.where(f="step", type="fail"):
        return f"the story stopped at step {failed.value.number} ({failed.value.step}): {failed.error}{crashes}"
    begun = {op.value.process_id for op in history.where(f="start_process", type="ok")}
    if begun - {op.value.process_id for op in history.where(f="database")}:
        return f"the recording stops before the story's end: the run was killed{crashes}"
    return None


def _header(scenario: Scenario, run: Run, backend: Backend, started: datetime) -> Header:
    checkers = {name: asdict(checker) for name, checker in scenario.checkers_by_name().items()}  # type: ignore[call-overload]
    return {
        "scenario": scenario.name,
        "title": scenario.title,
        "seed": run.seed,
        "backend": backend.name,
        "pace": run.pace,
        "client": run.client,
        "started": started.isoformat(),
        "hops": [hop for hop in HOPS if hop in backend.hops],
        "versions": {
            "realtime-harness": version("realtime-harness"),
            "python": platform.python_version(),
            **backend.versions,
        },
        "checkers": checkers,
        **run.settings,
    }


def _checkers(header: Header, path: Path) -> Mapping[str, Checker]:
    try:
        return {name: CHECKERS[name](**fields) for name, fields in header["checkers"].items()}
    except (KeyError, TypeError, AttributeError) as error:
        raise CorruptHistory(
            str(path), 1, f"its header names no checkers that this harness knows: {error}", 0
        ) from error


def write(judgement: Judgement, folder: Path) -> None:
    """Write `verdict.json`, `report.html` and `junit.xml` beside the history; raises `HistoryError` or `DiskFull`."""
    document = json.dumps(judgement.document(), ensure_ascii=False, indent=2)
    write_text(folder / "verdict.json", document + "\n")
    write_report(judgement, folder)
    write_text(folder / "junit.xml", junit(judgement.header, judgement.verdicts, judgement.history))


def write_report(judgement: Judgement, folder: Path) -> Path:
    """Write `report.html` and return its path; raises `HistoryError` or `DiskFull`."""
    path = folder / "report.html"
    write_text(path, html(judgement.header, judgement.history, judgement.verdicts, judgement.accounts))
    return path
