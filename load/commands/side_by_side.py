"""`python -m load side-by-side`: the same load with postgres_changes and with broadcast from the database, and advice.

The same plan and seed over each transport, each on a fresh stack; with `--ceiling` a search for the knee of each, on
another one; then what the figures recommend.
"""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import isfinite
from pathlib import Path
from typing import Any, Final

from harness.arguments import Parser
from harness.checkers.checker import Valid
from harness.errors import UsageError
from harness.history.store import write_text
from harness.output import note, result
from load.commands.knee import RANGES, SETTLE_S, STEP_S, find_knee, of_step
from load.commands.running import new_folder, run
from load.commands.stack import fresh_stack
from load.judging.judged import Judged
from load.judging.knee import Knee, Search
from load.judging.recommendation import CEILING, Recommendation, Side, recommend
from load.options import add_choices, add_numbers, add_where, chosen_plan, refuse_impossible
from load.plan import DEBOUNCES, OTHERS, TRANSPORTS, Plan
from load.telling import knee_table
from load.telling.reporting import result_of, write_report
from load.telling.summary import comma_separated, junit_of, markdown, text

FILE: Final = "side-by-side.json"
_BY: Final = "transport"
_VARIED: Final = "rate"
_SLO_MS: Final = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One transport: its run, the 95 % intervals of those figures that have one, and its knee if it was searched."""

    judged: Judged
    sure: Mapping[str, tuple[float, float]]
    knee: Knee | None = None

    @property
    def transport(self) -> str:
        return self.judged.plan.transport

    @property
    def figures(self) -> Mapping[str, float | None]:
        """Those of the run and, where it was searched, the ceiling: None if no knee was found that holds."""
        return self.judged.figures if self.knee is None else {**self.judged.figures, CEILING: _ceiling(self.knee)}

    @property
    def side(self) -> Side:
        """What the recommendation is told."""
        claims = self.judged.claims.items()
        unknown = "; ".join(f"{name}: {claim.reason}" for name, claim in claims if claim.valid is Valid.UNKNOWN)
        return Side(transport=self.transport, figures=self.figures, sure=self.sure, unknown=unknown)


def main(argv: Sequence[str]) -> int:
    """Run both, tell and write the comparison; the exit code. Raises `HarnessError`."""
    arguments = _parser().parse_args(argv)
    plans = _plans(arguments)
    folder = new_folder(arguments.runs, "side-by-side", plans[0])
    found: list[Compared] = []
    try:
        for plan in plans:
            _compare(plan, folder / plan.transport, arguments, found)
    finally:
        if found:
            _tell(folder, found)
    return max(each.judged.exit_code for each in found)


def _tell(folder: Path, found: Sequence[Compared]) -> None:
    """What there is, also where the comparison was ended before all was run."""
    advice = advised(found)
    _write(folder, found, advice)
    result(told(found, advice))
    note(f"written to {folder}")


def advised(found: Sequence[Compared]) -> Recommendation:
    """What the runs recommend; nothing if one is missing."""
    missing = [transport for transport in TRANSPORTS if transport not in [each.transport for each in found]]
    if missing:
        told = f"Cannot be said: {' and '.join(missing)} was not run to the end."
        return Recommendation(choice=None, advices=(), sentences=(told,))
    one, other = found
    return recommend(one.side, other.side)


def told(found: Sequence[Compared], advice: Recommendation) -> str:
    """For a terminal: the table of the runs, the searches, the recommendation."""
    knees = [f"{each.transport}\n{knee_table.text(each.knee)}\n" for each in found if each.knee is not None]
    return "\n".join([text([each.judged for each in found], by=_BY), "", *knees, *advice.sentences])


def summary(found: Sequence[Compared], advice: Recommendation) -> str:
    """`summary.md`: the same as tables that CI shows, with the advice need by need."""
    knees = [f"## {each.transport}\n\n{knee_table.markdown(each.knee)}" for each in found if each.knee is not None]
    sentences = [f"- {sentence}" for sentence in advice.sentences]
    table = markdown([each.judged for each in found], by=_BY)
    return "\n".join([table, *knees, "## Recommendation", "", *sentences, "", *_table(advice), ""])


def document(found: Sequence[Compared], advice: Recommendation) -> Mapping[str, Any]:
    """`side-by-side.json`."""
    return {
        "plan": {name: value for name, value in asdict(found[0].judged.plan).items() if name != _BY},
        "runs": [
            {
                "transport": each.transport,
                "valid": each.judged.valid.value,
                "figures": dict(each.figures),
                "confidence": {name: list(bounds) for name, bounds in each.sure.items()},
                "knee": None if each.knee is None else asdict(each.knee),
            }
            for each in found
        ],
        "advice": [
            {"need": each.need.words, "figure": each.need.figure, "values": dict(each.values), "take": each.choice}
            for each in advice.advices
        ],
        "recommended": advice.choice,
        "sentences": list(advice.sentences),
    }


def _table(advice: Recommendation) -> Iterator[str]:
    if not advice.advices:
        return
    yield "| what counts | take | figures |"
    yield "| --- | --- | --- |"
    for each in advice.advices:
        none = "no difference that counts" if each.known else "cannot be said"
        yield f"| {each.need.words} | {each.choice or none} | {each.told(each.choice or TRANSPORTS[0])} |"


def _plans(arguments: argparse.Namespace) -> Sequence[Plan]:
    """One for each transport; raises `UsageError` if they cannot be."""
    if not (isfinite(arguments.slo_ms) and arguments.slo_ms > 0):
        raise UsageError("--slo-ms is above 0")
    plans = [chosen_plan(argparse.Namespace(**vars(arguments), transport=each)) for each in TRANSPORTS]
    if arguments.ceiling:
        refuse_impossible(of_step(_step(plans[0]), _VARIED, RANGES[_VARIED][0]))
    return plans


def _compare(plan: Plan, folder: Path, arguments: argparse.Namespace, found: list[Compared]) -> None:
    """Run it, and search its knee if that is asked for: each is added to what was `found` as soon as it is there."""
    note(f"transport {plan.transport}")
    with fresh_stack(cadence=arguments.cadence) as stack:
        judged = run(plan, folder, stack)
    found.append(Compared(judged=judged, sure=_sure(folder)))
    if arguments.ceiling:
        found[-1] = replace(found[-1], knee=_knee(plan, folder / "knee", arguments))


def _knee(plan: Plan, folder: Path, arguments: argparse.Namespace) -> Knee:
    """Of the same writers and readers, raising what each writer says."""
    search = Search(least=RANGES[_VARIED][0], most=RANGES[_VARIED][1])
    with fresh_stack(cadence=arguments.cadence) as stack:
        return find_knee(search, _step(plan), stack, folder, vary=_VARIED, slo=arguments.slo_ms / 1000)


def _step(plan: Plan) -> Plan:
    """As `knee` has its steps: one short plateau, nobody comes and goes, and a backlog is waited for."""
    settle = max(plan.settle, SETTLE_S)
    return replace(plan, shape="plateau", generations=1, seconds=STEP_S, settle=settle, churners=0, storm=0)


def _ceiling(knee: Knee) -> float | None:
    """What was offered at the knee, in events per second; None if none was found that holds."""
    if not knee.found or knee.held is None or not knee.held.carried:
        return None
    return next(step.offered for step in knee.steps if step.carried and step.value == knee.knee)


def _sure(folder: Path) -> Mapping[str, tuple[float, float]]:
    """The intervals that the run has written; none of a run that was not judged, which is unknown for that."""
    return {name: (low, high) for name, (low, high) in result_of(folder).get("confidence", {}).items()}


def _write(folder: Path, found: Sequence[Compared], advice: Recommendation) -> None:
    runs = [each.judged for each in found]
    write_text(folder / FILE, json.dumps(document(found, advice), indent=2, ensure_ascii=False) + "\n")
    write_text(folder / "figures.csv", comma_separated(runs, by=_BY))
    write_text(folder / "summary.md", summary(found, advice))
    files = [folder / each.transport / "junit.xml" for each in found]
    write_text(folder / "junit.xml", junit_of([file.read_text(encoding="utf-8") for file in files if file.exists()]))
    knees = {each.transport: each.knee for each in found if each.knee is not None}
    judged = {folder / each.transport: each.judged for each in found}
    write_report(folder, judged, knees=knees, notes=advice.sentences, title="Load by transport")


def _parser() -> Parser:
    parser = Parser(
        prog="python -m load side-by-side",
        description="Offer the same load with postgres_changes and with broadcast from the database, and say which to "
        "take for what.",
        epilog="example:  python -m load side-by-side --writers 8 --seconds 60",
    )
    parser.add_argument(
        "--debounce",
        choices=(*DEBOUNCES, *OTHERS),
        default="off",
        help="debounce policy of the application (off: every event is a row and a delivery)",
    )
    parser.add_argument("--ceiling", action="store_true", help="search the knee of each, too: some minutes each")
    parser.add_argument(
        "--slo-ms", type=float, default=_SLO_MS, help=f"what the p99 of the delivery may be at the knee ({_SLO_MS:g})"
    )
    add_choices(parser, compared=_BY)
    add_numbers(parser)
    add_where(parser)
    return parser
