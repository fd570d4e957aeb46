"""`start_ready_s`: how long a stack takes from nothing to ready, in a fresh process and in one that knows how."""

import statistics
import sys
import time
from random import Random
from typing import Final

from bench.figure import Figure
from bench.progress import note
from bench.size import Size
from bench.stack import Stack
from harness.backends.embedded import Embedded
from harness.backends.options import StackOptions
from harness.clock import SystemClock
from harness.history import Recorder
from harness.tokens import DEVELOPMENT_SECRET

_BYTECODE: Final = "compiled each time: PYTHONDONTWRITEBYTECODE" if sys.dont_write_bytecode else "compiled before"


async def starts(size: Size) -> list[Figure]:
    """Cold: `harness up` with its imports, to its line on stdout. Warm: the second stack of the same process."""
    cold: list[float] = []
    for number in range(size.repeats):
        note(f"start_ready_s: cold, {number + 1} of {size.repeats}")
        async with Stack("real") as stack:
            cold.append(stack.ready_s)
    note("start_ready_s: warm")
    await _start_and_stop()
    warm = [await _start_and_stop() for _ in range(size.repeats)]
    told = {
        "cold": (cold, f"`harness up` in a new process, with imports (bytecode {_BYTECODE}), initdb and migration"),
        "warm": (warm, "a further stack in a process that had one: initdb and migration again, no imports"),
    }
    return [
        Figure(case=("start_ready_s", name), value=statistics.median(times), unit="s", settings=how + _each(times))
        for name, (times, how) in told.items()
    ]


async def _start_and_stop() -> float:
    clock = SystemClock()
    stack = Embedded(
        StackOptions(jwt_secret=DEVELOPMENT_SECRET),
        recorder=Recorder(clock.now, keep=False),
        clock=clock,
        rng=Random(1),
        started=clock.wall(),
    )
    began = time.monotonic()
    await stack.start()
    took = time.monotonic() - began
    await stack.stop()
    return took


def _each(times: list[float]) -> str:
    return f"; median of {' · '.join(f'{each:.2f}' for each in times)}"
