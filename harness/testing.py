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
from harness.history.hops import HOPS
from harness.history.store import FILE, HistoryWriter, create_run_folder
from harness.interpreter import Interpreter
from harness.judgement import judge_file, write_report
from harness.outcome import Failure, Outcome
from harness.performing.stage import Stage
from harness.pipeline.app import Reader
from harness.pipeline.reducer import ProcessState
from harness.report.explain import Circumstances, explain
from harness.scenario import checker_name, find, load

SEED: Final = 1
"""Of the texts, ids and chance of a test's own processes."""

Result = TypeVar("Result")
_CLOCK: Final = SystemClock()


class Loop:
    """An event loop in a thread of its own. `close` it."""

    def __init__(self) -> None:
        self._began: Future[asyncio.AbstractEventLoop] = Future()
        self._over = asyncio.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._live()), name="realtime harness", daemon=True)
        self._thread.start()
        self._loop = self._began.result()

    def submit(self, work: Coroutine[Any, Any, Result]) -> "Future[Result]":
        """Begin it there; `result()` waits for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def do(self, work: Coroutine[Any, Any, Result]) -> Result:
        """The result of work that is done there."""
        return await asyncio.wrap_future(self.submit(work))

    def close(self) -> None:
        """Cancel what still runs there, and wait until it has ended. Safe to call twice."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._over.set)
            self._thread.join()

    async def _live(self) -> None:
        self._began.set_result(asyncio.get_running_loop())
        await self._over.wait()


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
        """Bring it up; raises `StackError`, and then nothing is left."""
        self._backend = chosen(
            self._options,
            recorder=self._recorder,
            clock=_CLOCK,
            rng=Random(),
            started=_CLOCK.wall(),
            tell=self._tell,
        )
        try:
            self.loop.submit(self._backend.start()).result()
        except BaseException:
            self.loop.close()
            raise

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
        """Give it no more."""
        self._sinks.remove(sink)

    async def stage(self, tally: Tally) -> Stage:
        """Where a test performs; to be asked for in the loop of the stack."""
        return Stage(
            backend=self._backend,
            recorder=self._recorder,
            tally=tally,
            clock=_CLOCK,
            rng=Random(SEED),
            make_client=make_clients(_request(self.runs, SEED), SEED)(self._backend),
            client="native",
            schema=self._options.schema,
            pace=self._options.pace,
            proxy=None,
        )

    def header(self, test: str) -> Mapping[str, Any]:
        """The first line of a test's history."""
        return {
            "scenario": test,
            "title": test,
            "seed": SEED,
            "backend": self._backend.name,
            "pace": self._options.pace,
            "client": "native",
            "started": _CLOCK.wall().isoformat(),
            "hops": [hop for hop in HOPS if hop in self._backend.hops],
            "versions": dict(self._backend.versions),
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
        self._stage = stack.loop.submit(stack.stage(self._tally)).result()
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

    async def flush(self, process: str) -> None:
        """Return when nothing of the process is held back or being written any more."""
        await self.stack.loop.do(self._stage.backend.application.flush(self.process(process)))

    def process(self, name: str) -> str:
        """The id of a process that the test has started; raises `StoryFault`."""
        return self._stage.process(name).id

    def reader(self, name: str) -> Reader:
        """The page that the test has opened under that name; raises `StoryFault`."""
        return self._stage.reader(name)

    def close(self) -> None:
        """End its faults and readers, and record what they show."""
        try:
            self.stack.loop.submit(self._interpreter.close()).result()
        finally:
            self.stack.unwatch(self._take)

    def write(self) -> Path:
        """Write its history and report; the path of the report. Raises `HarnessError`."""
        folder = create_run_folder(self.stack.runs, _file_name(self.name), SEED, _CLOCK.wall())
        with HistoryWriter(folder / FILE, self.stack.header(self.name)) as writer:
            for op in self._ops:
                writer(op)
        return write_report(judge_file(folder), folder)


def _file_name(test: str) -> str:
    """The name of a test, which may hold anything in its brackets, as that of a folder."""
    return "".join(letter if letter.isalnum() or letter in "-_[]." else "-" for letter in test)[:100]


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
        await self._case.flush(process)


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
        """The sequence that it would ask for events after."""
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


class Recorded:
    """The fixture `history`: what happened in this test so far, and what checkers say of it."""

    def __init__(self, case: TestCase) -> None:
        self._case = case

    def so_far(self) -> History:
        """All ops of this test until now."""
        return self._case.history()

    async def settle(self, *, timeout: float = 30.0) -> None:
        """Wait until everything that was said has reached everybody."""
        await self._case.perform(steps.settle(timeout=timeout))

    def judge(self, *checkers: Checker) -> Mapping[str, Verdict]:
        """The verdict of each checker on what happened so far, by its name."""
        return judge({checker_name(checker): checker for checker in checkers}, self._case.history())


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
        """Where the report lies; empty if the stack did not start."""
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
    """The fixture `run`: runs scenarios, each on a stack of its own. `reports` are those of its runs so far."""

    def __init__(self, loop: Loop, options: StackOptions, runs: Path) -> None:
        self.reports: Final[list[str]] = []
        self._loop = loop
        self._options = options
        self._runs = runs

    def __call__(self, scenario: str | Path, *, seed: int = 1, app: str = "reference", pace: float = 1.0) -> RunResult:
        """Run a scenario given by path or name, and judge it; raises `UnknownScenario`, `InvalidScenario`."""
        options = replace(self._options, app=app, pace=pace)
        work = perform(load(find(str(scenario))), seed, _request(self._runs, seed), options)
        result = RunResult(self._loop.submit(work).result())
        if result.report:
            self.reports.append(result.report)
        return result


def timeline(case: TestCase) -> str:
    """The path of the report of a test, written for this; why there is none, if it cannot be."""
    try:
        return str(case.write())
    except HarnessError as error:
        return f"it could not be written: {error}"


def _request(runs: Path, seed: int) -> RunRequest:
    return RunRequest(
        scenarios=(), seeds=(seed,), repeat=1, jobs=1, client="native", runs=runs, js_modules=None, as_json=False
    )
