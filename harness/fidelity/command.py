"""`harness fidelity`: plays recordings of the real server and says what differs.

Beside the straight line; the command line wires it in (`request_of`, `fidelity`).
"""

import argparse
import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final
from uuid import UUID

from harness.backends.backend import Environment
from harness.clock import Clock, SystemClock
from harness.errors import UsageError
from harness.fidelity import library, result
from harness.fidelity.comparison import Run, as_played, differences
from harness.fidelity.conditions import conditions
from harness.fidelity.difference import Difference, Grade
from harness.fidelity.engine import Engines
from harness.fidelity.frames import chosen_ids
from harness.fidelity.phases import hangs_on_phases
from harness.fidelity.player import Player
from harness.fidelity.preparation import prepare
from harness.fidelity.recording import Recording, lines
from harness.fidelity.result import Result
from harness.fidelity.target import Target, of_environment

JOBS: Final = 6
"""Recordings at once. They mostly wait; more of them would be late for lack of processor."""

FAST_S: Final = 60.0
_CLOCK: Final = SystemClock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What `harness fidelity` was asked for.

    `against`: no stack plays on the engine, one plays there, two play on both and compare the second with the
    first. `save` is a folder for what came back, as recordings.
    """

    recordings: Sequence[str] = ()
    against: Sequence[Environment] = ()
    jobs: int = JOBS
    fast: bool = False
    details: bool = False
    as_json: bool = False
    save: Path | None = None
    pg_bin: Path | None = None


def request_of(arguments: argparse.Namespace, *, against: Sequence[Environment], pg_bin: Path | None = None) -> Request:
    """The request in parsed arguments; raises `UsageError`."""
    if len(against) > 2:
        raise UsageError("--against takes one stack, or two to compare with each other")
    if arguments.jobs < 1:
        raise UsageError("--jobs must be at least 1")
    return Request(
        recordings=tuple(arguments.recording),
        against=tuple(against),
        jobs=arguments.jobs,
        fast=arguments.fast,
        details=arguments.details,
        as_json=arguments.json,
        save=arguments.save,
        pg_bin=pg_bin,
    )


async def fidelity(request: Request, *, clock: Clock = _CLOCK) -> int:
    """Play, compare, print; 0 if nothing but order, timing and what is declared differs, else 1."""
    scripts = [library.read(file) for file in library.select(list(request.recordings)).values()]
    scripts = [script for script in scripts if not request.fast or script.seconds <= FAST_S]
    if not scripts:
        raise UsageError("no recording is left: --fast leaves out those longer than a minute")
    if request.save is not None:
        request.save.mkdir(parents=True, exist_ok=True)
    found = [_judged(each, request) for each in await _play_all(scripts, request, clock)]
    _print(found, request)
    return 0 if all(each.passed for each in found) else 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    """A script with its two runs, or the error that ended a play."""

    script: Recording
    seconds: float
    expected: Run | None = None
    got: Run | None = None
    error: str = ""


async def _play_all(scripts: Sequence[Recording], request: Request, clock: Clock) -> list[_Outcome]:
    """Play them, the longest first; in the order of `scripts`. On a stack that others use, one after the other."""
    places = asyncio.Semaphore(1 if request.against else request.jobs)
    done = 0

    async with _stage(request, clock) as stage:

        async def one(script: Recording) -> _Outcome:
            nonlocal done
            async with places:
                outcome = await _outcome(script, stage, clock)
            done += 1
            _note(f"{done}/{len(scripts)}  {script.name}  {outcome.seconds:.1f} s  {outcome.error}")
            return outcome

        longest_first = sorted(scripts, key=lambda script: -script.seconds)
        outcomes = await asyncio.gather(*(one(script) for script in longest_first))
    by_name = {outcome.script.name: outcome for outcome in outcomes}
    return [by_name[script.name] for script in scripts]


class _Stage:
    """Where scripts are played: on engines of our own, or on stacks that run already."""

    def __init__(self, engines: Engines | None, targets: Sequence[Target], clock: Clock) -> None:
        self._engines = engines
        self._targets = targets
        self._clock = clock
        self._rng = Random(clock.wall().timestamp())

    async def runs(self, script: Recording) -> tuple[Run, Run]:
        """What is expected and what came back."""
        if self._engines is not None:
            held = conditions(script)
            async with self._engines.engine(alone=held.alone, survives=held.survives) as target:
                return as_played(script), await self._run(script, target)
        runs = await asyncio.gather(*(self._run(script, target) for target in self._targets))
        return (runs[0], runs[1]) if len(runs) == 2 else (as_played(script), runs[0])

    async def _run(self, script: Recording, target: Target) -> Run:
        needed = conditions(script)
        rows = [*_statements_of(needed.left_by), *([needed.left_rows] if needed.left_rows else [])]
        await prepare(
            target,
            schema=library.schema(),
            rows=rows,
            warm=needed.warm,
            limits=needed.limits,
            clock=self._clock,
        )
        renames = self._new_ids(script) if target.shared else {}
        player = Player(
            script, target, clock=self._clock, renames=renames, phases_are_chance=hangs_on_phases(script.name)
        )
        played = await player.play()
        return Run(recording=played.recording, acted=played.acted, complaints=tuple(target.complaints))

    def _new_ids(self, script: Recording) -> Mapping[str, str]:
        """Ids that no earlier play on the same database used; a filter may have them in capitals, too (p03)."""
        new = {old: str(UUID(int=self._rng.getrandbits(128), version=4)) for old in sorted(chosen_ids(script))}
        return new | {old.upper(): made.upper() for old, made in new.items()}


@asynccontextmanager
async def _stage(request: Request, clock: Clock) -> AsyncIterator[_Stage]:
    if request.against:
        yield _Stage(None, [of_environment(environment) for environment in request.against], clock)
        return
    engines = Engines(schema=library.schema(), clock=clock, bin_dir=request.pg_bin)
    await engines.open()
    try:
        yield _Stage(engines, (), clock)
    finally:
        await engines.close()


async def _outcome(script: Recording, stage: _Stage, clock: Clock) -> _Outcome:
    begun = clock.now()
    try:
        expected, got = await stage.runs(script)
    except Exception as error:  # whatever it is, the other recordings are still played, and this one has failed
        words = f"{type(error).__name__}: {error}"
        return _Outcome(script=script, seconds=clock.now() - begun, error=words)
    return _Outcome(script=script, seconds=clock.now() - begun, expected=expected, got=got)


def _judged(outcome: _Outcome, request: Request) -> Result:
    name = outcome.script.name
    if outcome.expected is None or outcome.got is None:
        failed = Difference(grade=Grade.DATA, what="could not be played", stream="-", about="play", got=outcome.error)
        return Result(recording=name, seconds=outcome.seconds, differences=[failed])
    if request.save is not None:
        text = "".join(f"{line}\n" for line in lines(outcome.got.recording))
        (request.save / f"{name}.jsonl").write_text(text, encoding="utf-8")
    found = differences(outcome.script, outcome.expected, outcome.got)
    return Result(recording=name, seconds=outcome.seconds, differences=found, complaints=outcome.got.complaints)


def _statements_of(name: str | None) -> list[str]:
    """The statements of one of our recordings."""
    if name is None:
        return []
    return [entry.text for entry in library.read(library.known()[name]).entries if entry.dir == "sql"]


def _print(found: Sequence[Result], request: Request) -> None:
    if request.as_json:
        _say(json.dumps(result.document(found), ensure_ascii=False))
        return
    for line in result.table(found):
        _say(line)
    if request.details:
        for each in found:
            if each.differences or each.complaints:
                _say("")
                for line in result.told(each):
                    _say(line)
    elif any(each.differences for each in found):
        _say("")
        for line in result.told_causes(result.causes(found)):
            _say(line)
        for line in result.told_complaints(found):
            _say(line)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _note(text: str) -> None:
    sys.stderr.write(text.rstrip() + "\n")
    sys.stderr.flush()
