"""`python -m bench`: measures, prints one table, writes `bench/latest.json` (contract 8, docs/bench.md)."""

import argparse
import asyncio
import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.ceiling import ceiling
from bench.child import BenchError
from bench.delivering import burst, deliveries, latency
from bench.figure import KEYS, Figure, document
from bench.joining import joins
from bench.judging import check
from bench.memory import memory
from bench.progress import note
from bench.size import FULL, QUICK, Size
from bench.stack import Stack
from bench.starting import starts
from bench.table import table
from harness.errors import HarnessError

_LATEST = Path(__file__).parent / "latest.json"
_ON_A_STACK = {"rss_mib": memory, "deliveries_per_s": deliveries, "burst_5000_s": burst, "joins_per_s": joins}
"""In this order: memory is measured on a stack that has done nothing yet."""
_DELIVERED = {"deliveries_per_s", "burst_5000_s"}


async def measure(wanted: Sequence[str], size: Size, *, profile: Path | None) -> tuple[list[Figure], Mapping[str, str]]:
    """The figures of the wanted keys, in the order of contract 8, and what they all depend on."""
    figures: list[Figure] = []
    settings = _machine(size, profiled=profile is not None)
    if _DELIVERED & set(wanted):
        figures += await ceiling(size)
    if "start_ready_s" in wanted:
        figures += await starts(size)
    if {*_ON_A_STACK, "commit_to_client_ms"} & set(wanted):
        async with Stack("real", profile=profile) as stack:
            settings |= await stack.facts()
            figures += await _on_the_stack(stack, wanted, size)
    if "commit_to_client_ms" in wanted:
        async with Stack("instant") as stack:
            await stack.warm_up()
            figures += await latency(stack, size)
    if "check_ops_per_s" in wanted:
        figures += check(size)
    if "virtual_speedup" in wanted:
        why = "not built yet: it comes with the memory backend"
        figures.append(Figure(case=("virtual_speedup",), value=None, unit="", settings=why))
    order = ("reader_ceiling_per_s", *KEYS)
    return sorted(figures, key=lambda figure: order.index(figure.case[0])), settings


async def _on_the_stack(stack: Stack, wanted: Sequence[str], size: Size) -> list[Figure]:
    await stack.warm_up()
    figures: list[Figure] = []
    for key, measured in _ON_A_STACK.items():
        if key in wanted:
            figures += await measured(stack, size)
    if "commit_to_client_ms" in wanted:
        figures += await latency(stack, size)
    return figures


def _machine(size: Size, *, profiled: bool) -> dict[str, str]:
    load = " · ".join(f"{each:.2f}" for each in os.getloadavg())
    return {
        "size": "full" if size.full else "quick: too small to be compared with anything",
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, load before {load}",
        "python": platform.python_version(),
        **({"profiled": "the polling engine, which makes it much slower"} if profiled else {}),
    }


def main(argv: Sequence[str] | None = None) -> int:
    """0; 1 if anything was lost, came twice or in another order; 2 if something could not be measured."""
    arguments = _parser().parse_args(argv)
    size = QUICK if arguments.quick else FULL
    try:
        figures, settings = asyncio.run(measure(arguments.only or KEYS, size, profile=arguments.profile))
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
        "--only", action="append", choices=KEYS, metavar="KEY", help=f"one of {', '.join(KEYS)}; repeat"
    )
    parser.add_argument("--out", type=Path, default=_LATEST, help="where the figures are written (bench/latest.json)")
    parser.add_argument("--profile", type=Path, help="let cProfile watch the polling engine and write to this file")
    return parser


if __name__ == "__main__":
    sys.exit(main())
