"""`python -m load [compare]`: the same load under each debounce policy, each on a fresh stack, in one table."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from harness.arguments import Parser
from harness.history.store import write_text
from harness.output import note, result
from load.commands.running import new_folder, run
from load.commands.stack import fresh_stack
from load.judging.judged import Judged
from load.options import add_choices, add_numbers, add_where, chosen_plan
from load.plan import APPS, AS_SPECIFIED, DEBOUNCES, OTHERS, Plan
from load.telling.reporting import write_report
from load.telling.summary import comma_separated, junit_of, markdown, text


def main(argv: Sequence[str]) -> int:
    """Run, tell and write the comparison; the exit code. Raises `HarnessError`."""
    arguments = _parser().parse_args(argv)
    plans = _plans(arguments)
    folder = new_folder(arguments.runs, "load", plans[0])
    runs: list[Judged] = []
    try:
        for plan in plans:
            # One by one: those before the one that fails are told.
            runs.append(_on_fresh_stack(plan, folder / plan.debounce, cadence=arguments.cadence))  # noqa: PERF401
    finally:
        if runs:
            _tell(folder, runs, missing=[plan.debounce for plan in plans[len(runs) :]])
    return max(run.exit_code for run in runs)


def _tell(folder: Path, runs: Sequence[Judged], *, missing: Sequence[str]) -> None:
    """What there is, also where the comparison was ended before all was run."""
    _write(folder, runs, [f"Not run to the end: {', '.join(missing)}."] if missing else [])
    result(text(runs))
    note(f"written to {folder}" + (f", without {', '.join(missing)}" if missing else ""))


def _plans(arguments: argparse.Namespace) -> Sequence[Plan]:
    """One for each policy, named once; raises `UsageError` if they cannot be."""
    able = APPS[AS_SPECIFIED] if arguments.app == AS_SPECIFIED else DEBOUNCES
    return [
        chosen_plan(argparse.Namespace(**{**vars(arguments), "debounce": debounce}))
        for debounce in dict.fromkeys(arguments.debounce or able)
    ]


def _on_fresh_stack(plan: Plan, folder: Path, *, cadence: str) -> Judged:
    with fresh_stack(cadence=cadence) as stack:
        return run(plan, folder, stack)


def _write(folder: Path, runs: Sequence[Judged], notes: Sequence[str]) -> None:
    write_text(folder / "figures.csv", comma_separated(runs))
    write_text(folder / "summary.md", markdown(runs))
    files = [folder / run.plan.debounce / "junit.xml" for run in runs]
    write_text(folder / "junit.xml", junit_of([file.read_text(encoding="utf-8") for file in files if file.exists()]))
    judged = {folder / run.plan.debounce: run for run in runs}
    write_report(folder, judged, notes=notes, title="Load by debounce policy")


def _parser() -> Parser:
    parser = Parser(
        prog="python -m load",
        description="Offer the same load under several debounce policies, and say what each has lost and cost.",
        epilog="example:  python -m load --debounce off lossless --writers 8 --seconds 60",
    )
    parser.add_argument(
        "--debounce",
        nargs="+",
        choices=(*DEBOUNCES, *OTHERS),
        help=f"the policies to compare ({' '.join(DEBOUNCES)}; for --app as-specified its own and off)",
    )
    add_choices(parser)
    add_numbers(parser)
    add_where(parser)
    return parser
