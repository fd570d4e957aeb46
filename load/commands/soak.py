"""`python -m load soak`: one long run, article after article, on one fresh stack: is everything as it should be in the
end, and has nobody's memory grown.

The run is judged as any other; what it adds is a claim for the memory of each process of ours.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from math import ceil
from pathlib import Path
from typing import Any, Final

from harness.arguments import Parser
from harness.checkers.checker import Verdict
from harness.errors import UsageError
from harness.history.store import write_text
from harness.output import note, result
from harness.report.junit import junit
from load.commands.running import new_folder, run
from load.commands.stack import fresh_stack
from load.judging.flatness import MOST, Flatness, flatness
from load.judging.judged import Judged
from load.judging.usage import ENGINE, LOCUST, PUBLISHING
from load.options import add_choices, add_debounce, add_numbers, add_where, chosen_plan
from load.plan import Plan
from load.telling.charts import number
from load.telling.reporting import result_of, write_report
from load.telling.summary import junit_of, markdown, text

CLAIMED: Final = (ENGINE, LOCUST, PUBLISHING)
"""Whose memory must be flat: the engine's and the harness's. PostgreSQL's fills the pages that it shares as it goes."""
WARM_UP: Final = 0.2
"""The share of the run after which everything is warm."""
_MINUTES: Final = 10.0
_DEFAULTS: Final = Plan(seconds=60.0, rate=10.0)
"""Half of what a single run offers: the history of ten minutes is judged as a whole (docs/load.md has its size)."""
_RUN: Final = "run"


def main(argv: Sequence[str]) -> int:
    """Soak, tell and write; the exit code. Raises `HarnessError`."""
    arguments = _parser().parse_args(argv)
    plan = soak_plan(arguments)
    folder = new_folder(arguments.runs, "soak", plan)
    with fresh_stack(cadence=arguments.cadence) as stack:
        judged = run(plan, folder / _RUN, stack)
    memory = memory_of_run(result_of(folder / _RUN).get("usage by second", {}), plan.generations)
    soaked = with_memory(judged, memory)
    _write(folder, soaked, memory)
    result("\n".join([text([soaked]), "", *_table(memory)]))
    note(f"written to {folder}")
    return soaked.exit_code


def soak_plan(arguments: argparse.Namespace) -> Plan:
    """As many generations of so many seconds as fill the minutes; raises `UsageError` if it cannot be."""
    if not 0 < arguments.minutes < float("inf"):
        raise UsageError("--minutes is a number of minutes above 0")
    generations = ceil(60 * arguments.minutes / arguments.seconds) if arguments.seconds > 0 else 1
    return chosen_plan(argparse.Namespace(**vars(arguments), generations=generations))


def memory_of_run(usage: Mapping[str, Sequence[Mapping[str, Any]]], generations: int) -> Mapping[str, Flatness]:
    """Process → how its memory went, from `usage by second`; those of ours are there in any case."""
    last = max((each["second"] for told in usage.values() for each in told), default=0.0)
    warm, generation = WARM_UP * last, last / generations
    samples = {process: [(each["second"], each["mib"]) for each in told] for process, told in usage.items()}
    processes = dict.fromkeys([*samples, *CLAIMED])
    return {process: flatness(samples.get(process, []), warm=warm, generation=generation) for process in processes}


def claims_of(memory: Mapping[str, Flatness]) -> Mapping[str, Verdict]:
    """What is claimed of the memory of ours."""
    return {f"memory of {process} flat": memory[process].verdict() for process in CLAIMED}


def with_memory(judged: Judged, memory: Mapping[str, Flatness]) -> Judged:
    """The run with these claims beside its own."""
    return replace(judged, claims={**judged.claims, **claims_of(memory)})


def _table(memory: Mapping[str, Flatness]) -> Sequence[str]:
    """A line for each process, in columns."""
    rows = [
        ("memory after the warm-up", "first MiB", "last MiB", "growth %", "MiB/min"),
        *(
            (process, *(number(value) for value in (found.first, found.last, found.growth, found.slope)))
            for process, found in memory.items()
        ),
    ]
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return [
        f"  {row[0]:{widths[0]}}  "
        + "  ".join(f"{cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True))
        for row in rows
    ]


def _write(folder: Path, soaked: Judged, memory: Mapping[str, Flatness]) -> None:
    found = {
        "valid": soaked.valid.value,
        "plan": asdict(soaked.plan),
        "warm-up share": WARM_UP,
        "growth at most %": MOST,
        "memory": {process: {**asdict(each), "valid": each.verdict().valid} for process, each in memory.items()},
        "figures": dict(soaked.figures),
        "claims": {name: claim.valid.value for name, claim in soaked.claims.items()},
    }
    write_text(folder / "soak.json", json.dumps(found, indent=2, ensure_ascii=False) + "\n")
    table = "\n".join(["```", *_table(memory), "```", ""])
    write_text(folder / "summary.md", f"{markdown([soaked])}\n{table}")
    write_report(folder, {folder / _RUN: soaked}, title="Soak")
    own = junit({"scenario": "load soak", "seed": soaked.plan.seed}, claims_of(memory))
    theirs = folder / _RUN / "junit.xml"  # what is read back of a run has not all that a case tells
    told = [theirs.read_text(encoding="utf-8")] if theirs.exists() else []
    write_text(folder / "junit.xml", junit_of([*told, own]))


def _parser() -> Parser:
    parser = Parser(
        prog="python -m load soak",
        description="Load one stack for long, and say whether anybody's memory grew.",
        epilog="example:  python -m load soak --minutes 30 --writers 8",
    )
    parser.add_argument("--minutes", type=float, default=_MINUTES, help=f"how long it takes ({_MINUTES:g})")
    add_debounce(parser)
    add_choices(parser)
    add_numbers(parser, defaults=_DEFAULTS, computed=("generations",))
    add_where(parser)
    return parser
