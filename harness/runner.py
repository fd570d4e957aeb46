"""scenario × backend × seed → history → verdicts: the only place where all parts meet."""

import asyncio
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
from harness.cast import Tally
from harness.clock import Clock, ScaledClock
from harness.errors import StoryError
from harness.history import Recorder
from harness.history.hops import HOPS
from harness.history.recorder import Sink
from harness.history.store import FILE, HistoryWriter, create_run_folder
from harness.interpreter import Interpreter, words
from harness.judgement import Header, Judgement, judge_file, write
from harness.performing.stage import MakeClient, Stage
from harness.proxy import FaultProxy
from harness.scenario import Scenario

MakeBackend = Callable[[Recorder, datetime], Backend]
"""(recorder, wall time of the run's start) → a backend that is not yet up."""


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
    if isinstance(run.clock, ScaledClock):
        run.clock.begin()  # PostgreSQL's times are held against it, as of now
    started, begun = run.clock.wall(), run.clock.now()
    tally = Tally()
    recorder = Recorder(lambda: run.clock.now() - begun, sinks=(tally, *run.watch))
    backend = run.make_backend(recorder, started)
    try:
        await backend.start()
        folder = create_run_folder(run.runs, scenario.name, run.seed, started)
        with HistoryWriter(folder / FILE, _header(scenario, run, backend, started)) as writer:
            recorder.attach(writer)
            try:
                await _perform(scenario, run, backend, recorder, tally)
            finally:  # before the file is closed: flows tell the history until they have ended
                await _stop(backend, recorder)
    finally:
        await backend.stop()
    judgement = judge_file(folder)
    write(judgement, folder)
    return judgement


async def _perform(scenario: Scenario, run: Run, backend: Backend, recorder: Recorder, tally: Tally) -> None:
    rng = Random(run.seed)
    stage = Stage(
        backend=backend,
        recorder=recorder,
        tally=tally,
        clock=run.clock,
        rng=Random(rng.random()),
        make_client=run.make_client(backend),
        client=run.client,
        schema=run.schema,
        pace=run.pace,
        proxy=_proxy(scenario, run),
    )
    interpreter = Interpreter(stage)
    try:
        # What stops a story is in the history as a failed step, from which the verdict `story` is made.
        with suppress(StoryError):
            stage.nemesis.schedule(scenario.faults)
            await interpreter.perform(scenario.steps(run.seed))
        with suppress(StoryError):
            await interpreter.finish()
    except asyncio.CancelledError:
        _tell_end(recorder, "run", "it was interrupted")
        raise
    finally:
        await interpreter.close()


def _proxy(scenario: Scenario, run: Run) -> FaultProxy | None:
    """Between readers and server only where a fault needs it: what is not there cannot disturb."""
    with suppress(Exception):  # what is wrong with the story is told when it is performed
        if scenario.needs_links(run.seed):
            return FaultProxy(clock=run.clock, rng=Random(f"links {run.seed}"))
    return None


async def _stop(backend: Backend, recorder: Recorder) -> None:
    """Take the stack down; what had broken in it unseen makes the run unknown, and not a crash of ours."""
    try:
        await backend.stop()
    except Exception as error:
        _tell_end(recorder, "stop", words(error))


def _tell_end(recorder: Recorder, what: str, reason: str) -> None:
    recorder.record("story", "step", {"step": what, "number": "end"}, type="fail", error=reason)


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
