"""Scenarios × seeds as one batch: runs side by side, each told when it ends."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

from rich.console import Console

from harness.backends.attached import Attached
from harness.backends.backend import Backend
from harness.backends.chosen import chosen
from harness.backends.environment import Environment
from harness.backends.options import StackOptions
from harness.bug import AS_SPECIFIED, load_bug
from harness.clients.client import Client
from harness.clients.native import NativeClient
from harness.clients.realtime_js import MODULES, OfficialJsClient, find_node
from harness.clients.realtime_py import OfficialPyClient, need_package
from harness.clock import Clock, ScaledClock, SystemClock
from harness.errors import FaultUnsupported, HarnessError, UsageError
from harness.history import Recorder
from harness.outcome import Failure, Outcome, exit_code, outcomes_json, show
from harness.output import note, result
from harness.performing.stage import MakeClient
from harness.phoenix.connection import Timing
from harness.pipeline.apps import app_named
from harness.report.progress import Progress
from harness.runner import MakeBackend, Run, run_scenario
from harness.scenario import Scenario, find, load, scenario_folder

CLOCK = SystemClock()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """What `harness run` was asked for. `given` names the options that were said and not taken from the defaults;
    `attach_to` is the stack to use instead of one of its own for each run."""

    scenarios: Sequence[str]
    seeds: Sequence[int]
    repeat: int
    jobs: int
    client: str
    runs: Path
    js_modules: Path | None
    as_json: bool
    time_factor: float = 1.0
    given: frozenset[str] = frozenset()
    attach_to: Environment | None = None


async def run(request: RunRequest, options: StackOptions) -> int:
    """Run scenarios × seeds, print each judgement as it comes, return the exit code of the worst.

    A stack that does not start is told and leaves the other runs alone.
    """
    told = [_as_told(find(name), request, options) for name in request.scenarios]
    orders = [(one, seed) for one in told for seed in request.seeds for _ in range(request.repeat)]
    if options.port and len(orders) > 1 and request.jobs > 1:
        raise UsageError("several runs at once cannot share one --port: use --port 0 or --jobs 1")
    await _need_client(request)
    places = asyncio.Semaphore(request.jobs)
    console = Console(stderr=True)

    async def one(order: Told, seed: int) -> Outcome:
        async with places:
            outcome = await _one(order[0], seed, order[1], order[2], console)
        if not request.as_json:
            show(outcome, alone=len(orders) == 1, written=True)
        return outcome

    done = await asyncio.gather(*(one(order, seed) for order, seed in orders))
    if request.as_json:
        result(outcomes_json(done))
    return exit_code(done)


Told = tuple[Scenario, RunRequest, StackOptions]


def _as_told(path: Path, request: RunRequest, options: StackOptions) -> Told:
    """A scenario and how it is run: a delivery bug brings cadence, limits and time factor, where none were given."""
    if path.parent != scenario_folder() / "bugs":
        return load(path), request, options
    entry = load_bug(path)
    bug, scenario = entry.bug, entry.scenario
    if request.attach_to is None and options.backend == "embedded":
        options = replace(
            options,
            cadence=options.cadence if "cadence" in request.given else bug.cadence,
            limits=options.limits if "limits" in request.given else bug.limits,
        )
        if "time_factor" not in request.given and request.client == "native":
            request = replace(request, time_factor=bug.time_factor)
    if options.app == AS_SPECIFIED and bug.behaviour is not None:
        note(f"{bug.id}: what is accused is not the application but {bug.accused}: that is run")
        scenario = entry.accused_scenario
        options = replace(options, app=entry.accused_app)
    return scenario, request, options


async def _need_client(request: RunRequest) -> None:
    """Raises `ClientMissing` before anything is started."""
    if request.client == "js":
        await find_node(request.js_modules or MODULES)
    elif request.client == "py":
        need_package()


async def perform(scenario: Scenario, seed: int, request: RunRequest, options: StackOptions) -> Outcome:
    """One run on a stack of its own, judged and written; a stack that does not start is a `Failure`."""
    try:
        return await run_scenario(scenario, _order(seed, request, options))
    except HarnessError as error:
        return Failure(what=f"{scenario.name}, seed {seed}", error=error)


async def _one(scenario: Scenario, seed: int, request: RunRequest, options: StackOptions, console: Console) -> Outcome:
    what = f"{scenario.name}, seed {seed}"
    order = _order(seed, request, options)
    with Progress(what, order.clock.now, console=console) as progress:
        try:
            return await run_scenario(scenario, replace(order, watch=(progress,)))
        except HarnessError as error:
            return Failure(what=what, error=error)


def _order(seed: int, request: RunRequest, options: StackOptions) -> Run:
    clock = CLOCK if request.time_factor == 1.0 else ScaledClock(CLOCK, request.time_factor)
    return Run(
        make_backend=_backends(request, options, seed, clock),
        make_client=make_clients(request, seed),
        clock=clock,
        seed=seed,
        pace=options.pace,
        client=request.client,
        runs=request.runs,
        schema=options.schema,
        settings=_settings(request, options),
    )


def _backends(request: RunRequest, options: StackOptions, seed: int, clock: Clock) -> MakeBackend:
    environment = request.attach_to

    def make(recorder: Recorder, started: datetime) -> Backend:
        if environment is None:
            return chosen(options, recorder=recorder, clock=clock, rng=Random(seed), started=started, tell=note)
        return Attached(
            environment,
            schema=options.schema,
            pace=options.pace,
            app=app_named(options.app, options.debounce),
            recorder=recorder,
            clock=clock,
            rng=Random(seed),
            started=started,
        )

    return make


def _settings(request: RunRequest, options: StackOptions) -> Mapping[str, Any]:
    app = app_named(options.app, options.debounce)
    told = {"app": app.name, "debounce": app.debounce, "time_factor": request.time_factor}
    if request.attach_to is None:
        return {**told, "cadence": options.cadence, "limits": options.limits}
    return {**told, "stack": request.attach_to.harness_backend}


def make_clients(request: RunRequest, seed: int) -> Callable[[Backend], MakeClient]:
    rng = Random(f"clients {seed}")

    def of(backend: Backend) -> MakeClient:
        apikey = backend.environment.anon_key

        def make(
            name: str, *, url: str, token: str | None, clock: Clock, timing: Timing, variant: str | None = None
        ) -> Client:
            if variant and request.client != "native":
                raise FaultUnsupported(
                    f"of {name}, a client that would {variant}",
                    "the native client",
                    "this run",
                    cure="leave out --client",
                )
            if request.client == "js":
                return OfficialJsClient(
                    url, apikey=apikey, token=token, link=name, modules=request.js_modules or MODULES
                )
            if request.client == "py":
                return OfficialPyClient(url, apikey=apikey, token=token, link=name)
            own = Random(rng.random())
            return NativeClient(
                url,
                apikey=apikey,
                token=token,
                link=name,
                clock=clock,
                rng=own,
                timing=timing,
                rejoin_with_bindings=variant != "rejoin_without_bindings",
            )

        return make

    return of
