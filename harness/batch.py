"""Scenarios × seeds as one batch: runs side by side, each told when it ends."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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
from harness.clients.client import Client
from harness.clients.native import NativeClient
from harness.clients.realtime_js import MODULES, OfficialJsClient, find_node
from harness.clients.realtime_py import OfficialPyClient, need_package
from harness.clock import SystemClock
from harness.errors import HarnessError, UsageError
from harness.history import Recorder
from harness.interpreter import MakeClient
from harness.outcome import Failure, Outcome, exit_code, outcomes_json, show
from harness.output import note, result
from harness.report.progress import Progress
from harness.runner import MakeBackend, Run, run_scenario
from harness.scenario import Scenario, find, load

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
            show(outcome, alone=len(orders) == 1, written=True)
        return outcome

    done = await asyncio.gather(*(one(scenario, seed) for scenario, seed in orders))
    if request.as_json:
        result(outcomes_json(done))
    return exit_code(done)


async def _need_client(request: RunRequest) -> None:
    """Raises `ClientMissing` before anything is started."""
    if request.client == "js":
        await find_node(request.js_modules or MODULES)
    elif request.client == "py":
        need_package()


async def _one(scenario: Scenario, seed: int, request: RunRequest, options: StackOptions, console: Console) -> Outcome:
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
            return chosen(options, recorder=recorder, clock=CLOCK, rng=Random(seed), started=started, tell=note)
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
        return {"cadence": options.cadence, "limits": options.limits}
    return {"stack": request.attach_to.harness_backend}


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
