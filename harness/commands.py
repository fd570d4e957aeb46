"""What the commands do, given values: stacks, runs and reports; `cli.py` reads argv and environment for them."""

import asyncio
import json
import sys
import webbrowser
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

from rich.console import Console

from harness.backends.backend import Backend, Environment
from harness.backends.embedded import Embedded
from harness.backends.options import StackOptions
from harness.checkers.checker import Valid, worst
from harness.clients.client import Client
from harness.clients.native import NativeClient
from harness.clients.realtime_js import MODULES, OfficialJsClient
from harness.clients.realtime_py import OfficialPyClient
from harness.clock import SystemClock
from harness.errors import UsageError
from harness.history import Recorder
from harness.interpreter import MakeClient
from harness.report.progress import Progress
from harness.report.text import coloured, summary
from harness.runner import Judgement, Run, judge_file, run_scenario, write_report
from harness.scenario import Scenario, find, known, load
from harness.tokens import mint

EXIT_CODES = {Valid.YES: 0, Valid.NO: 1, Valid.UNKNOWN: 2}
CLOCK = SystemClock()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """What `harness run` was asked for."""

    scenarios: Sequence[str]
    seeds: Sequence[int]
    repeat: int
    jobs: int
    client: str
    runs: Path
    js_modules: Path | None
    as_json: bool


def own_version() -> str:
    return version("realtime-harness")


async def up(options: StackOptions, *, as_json: bool) -> int:
    """Bring a stack up, print its environment, stay until cancelled, take it down: that is how it ends well."""
    backend = _stack(options)
    try:
        await backend.start()
        variables = backend.environment.variables()
        _result(json.dumps(dict(variables)) if as_json else backend.environment.lines().rstrip("\n"))
        _note(f"ready at {backend.environment.api_url}; Ctrl-C takes it down")
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
    *,
    environment: Environment | None = None,
) -> int:
    """Run `command` with the variables of a stack: its own, or the one that `environment` tells of."""
    if environment is not None:
        return await _child(command, {**inherited, **environment.variables()})
    backend = _stack(options)
    try:
        await backend.start()
        return await _child(command, {**inherited, **backend.environment.variables()})
    finally:
        await backend.stop()


async def run(request: RunRequest, options: StackOptions) -> int:
    """Run scenarios × seeds, print each judgement as it comes, return the exit code of the worst."""
    scenarios = [load(find(name)) for name in request.scenarios]
    orders = [(one, seed) for one in scenarios for seed in request.seeds for _ in range(request.repeat)]
    if options.port and len(orders) > 1 and request.jobs > 1:
        raise UsageError("several runs at once cannot share one --port: use --port 0 or --jobs 1")
    places = asyncio.Semaphore(request.jobs)

    async def one(scenario: Scenario, seed: int) -> Judgement:
        async with places:
            judgement = await _one(scenario, seed, request, options)
        if not request.as_json:
            _show(judgement, report=str(judgement.report))
        return judgement

    done = await asyncio.gather(*(one(scenario, seed) for scenario, seed in orders))
    if request.as_json:
        _result(_as_json(done))
    return EXIT_CODES[worst(judgement.valid for judgement in done)]


async def _one(scenario: Scenario, seed: int, request: RunRequest, options: StackOptions) -> Judgement:
    with Progress(f"{scenario.name}, seed {seed}", CLOCK.now) as progress:
        order = Run(
            make_backend=lambda recorder, started: Embedded(
                options, recorder=recorder, clock=CLOCK, rng=Random(seed), started=started
            ),
            make_client=_clients(request, seed),
            clock=CLOCK,
            seed=seed,
            pace=options.pace,
            client=request.client,
            runs=request.runs,
            schema=options.schema,
            watch=(progress,),
            settings={"cadence": options.cadence},
        )
        return await run_scenario(scenario, order)


def list_scenarios(*, as_json: bool) -> int:
    """Print the scenarios that come with the harness: name, title, checkers."""
    scenarios = [load(path) for path in known().values()]
    if as_json:
        rows = [
            {"name": one.name, "title": one.title, "checkers": list(one.checkers_by_name()), "faults": []}
            for one in scenarios
        ]
        _result(json.dumps({"scenarios": rows}, ensure_ascii=False))
        return 0
    for one in scenarios:
        _result(f"{one.name:22}{one.title}\n{'':22}checkers: {', '.join(one.checkers_by_name())}")
    return 0


def check(histories: Sequence[Path], *, as_json: bool) -> int:
    """Judge recorded histories again; nothing is written."""
    judgements = [judge_file(path) for path in histories]
    if as_json:
        _result(_as_json(judgements))
    for judgement in () if as_json else judgements:
        _show(judgement)
    return EXIT_CODES[worst(judgement.valid for judgement in judgements)]


def report(run: str, *, runs: Path, as_json: bool) -> int:
    """Write the report of a run again and print its path."""
    folder = _folder(run, runs)
    path = write_report(judge_file(folder), folder)
    _result(json.dumps({"report": str(path)}) if as_json else str(path))
    return 0


def open_report(run: str, *, runs: Path) -> int:
    """Show the report of a run in the user's browser; where there is none, say where the file is."""
    folder = _folder(run, runs)
    path = folder / "report.html"
    if not path.exists():
        write_report(judge_file(folder), folder)
    if not webbrowser.open(path.resolve().as_uri()):
        _note("no browser could be started here; the report is this file:")
    _result(str(path))
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
    started = CLOCK.wall()
    recorder = Recorder(CLOCK.now, keep=False)
    return Embedded(options, recorder=recorder, clock=CLOCK, rng=Random(), started=started)


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
                return OfficialPyClient(url, apikey=apikey, token=signed)
            return NativeClient(url, apikey=apikey, token=signed, link=name, clock=CLOCK, rng=Random(rng.random()))

        return make

    return of


async def _child(command: Sequence[str], variables: Mapping[str, str]) -> int:
    """The exit code of the command; when we are cancelled it gets SIGTERM and time to end."""
    try:
        child = await asyncio.create_subprocess_exec(*command, env=dict(variables))
    except OSError as error:
        raise UsageError(f"cannot run {command[0]}: {error.strerror}") from error
    try:
        code = await child.wait()
    except asyncio.CancelledError:
        await _end(child)
        raise
    return code if code >= 0 else 128 - code


async def _end(child: asyncio.subprocess.Process) -> None:
    if child.returncode is not None:
        return
    child.terminate()
    try:
        await asyncio.wait_for(child.wait(), timeout=10)
    except TimeoutError:
        child.kill()
        await child.wait()


def _folder(run: str, runs: Path) -> Path:
    for folder in (Path(run), runs / run):
        if (folder / "history.jsonl").is_file():
            return folder
    raise UsageError(f"no run {run!r}: give a run folder, or `latest` after a `harness run` wrote to {runs}/")


def _show(judgement: Judgement, *, report: str | None = None) -> None:
    text = summary(judgement.header, judgement.history, judgement.verdicts, judgement.accounts, report=report)
    Console(soft_wrap=True, highlight=False).print(coloured(text))


def _as_json(judgements: Sequence[Judgement]) -> str:
    documents: list[dict[str, Any]] = [judgement.document() for judgement in judgements]
    whole = documents[0] if len(documents) == 1 else {"valid": worst(j.valid for j in judgements), "runs": documents}
    return json.dumps(whole, ensure_ascii=False)


def _result(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _note(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
