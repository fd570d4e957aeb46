"""`commit_to_client_ms` and `real_cadence`: how soon a row is there, and whether the polls wait as the real ones do."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack

from bench.distribution import ks_distance, percentile
from bench.figure import Figure
from bench.frames import Tally
from bench.load import Load, Outcome, run
from bench.progress import note
from bench.real_server import Case, samples
from bench.size import Size
from bench.stack import Stack

_PACES = {"idle": (1.7, 0.5 / 1.7), "20 per s": (0.05, 0.0), "200 per s": (0.005, 0.0)}
"""Seconds between rows, and the share by which they vary: those of `p11c_latency.json`."""


async def latency(stack: Stack, size: Size) -> list[Figure]:
    """From the moment of the write, by the database's clock, to the receipt, by the same machine's.

    At the cadence `real` the latencies are then compared with the real server's, value by value.
    """
    figures: list[Figure] = []
    for load, rows in size.latency_rows[stack.cadence].items():
        note(f"commit_to_client_ms: cadence {stack.cadence}, {load}, {rows} rows")
        stacks = size.idle_stacks if stack.cadence == "real" and load == "idle" else 1
        outcomes = await _side_by_side(stack, load, rows, stacks)
        figures += _figures(stack, size, load, outcomes)
    return figures


async def _side_by_side(stack: Stack, load: str, rows: int, stacks: int) -> list[Outcome]:
    """On this stack and further ones at once: where almost nothing is written they do not disturb each other."""
    async with AsyncExitStack() as further:
        opened = [await further.enter_async_context(Stack(stack.cadence)) for _ in range(stacks - 1)]
        return await asyncio.gather(
            *(_one(each, load, rows // stacks, seed) for seed, each in enumerate([stack, *opened]))
        )


async def _one(stack: Stack, load: str, rows: int, seed: int) -> Outcome:
    every_s, spread = _PACES[load]
    await stack.warm_up()
    await stack.row_security(on=False)
    came = await run(stack, Load(subscribers=1, rows=rows, every_s=every_s, spread=spread, seed=seed), latencies=True)
    await stack.row_security(on=True)
    return came


def _figures(stack: Stack, size: Size, load: str, outcomes: Sequence[Outcome]) -> list[Figure]:
    ours = [1000 * latency for each in outcomes for latency in each.latencies_s]
    tally = sum((each.tally for each in outcomes), Tally())
    every_s, spread = _PACES[load]
    settings = (
        f"n = {len(ours)}, one row per {every_s:g} s ± {spread:.0%}, row security off, from clock_timestamp() in the "
        f"INSERT (which takes {1000 * outcomes[0].insert_s:.2f} ms with its commit)"
    )
    values: dict[Case, tuple[float, str, str]] = {
        ("commit_to_client_ms", stack.cadence, load, "p50"): (percentile(ours, 0.50), "ms", settings),
        ("commit_to_client_ms", stack.cadence, load, "p99"): (percentile(ours, 0.99), "ms", settings),
    }
    if stack.cadence == "real":
        theirs = samples()[load][: len(ours)]
        compared = (
            f"n = {len(ours)} and {len(theirs)}; ours {_spread(ours)}, the real server's {_spread(theirs)} ms "
            "(p1 · p50 · p99 · maximum)"
        )
        values[("real_cadence", load, "ks_distance")] = (ks_distance(ours, theirs), "", compared)
        values[("real_cadence", load, "maximum")] = (max(ours) / max(theirs), "of theirs", compared)
    return [
        Figure(case=case, value=value, unit=unit, settings=how, tally=tally, comparable=size.full)
        for case, (value, unit, how) in values.items()
    ]


def _spread(values: Sequence[float]) -> str:
    return " · ".join(f"{percentile(values, share):.1f}" for share in (0.01, 0.50, 0.99, 1.00))
