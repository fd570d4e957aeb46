"""A stack for a team's own tests, in a thread of its own: what the pytest plugin's fixtures are made of.

The stack lives in one event loop for the whole session; a test may run in any other loop, or in none.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any, Final, TypeVar

from harness.backends.backend import Backend
from harness.backends.chosen import chosen
from harness.backends.environment import Environment
from harness.backends.options import StackOptions
from harness.batch import RunRequest, make_clients, perform
from harness.cast import Tally
from harness.checkers import judge
from harness.checkers.checker import Checker, Valid, Verdict
from harness.clock import SystemClock
from harness.errors import HarnessError
from harness.events.types import EventData
from harness.generators import step as steps
from harness.history import History, Op, Recorder
from harness.history.store import FILE, HistoryWriter, create_run_folder
from harness.interpreter import Interpreter
from harness.judgement import judge_file, write_report
from harness.outcome import Failure, Outcome
from harness.performing.stage import Stage
from harness.pipeline.app import Reader
from harness.pipeline.reducer import ProcessState
from harness.report.explain import Circumstances, explain
from harness.scenario import checker_name, find, load

Result = TypeVar("Result")
_CLOCK: Final = SystemClock()


class Loop:
    """An event loop in a thread of its own. `close` it."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="realtime harness", daemon=True)
        self._thread.start()

    def submit(self, work: Coroutine[Any, Any, Result]) -> "Future[Result]":
        """Begin it there; `result()` waits for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def do(self, work: Coroutine[Any, Any, Result]) -> Result:
        """The result of work that is done there."""
        return await asyncio.wrap_future(self.submit(work))

    def close(self) -> None:
        """Stop it and wait until it has."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class TestStack:
    """One stack for a session of tests; `environment` says how to reach it. Times are seconds from its start."""

    __test__ = False  # the name is no test's

    def __init__(self, options: StackOptions, *, runs: Path, tell: Callable[[str], None]) -> None:
        self.loop: Final = Loop()
        self.runs: Final = runs
        self._options = options
        self._tell = tell
        self._begun = _CLOCK.now()
        self._sinks: list[Callable[[Op], None]] = []
        self._recorder = Recorder(lambda: _CLOCK.now() - self._begun, sinks=(self._pass_on,), keep=False)
        self._backend: Backend

    @property
    def environment(self) -> Environment:
        return self._backend.environment

    def start(self) -> None:
        """Bring it up; raises `StackError`."""
        self._backend = chosen(
            self._options,
            recorder=self._recorder,
            clock=_CLOCK,
            rng=Random(),
            started=_CLOCK.wall(),
            tell=self._tell,
        )
        self.loop.submit(self._backend.start()).result()

    def stop(self) -> None:
        """Take it down; nothing is left."""
        try:
            self.loop.submit(self._backend.stop()).result()
        finally:
            self.loop.close()

    def watch(self, sink: Callable[[Op], None]) -> None:
        """Give every op from now on to `sink`."""
        self._sinks.append(sink)

    def unwatch(self, sink: Callable[[Op], None]) -> None:
        self._sinks.remove(sink)

    def stage(self, seed: int, tally: Tally) -> Stage:
        """Where a test performs."""
        return Stage(
            backend=self._backend,
            recorder=self._recorder,
            tally=tally,
            clock=_CLOCK,
            rng=Random(seed),
            make_client=make_clients(_request(self.runs, seed), seed)(self._backend),
            client="native",
            schema=self._options.schema,
            pace=self._options.pace,
            proxy=None,
        )

    def header(self, test: str) -> Mapping[str, Any]:
        """The first line of a test's history."""
        versions = dict(self._backend.versions)
        return {
            "scenario": test,
            "title": test,
            "seed": 1,
            "backend": self._backend.name,
            "pace": self._options.pace,
            "client": "native",
            "started": _CLOCK.wall().isoformat(),
            "hops": sorted(self._backend.hops),
            "versions": versions,
            "checkers": {"accounting": {}, "order": {}},
        }

    def _pass_on(self, op: Op) -> None:
        for sink in tuple(self._sinks):
            sink(op)


class TestCase:
    """What one test does on the stack, and the history of it."""

    __test__ = False

    def __init__(self, stack: TestStack, name: str) -> None:
        self.stack: Final = stack
        self.name: Final = name
        self._ops: list[Op] = []
        self._tally = Tally()
        self._stage = stack.stage(1, self._tally)
        self._interpreter = Interpreter(self._stage)
        stack.watch(self._take)

    def _take(self, op: Op) -> None:
        self._ops.append(replace(op, index=len(self._ops)))
        self._tally(op)

    def history(self) -> History:
        """What has happened in this test so far."""
        return History(self._ops)

    async def perform(self, *story: steps.Step) -> None:
        """Perform steps of `harness.generators`; raises `StoryError`."""
        await self.stack.loop.do(self._interpreter.perform(story))

    def process(self, name: str) -> str:
        """The id of a process that the test has started."""
        return self._stage.process(name).id

    def reader(self, name: str) -> Reader:
        return self._stage.reader(name)

    def close(self) -> None:
        """End its readers and record what they show."""
        try:
            self.stack.loop.submit(self._end()).result()
        finally:
            self.stack.unwatch(self._take)

    async def _end(self) -> None:
        await self._stage.nemesis.close()
        await self._interpreter.close()

    def write(self) -> Path:
        """Write its history and report; the path of the report."""
        folder = create_run_folder(self.stack.runs, self.name, 1, _CLOCK.wall())
        with HistoryWriter(folder / FILE, self.stack.header(self.name)) as writer:
            for op in self._ops:
                writer(op)
        return write_report(judge_file(folder), folder)


class Publisher:
    """The fixture `publisher`: the application of the stack says what a test has it say."""

    def __init__(self, case: TestCase) -> None:
        self._case = case

    async def start(self, process: str, *, owner: str = "alice", simulation: Mapping[str, Any] | None = None) -> str:
        """Start a process and return its id. Without a `simulation` it says only what the test publishes."""
        options = {"scripted": True} if simulation is None else simulation
        await self._case.perform(steps.start_process(process, owner=owner, simulation=options))
        return self._case.process(process)

    async def publish(self, process: str, data: EventData) -> None:
        """Publish one event of a process of this test, and return when it is committed."""
        await self._case.perform(steps.emit(process, data))


class TestReader:
    """The page of a process in a browser, as a test sees it."""

    __test__ = False

    def __init__(self, case: TestCase, name: str) -> None:
        self._case = case
        self._name = name

    @property
    def state(self) -> ProcessState:
        """What it shows."""
        return self._case.reader(self._name).state

    @property
    def status(self) -> str:
        """What it says of its connection."""
        return self._case.reader(self._name).status.value

    @property
    def cursor(self) -> int:
        return self._case.reader(self._name).cursor

    async def until(self, predicate: Callable[[ProcessState], bool], *, timeout: float = 10.0) -> ProcessState:
        """Wait until what it shows is so; raises `TimeoutError`."""
        reader = self._case.reader(self._name)
        await self._case.stack.loop.do(reader.wait_until(predicate, timeout))
        return reader.state


class Subscribing:
    """The fixture `subscriber`: opens pages."""

    def __init__(self, case: TestCase) -> None:
        self._case = case

    async def __call__(self, process: str, *, user: str = "alice", name: str = "reader") -> TestReader:
        """Open the page of a process of this test, and return when it is ready."""
        await self._case.perform(steps.subscribe(name, to=process, user=user), steps.wait_ready(name))
        return TestReader(self._case, name)


@dataclass(frozen=True, slots=True)
class Recorded:
    """The fixture `history`: what happened in this test so far, and what checkers say of it."""

    case: TestCase

    def so_far(self) -> History:
        return self.case.history()

    async def settle(self, *, timeout: float = 30.0) -> None:
        """Wait until everything that was said has reached everybody."""
        await self.case.perform(steps.settle(timeout=timeout))

    def judge(self, *checkers: Checker) -> Mapping[str, Verdict]:
        """The verdict of each checker on what happened so far, by its name."""
        return judge({checker_name(checker): checker for checker in checkers}, self.case.history())


@dataclass(frozen=True, slots=True)
class RunResult:
    """What came of a scenario that a test has run on a stack of its own."""

    outcome: Outcome

    @property
    def valid(self) -> Valid:
        return self.outcome.valid

    @property
    def verdicts(self) -> Mapping[str, Verdict]:
        """By checker; empty if the stack did not start."""
        return {} if isinstance(self.outcome, Failure) else self.outcome.verdicts

    @property
    def report(self) -> str:
        """Where the report lies."""
        return "" if isinstance(self.outcome, Failure) else str(self.outcome.report)

    def explain(self) -> str:
        """Each finding in plain words, and where the report lies."""
        if isinstance(self.outcome, Failure):
            return str(self.outcome.error)
        circumstances = Circumstances.of(self.outcome.history)
        lines = [f"{name}: {verdict.valid} {verdict.reason}".rstrip() for name, verdict in self.verdicts.items()]
        for verdict in self.verdicts.values():
            lines += [f"  {explain(finding, circumstances)}" for finding in verdict.findings[:3]]
        return "\n".join([*lines, f"report: {self.report}"])


class Running:
    """The fixture `run`: runs scenarios, each on a stack of its own."""

    def __init__(self, loop: Loop, options: StackOptions, runs: Path) -> None:
        self._loop = loop
        self._options = options
        self._runs = runs

    def __call__(self, scenario: str | Path, *, seed: int = 1, app: str = "reference", pace: float = 1.0) -> RunResult:
        """Run a scenario given by path or name, and judge it; raises `UnknownScenario`, `InvalidScenario`."""
        options = replace(self._options, app=app, pace=pace)
        work = perform(load(find(str(scenario))), seed, _request(self._runs, seed), options)
        return RunResult(self._loop.submit(work).result())


def _request(runs: Path, seed: int) -> RunRequest:
    return RunRequest(
        scenarios=(), seeds=(seed,), repeat=1, jobs=1, client="native", runs=runs, js_modules=None, as_json=False
    )


__all__ = ["HarnessError", "Publisher", "Recorded", "RunResult", "Running", "Subscribing", "TestCase", "TestStack"]
