"""scenario × backend × seed → history → verdicts: the only place where all parts meet."""

import json
import platform
from collections.abc import Callable, Mapping, Sequence
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
from harness.history.store import FILE, HistoryWriter, create_run_folder, history_file, read
from harness.interpreter import Interpreter, MakeClient, Tally
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
    can be read.
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
            await backend.stop()
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
        await _tell(interpreter, scenario, run.seed)
        await interpreter.finish()
    finally:
        await interpreter.close()


async def _tell(interpreter: Interpreter, scenario: Scenario, seed: int) -> None:
    try:
        await interpreter.perform(scenario.steps(seed))
    except* StoryError:
        pass  # it is in the history as a failed step, from which the verdict `story` is made


def judge_file(path: Path) -> Judgement:
    """Judge a recorded history (a file or a run folder) by the checkers that its header names.

    Raises `HistoryError` if it cannot be read whole; the file is never changed.
    """
    header, history = read(path)
    verdicts = dict(judge(_checkers(header, path), history))
    failed = history.where(f="step", type="fail")
    if failed:
        first = failed[0]
        verdicts["story"] = Verdict.unknown(
            f"the story stopped at step {first.value.number} ({first.value.step}): {first.error}"
        )
    return Judgement(
        header=header, history=history, verdicts=verdicts, accounts=account(history), folder=history_file(path).parent
    )


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
    """Write `verdict.json`, `report.html` and `junit.xml` beside the history."""
    document = json.dumps(judgement.document(), ensure_ascii=False, indent=2)
    (folder / "verdict.json").write_text(document + "\n", encoding="utf-8")
    write_report(judgement, folder)
    (folder / "junit.xml").write_text(junit(judgement.header, judgement.verdicts, judgement.history), encoding="utf-8")


def write_report(judgement: Judgement, folder: Path) -> Path:
    """Write `report.html` and return its path."""
    path = folder / "report.html"
    page = html(judgement.header, judgement.history, judgement.verdicts, judgement.accounts)
    path.write_text(page, encoding="utf-8")
    return path
