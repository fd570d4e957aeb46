"""`python -m load knee`: finds up to which load a stack carries what is offered, and what comes first beyond it.

Each step is a load run of its own on one fresh stack; which one is next `load.judging.knee` says.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from math import isfinite
from pathlib import Path
from typing import Any, Final

from harness.arguments import Parser
from harness.errors import UsageError
from harness.history.store import write_text
from harness.output import note, result
from load.commands.running import new_folder, run
from load.commands.stack import LoadedStack, fresh_stack
from load.judging.course import course
from load.judging.knee import Hold, Knee, Search, Step, judge
from load.options import add_choices, add_numbers, add_where, chosen_plan
from load.plan import DEBOUNCES, OTHERS, Plan
from load.telling.knee_table import agreement, comma_separated, difference, exit_code, line, markdown, text
from load.telling.reporting import result_of, write_report

RANGES: Final = {"rate": (5.0, 640.0), "writers": (2.0, 256.0)}
"""From where to where each is tried, unless it is said."""
STEP_S: Final = 12.0
SETTLE_S: Final = 30.0
"""A step that is not carried leaves a backlog: what is waited for long enough is late and not lost."""
_DEFAULTS: Final = Plan(debounce="off", churners=0, storm=0, seconds=STEP_S, settle=SETTLE_S)
"""Nobody churns and no storm breaks loose: what is measured is what the readers that stay get."""
_HOLDS: Final = 3
"""How many times as long as a step the load is held in the end."""


def main(argv: Sequence[str]) -> int:
    """Search, tell and write what was found; the exit code. Raises `HarnessError`."""
    arguments = _parser().parse_args(argv)
    least, most = _range(arguments)
    plan = _plan(arguments, least)
    folder = new_folder(arguments.runs, "knee", of_step(plan, arguments.vary, most))
    found: list[Knee] = []
    try:
        for number in range(1, arguments.repeat + 1):
            search = Search(least=least, most=most, whole=arguments.vary == "writers")
            place = folder if arguments.repeat == 1 else folder / f"search-{number}"
            with fresh_stack(cadence=arguments.cadence) as stack:
                found.append(find_knee(search, plan, stack, place, vary=arguments.vary, slo=arguments.slo_ms / 1000))
    finally:
        if found:
            _tell(folder, found, {"plan": asdict(plan), "settings": _settings(arguments, least, most)})
    return exit_code(found)


def _tell(folder: Path, found: Sequence[Knee], told: Mapping[str, Any]) -> None:
    """What was found, also where only some of the searches came to their end."""
    _write(folder, found, told)
    result("\n\n".join([*map(text, found), *([agreement(found)] if len(found) > 1 else [])]))
    asked = told["settings"]["repeat"]
    note(f"written to {folder}" + (f", {len(found)} of {asked} searches" if len(found) < asked else ""))


def find_knee(search: Search, plan: Plan, stack: LoadedStack, folder: Path, *, vary: str, slo: float) -> Knee:
    """Try what the search asks for until it has enough; each step is a run in `folder`, `slo` is in seconds."""
    number = 0
    while (asked := search.next()) is not None:
        number += 1
        value = asked.value if isinstance(asked, Hold) else asked
        offered = of_step(plan, vary, value, seconds=plan.seconds * (_HOLDS if isinstance(asked, Hold) else 1))
        step = _step(offered, value, stack, folder / f"step-{number:02}-{value:g}", slo=slo)
        note(f"{'hold' if isinstance(asked, Hold) else f'step {number}'}: {vary} {line(step)}")
        search.took(step)
    return search.found(varied=vary, slo=slo)


def of_step(plan: Plan, varied: str, value: float, *, seconds: float | None = None) -> Plan:
    """The plan with this value of what is varied."""
    lasting = replace(plan, seconds=plan.seconds if seconds is None else seconds)
    return replace(lasting, writers=int(value)) if varied == "writers" else replace(lasting, rate=value)


def _step(plan: Plan, value: float, stack: LoadedStack, folder: Path, *, slo: float) -> Step:
    """Offer it, and say what came of it."""
    judged = run(plan, folder, stack)
    return judge(value, course(judged, result_of(folder), slo=slo), slo=slo)


def _settings(arguments: argparse.Namespace, least: float, most: float) -> Mapping[str, Any]:
    """How it was searched, beside what the plan says."""
    chosen = {name: getattr(arguments, name) for name in ("vary", "slo_ms", "cadence", "repeat")}
    return {**chosen, "from": least, "to": most, "hold_seconds": _HOLDS * arguments.seconds}


def _write(folder: Path, found: Sequence[Knee], told: Mapping[str, Any]) -> None:
    """In the folder of each search what it found; in that of all of them the whole, the first search on top."""
    for number, one in enumerate(found, start=1):
        if len(found) > 1:
            _write_one(folder / f"search-{number}", one, told)
    by = difference(found) if len(found) > 1 else None
    more = {"again": [asdict(one) for one in found[1:]], "difference": by} if len(found) > 1 else {}
    _write_one(folder, found[0], {**told, **more})
    told_of_all = [*map(markdown, found), *([agreement(found), ""] if len(found) > 1 else [])]
    write_text(folder / "summary.md", "\n".join(told_of_all))
    write_report(folder, {}, knees={f"search {number}": one for number, one in enumerate(found, start=1)}, title="Knee")


def _write_one(folder: Path, found: Knee, told: Mapping[str, Any]) -> None:
    document = {**asdict(found), "found": found.found, **told}
    write_text(folder / "knee.json", json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    write_text(folder / "knee.csv", comma_separated(found))
    write_text(folder / "summary.md", markdown(found))


def _plan(arguments: argparse.Namespace, least: float) -> Plan:
    """The first step, of which the others are made; raises `UsageError` if it cannot be."""
    if getattr(arguments, arguments.vary) is not None:
        raise UsageError(f"--{arguments.vary} is what is varied: --from and --to say from where to where")
    fixed = {name: getattr(_DEFAULTS, name) for name in RANGES if getattr(arguments, name) is None}
    plan = chosen_plan(argparse.Namespace(**{**vars(arguments), **fixed, arguments.vary: least}))
    if plan.readers < 1:
        raise UsageError("without --readers nothing is delivered, and there is no knee to be found")
    if arguments.repeat < 1 or not (isfinite(arguments.slo_ms) and arguments.slo_ms > 0):
        raise UsageError("--repeat is at least 1, --slo-ms above 0")
    return plan


def _range(arguments: argparse.Namespace) -> tuple[float, float]:
    """From where to where it is searched; raises `UsageError` if nothing lies between."""
    least, most = RANGES[arguments.vary]
    least = least if arguments.least is None else arguments.least
    most = most if arguments.most is None else arguments.most
    if not (0 < least <= most and isfinite(most)):
        raise UsageError(f"--from {least:g} --to {most:g} leaves nothing to be tried")
    if arguments.vary == "writers" and (least != int(least) or most != int(most)):
        raise UsageError("--from and --to are whole numbers of writers")
    return least, most


def _parser() -> Parser:
    parser = Parser(
        prog="python -m load knee",
        description="Raise the load until a stack does not carry it, close in on where that is, and hold 80 % of it. "
        "--rate or --writers, whichever is varied, goes from --from to --to.",
        epilog="example:  python -m load knee --vary writers --rate 2 --readers 10 --repeat 2",
    )
    for name, kind, default, told in (
        ("--from", float, None, "the first load that is tried (5 events/s, 2 writers)"),
        ("--to", float, None, "the greatest load that is tried (640 events/s, 256 writers)"),
        ("--slo-ms", float, 1000.0, "what the p99 of the delivery may be (1000)"),
        ("--step-seconds", float, STEP_S, f"how long each step is offered ({STEP_S:g}); the hold {_HOLDS} times"),
        ("--repeat", int, 1, "searches, each on a fresh stack (1)"),
    ):
        destination = {"--from": "least", "--to": "most", "--step-seconds": "seconds"}.get(
            name, name[2:].replace("-", "_")
        )
        parser.add_argument(name, dest=destination, type=kind, default=default, help=told)
    parser.add_argument("--vary", choices=tuple(RANGES), default="rate", help="what is raised: --rate or --writers")
    parser.add_argument(
        "--debounce",
        choices=(*DEBOUNCES, *OTHERS),
        default="off",
        help="the policy (off: every event that is offered is a row and a delivery; others carry more by saying less)",
    )
    add_choices(parser, compared="shape")
    add_numbers(parser, defaults=_DEFAULTS, computed=("seconds", "generations"))
    add_where(parser)
    parser.set_defaults(shape=_DEFAULTS.shape, generations=_DEFAULTS.generations, **dict.fromkeys(RANGES))
    return parser
