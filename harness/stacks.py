"""`harness up` and `harness exec`: a stack for others to use."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from random import Random

from harness.backends.backend import Backend
from harness.backends.chosen import chosen
from harness.backends.environment import Environment
from harness.backends.options import StackOptions
from harness.child import run_child
from harness.clock import SystemClock
from harness.heap import keep_heap_small
from harness.history import Op, Recorder
from harness.history.secrets import hide_secrets
from harness.output import note, result
from harness.signals import Signals

CLOCK = SystemClock()


async def up(options: StackOptions, *, as_json: bool) -> int:
    """Bring a stack up, print its environment, stay until cancelled, take it down: that is how it ends well."""
    backend = _stack(options)
    try:
        await backend.start()
        variables = backend.environment.variables()
        result(json.dumps(dict(variables)) if as_json else backend.environment.lines().rstrip("\n"))
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


def _stack(options: StackOptions) -> Backend:
    keep_heap_small()
    recorder = Recorder(CLOCK.now, complaints=(_complain,), keep=False)
    return chosen(options, recorder=recorder, clock=CLOCK, rng=Random(), started=CLOCK.wall(), tell=note)


def _complain(op: Op) -> None:
    """Tell the user of a stack what broke in it: there is no history that says so."""
    if op.error is not None and op.type == "info":
        note(f"{op.actor}, {op.f}: {hide_secrets(op.error)}")
