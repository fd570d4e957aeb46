"""`python -m bench`: measures, prints one table, writes `bench/latest.json` (contract 8, docs/bench.md)."""

import argparse
import asyncio
import json
import os
import platform
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from bench.ceiling import ceiling
from bench.child import BenchError
from bench.delivering import at_rate, burst, deliveries
from bench.figure import KEYS, MORE, Figure, document
from bench.joining import joins
from bench.judging import check
from bench.latency import latency
from bench.memory import memory
from bench.progress import note
from bench.size import FULL, QUICK, Size
from bench.stack import Stack
from bench.starting import starts
from bench.table import table
from harness.backends.options import Cadence
from harness.errors import HarnessError

_LATEST = Path(__file__).parent / "latest.json"
Measured = Callable[[Stack, Size], Awaitable[list[Figure]]]
_ON_A_STACK: Final[Mapping[Cadence, Sequence[tuple[set[str], Measured]]]] = {
    "real": (
        ({"rss_mib"}, memory),
        ({"joins_per_s"}, joins),
        ({"commit_to_client_ms", "real_cadence"}, latency),
        ({"burst_5000_s", "burst_5000_by_cadence_s"}, burst),
        ({"deliveries_per_s", "engine_us_per_delivery"}, deliveries),
    ),
    "instant": (
        ({"commit_to_client_ms"}, latency),
        ({"burst_5000_by_cadence_s"}, burst),
        ({"at_rate_ms"}, at_rate),
        ({"deliveries_per_s", "engine_us_per_delivery"}, deliveries),
    ),
}
"""By cadence, which keys what measures, in this order: memory on a stack that has done nothing yet, and what many rows
would disturb (PostgreSQL vacuums after them) before they are written."""
_DELIVERED: Final = {"deliveries_per_s", "burst_5000_s", "burst_5000_by_cadence_s", "at_rate_ms"}


async def measure(wanted: Sequence[str], size: Size, *, profile: Path | None) -> tuple[list[Figure], Mapping[str, str]]:
    """The figures of the wanted keys, in the order of contract 8, and what they all depend on."""
    figures: list[Figure] = []
    settings = _machine(size, profiled=profile is not None)
    if _DELIVERED & set(wanted):
        figures += await ceiling(size)
    if "start_ready_s" in wanted:
        figures += await starts(size)
    for cadence, offered in _ON_A_STACK.items():
        chosen = [measured for keys, measured in offered if keys & set(wanted)]
        if chosen:
            async with Stack(cadence, profile=profile if cadence == "instant" else None) as stack:
                settings |= await stack.facts()
                await stack.warm_up()
                for measured in chosen:
                    figures += await measured(stack, size)
    if "check_ops_per_s" in wanted:
        figures += check(size)
    if "virtual_speedup" in wanted:
        why = "not built yet: it comes with the memory backend"
        figures.append(Figure(case=("virtual_speedup",), value=None, unit="", settings=why))
    order = ("reader_ceiling_per_s", *KEYS, *MORE)
    return sorted(figures, key=lambda figure: order.index(figure.case[0])), settings


def _machine(size: Size, *, profiled: bool) -> dict[str, str]:
    load = " · ".join(f"{each:.2f}" for each in os.getloadavg())
    return {
        "size": "full" if size.full else "quick: too small to be compared with anything",
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, load before {load}",
        "python": platform.python_version(),
        **({"profiled": "the engine of the cadence instant, which makes it much slower"} if profiled else {}),
    }


def main(argv: Sequence[str] | None = None) -> int:
    """0; 1 if anything was lost, came twice or in another order; 2 if something could not be measured."""
    arguments = _parser().parse_args(argv)
    size = QUICK if arguments.quick else FULL
    try:
        figures, settings = asyncio.run(measure(arguments.only or (*KEYS, *MORE), size, profile=arguments.profile))
    except (BenchError, HarnessError) as error:
        note(str(error))
        return 2
    text = json.dumps(document(figures, settings), ensure_ascii=False, indent=2)
    arguments.out.write_text(text + "\n", encoding="utf-8")
    print(table(figures, settings))
    note(f"written to {arguments.out}")
    return 0 if all(figure.sound for figure in figures) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measure the embedded stack; docs/bench.md says what each figure means.",
        epilog="example:  python -m bench --only deliveries_per_s",
    )
    parser.add_argument(
        "--quick", action="store_true", help="a look of half a minute; its figures compare with nothing"
    )
    parser.add_argument(
        "--only",
        action="append",
        choices=(*KEYS, *MORE),
        metavar="KEY",
        help=f"one of {', '.join((*KEYS, *MORE))}; repeat",
    )
    parser.add_argument("--out", type=Path, default=_LATEST, help="where the figures are written (bench/latest.json)")
    parser.add_argument(
        "--profile", type=Path, help="let cProfile watch the engine of the cadence instant and write here"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
