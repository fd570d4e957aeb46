"""What the commands do, given values: stacks, runs and reports; `cli.py` reads argv and environment for them."""

import asyncio
import json
import sys
import webbrowser
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

from rich.console import Console

from harness.backends.attached import Attached
from harness.backends.backend import Backend, Environment
from harness.backends.embedded import Embedded
from harness.backends.options import StackOptions
from harness.checkers.checker import Valid, worst
from harness.child import run_child
from harness.clients.client import Client
from harness.clients.native import NativeClient
from harness.clients.realtime_js import MODULES, OfficialJsClient, find_node
from harness.clients.realtime_py import OfficialPyClient, need_package
from harness.clock import SystemClock
from harness.errors import HarnessError, OutputClosed, UsageError
from harness.history import Op, Recorder
from harness.history.secrets import hide_secrets
from harness.interpreter import MakeClient
from harness.report.progress import Progress
from harness.report.text import coloured, summary
from harness.runner import Judgement, MakeBackend, Run, judge_file, run_scenario, write_report
from harness.scenario import Scenario, find, known, load
from harness.signals import Signals
from harness.tokens import mint

EXIT_CODES = {Valid.YES: 0, Valid.NO: 1, Valid.UNKNOWN: 2}
CLOCK = SystemClock()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """What `harness run` was asked for. `attach_to` is the stack to use instead of one of its own for each run."""

    scenarios: Sequence[str]
    seeds: Sequence[int]
    repeat: int
    jobs: int
    client: str
    runs: Path
    js_modules: Path | None
    as_json: bool
    attach_to: Environment | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A run without a judgement: its stack did not start, or its history cannot be read. `what` names it."""

    what: str
    error: HarnessError

    @property
    def valid(self) -> Valid:
        return Valid.UNKNOWN

    def document(self) -> dict[str, Any]:
        """What stands in the place of a verdict."""
        return {"valid": str(self.valid), "run": self.what, "error": str(self.error)}


Outcome = Judgement | Failure


def own_version() -> str:
    return version("realtime-harness")


async def up(options: StackOptions, *, as_json: bool) -> int:
    """Bring a stack up, print its environment, stay until cancelled, take it down: that is how it ends well."""
    backend = _stack(options)
    try:
        await backend.start()
        variables = backend.environment.variables()
        _result(json.dumps(dict(variables)) if as_json else backend.environment.lines().rstrip("\n"))
        note(f"ready at {backend.environment.api_url}; Ctrl-C takes it down")
        await _until_interrupted()
    finally:
        await backend.stop()
    return 0


async def _until_interrupted() -> None:
    # The only way out of `up`, so being interrupted is no failure here.
    with suppress(asyncio.CancelledError):
        await asyncio.Event().wait()


async def execute(
    command: Sequence[str],
    options: StackOptions,
    inherited: Mapping[str, str],
    signals: Signals,
    *,
    environment: Environment | None = None,
) -> int:
    """Run `command` with the variables of a stack: its own, or the one that `environment` tells of."""
    if environment is not None:
        return await run_child(command, {**inherited, **environment.variables()}, signals)
    backend = _stack(options)
    try:
        await backend.start()
        return await run_child(command, {**inherited, **backend.environment.variables()}, signals)
    finally:
        await backend.stop()


async def run(request: RunRequest, options: StackOptions) -> int:
    """Run scenarios × seeds, print each judgement as it comes, return the exit code of the worst.

    A stack that does not start is told and leaves the other runs alone.
    """
    scenarios = [load(find(name)) for name in request.scenarios]
    orders = [(one, seed) for one in scenarios for seed in request.seeds for _ in range(request.repeat)]
    if options.port and len(orders) > 1 and request.jobs > 1:
        raise UsageError("several runs at once cannot share one --port: use --port 0 or --jobs 1")
    await _need_client(request)
    places = asyncio.Semaphore(request.jobs)
    console = Console(stderr=True)

    async def one(scenario: Scenario, seed: int) -> Outcome:
        async with places:
            outcome = await _one(scenario, seed, request, options, console)
        if not request.as_json:
            _show(outcome, alone=len(orders) == 1, written=True)
        return outcome

    done = await asyncio.gather(*(one(scenario, seed) for scenario, seed in orders))
    if request.as_json:
        _result(_as_json(done))
    return _exit_code(done)


async def _need_client(request: RunRequest) -> None:
    """Raises `ClientMissing` before anything is started."""
    if request.client == "js":
        await find_node(request.js_modules or MODULES)
    elif request.client == "py":
        need_package()


async def _one(
    scenario: Scenario, seed: int, request: RunRequest, options: StackOptions, console: Console
) -> Outcome:
    what = f"{scenario.name}, seed {seed}"
    with Progress(what, CLOCK.now, console=console) as progress:
        order = Run(
            make_backend=_backends(request, options, seed),
            make_client=_clients(request, seed),
            clock=CLOCK,
            seed=seed,
            pace=options.pace,
            client=request.client,
            runs=request.runs,
            schema=options.schema,
            watch=(progress,),
            settings=_settings(request, options),
        )
        try:
            return await run_scenario(scenario, order)
        except HarnessError as error:
            return Failure(what=what, error=error)


def _backends(request: RunRequest, options: StackOptions, seed: int) -> MakeBackend:
    environment = request.attach_to

    def make(recorder: Recorder, started: datetime) -> Backend:
        if environment is None:
            return Embedded(options, recorder=recorder, clock=CLOCK, rng=Random(seed), started=started)
        return Attached(
            environment,
            schema=options.schema,
            pace=options.pace,
            recorder=recorder,
            clock=CLOCK,
            rng=Random(seed),
            started=started,
        )

    return make


def _settings(request: RunRequest, options: StackOptions) -> Mapping[str, Any]:
    if request.attach_to is None:
        return {"cadence": options.cadence}
    return {"stack": request.attach_to.harness_backend}


def list_scenarios(*, as_json: bool) -> int:
    """Print the scenarios that come with the harness: name, title, checkers."""
    scenarios = [load(path) for path in known().values()]
    if as_json:
        rows = [
            {"name": one.name, "title": one.title, "checkers": list(one.checkers_by_name()), "faults": []}
            for one in scenarios
        ]
        _result(json.dumps({"scenarios": rows}))
        return 0
    for one in scenarios:
        _result(f"{one.name:22}{one.title}\n{'':22}checkers: {', '.join(one.checkers_by_name())}")
    return 0


def check(histories: Sequence[str], *, runs: Path, as_json: bool) -> int:
    """Judge recorded histories again; nothing is written."""
    outcomes = [_judged(history, runs) for history in histories]
    if as_json:
        _result(_as_json(outcomes))
    for outcome in () if as_json else outcomes:
        _show(outcome, alone=len(outcomes) == 1)
    return _exit_code(outcomes)


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
    _result(json.dumps({"report": str(path)}) if as_json else str(path))
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
    _result(json.dumps({"report": str(path), "opened": opened}) if as_json else str(path))
    return 0


def token(secret: str, *, role: str, sub: str | None, ttl: float, as_json: bool) -> int:
    """Print a signed token."""
    try:
        subject = UUID(sub) if sub else None
    except ValueError:
        raise UsageError(f"--sub {sub!r} is no UUID, and auth.uid() needs one") from None
    signed = mint(secret, role=role, sub=subject, ttl=ttl, wall=CLOCK.wall())
    _result(json.dumps({"token": signed}) if as_json else signed)
    return 0


def _stack(options: StackOptions) -> Embedded:
    recorder = Recorder(CLOCK.now, sinks=(_complain,), keep=False)
    return Embedded(options, recorder=recorder, clock=CLOCK, rng=Random(), started=CLOCK.wall())


def _complain(op: Op) -> None:
    """Tell the user of a stack what broke in it: there is no history that says so."""
    if op.error is not None and op.type == "info":
        note(f"{op.actor}, {op.f}: {hide_secrets(op.error)}")


def _clients(request: RunRequest, seed: int) -> Callable[[Backend], MakeClient]:
    rng = Random(f"clients {seed}")

    def of(backend: Backend) -> MakeClient:
        url, apikey = backend.environment.realtime_url, backend.environment.anon_key

        def make(name: str, signed: str) -> Client:
            if request.client == "js":
                return OfficialJsClient(
                    url, apikey=apikey, token=signed, link=name, modules=request.js_modules or MODULES
                )
            if request.client == "py":
                return OfficialPyClient(url, apikey=apikey, token=signed, link=name)
            return NativeClient(url, apikey=apikey, token=signed, link=name, clock=CLOCK, rng=Random(rng.random()))

        return make

    return of


def _folder(run: str, runs: Path) -> Path:
    for folder in (Path(run), runs / run):
        if (folder / "history.jsonl").is_file():
            return folder
    raise UsageError(f"no run {run!r}: give a run folder, or `latest` after a `harness run` wrote to {runs}/")


def _show(outcome: Outcome, *, alone: bool, written: bool = False) -> None:
    """Print a judgement; `written` are those with a report. A failure goes to stderr."""
    if isinstance(outcome, Failure):
        note(str(outcome.error) if alone else f"{outcome.what}: {outcome.error}")
        return
    report = str(outcome.report) if written else None
    text = summary(outcome.header, outcome.history, outcome.verdicts, outcome.accounts, report=report)
    console = Console(soft_wrap=True, highlight=False)
    with console.capture() as captured:
        console.print(coloured(text), end="")
    _result(captured.get())


def _as_json(outcomes: Sequence[Outcome]) -> str:
    documents: list[dict[str, Any]] = [outcome.document() for outcome in outcomes]
    together = {"valid": worst(outcome.valid for outcome in outcomes), "runs": documents}
    return json.dumps(documents[0] if len(documents) == 1 else together)


def _exit_code(outcomes: Sequence[Outcome]) -> int:
    """That of the worst; wrong usage, which no run survives, comes first."""
    codes = {outcome.error.exit_code for outcome in outcomes if isinstance(outcome, Failure)}
    return UsageError.exit_code if UsageError.exit_code in codes else EXIT_CODES[worst(outcome.valid for outcome in outcomes)]


def _result(text: str) -> None:
    """To stdout, at once; raises `OutputClosed` if nobody reads it."""
    try:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except BrokenPipeError as error:
        raise OutputClosed from error


def note(text: str) -> None:
    """To stderr, as everything that is no result."""
    sys.stderr.write(f"harness: {text}\n")
    sys.stderr.flush()
