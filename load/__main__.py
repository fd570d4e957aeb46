"""`python -m load` (`make load`): the same load under each debounce policy, each on a fresh stack, in one table.

Exit code 0 if what thresholds.toml expects is what was found, 1 if not, 2 if that cannot be said, 64 for wrong usage,
told before any stack comes up, 130 if interrupted.
"""

import argparse
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from harness.arguments import Parser
from harness.clock import SystemClock
from harness.errors import HarnessError
from harness.history.store import create_run_folder, write_text
from harness.output import note, result
from harness.signals import ENDING
from load.judging import Judged, judged_before
from load.options import add_numbers, chosen_plan
from load.plan import DEBOUNCES, OTHERS, Plan
from load.stack import fresh_stack
from load.telling import comma_separated, junit_of, markdown, text

_LOCUSTFILE: Final = Path(__file__).parent / "locustfile.py"
_ROOT: Final = _LOCUSTFILE.parent.parent
_INTERRUPTED: Final = 130


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    try:
        plans = _plans(arguments)
        folder = create_run_folder(arguments.runs, "load", arguments.seed, SystemClock().wall())
        runs = [_run(plan, folder / plan.debounce, cadence=arguments.cadence) for plan in plans]
        _write(folder, runs)
    except HarnessError as error:
        note(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        note("interrupted")
        return _INTERRUPTED
    result(text(runs))
    note(f"written to {folder}")
    return max((run.exit_code for run in runs), default=2)


def interrupt_on_signals() -> None:
    """What ends us from outside takes everything down, as Ctrl-C does: stack and Locust are processes of their own.

    SIGINT too, as a shell has it ignored in what it starts with `&`. A SIGHUP that is ignored (nohup) stays so.
    """
    for number in ENDING:
        if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)


def _interrupt(*_: object) -> None:
    """Once: a second signal must not cut the taking down short."""
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _plans(arguments: argparse.Namespace) -> Sequence[Plan]:
    """One for each policy, named once; raises `UsageError` if they cannot be."""
    return [
        chosen_plan(argparse.Namespace(**{**vars(arguments), "debounce": debounce}))
        for debounce in dict.fromkeys(arguments.debounce)
    ]


def _run(plan: Plan, folder: Path, *, cadence: str) -> Judged:
    """One policy: a stack, Locust against it, and what was judged."""
    note(f"load: debounce {plan.debounce}, {plan.seconds:g} s")
    folder.mkdir(parents=True)
    with fresh_stack(cadence=cadence) as stack, (folder / "locust.log").open("w", encoding="utf-8") as log:
        subprocess.run(_locust(plan, folder.resolve(), stack), cwd=_ROOT, stdout=log, stderr=log, check=False)
    return judged_before(folder, plan)


def _locust(plan: Plan, folder: Path, stack: Path) -> Sequence[str]:
    """Its command line: a process of its own keeps gevent's monkey patch away from everything else."""
    offered: Mapping[str, Any] = asdict(plan)
    options = [f"--{name.replace('_', '-')}={value}" for name, value in offered.items()]
    told = [f"--env-file={stack}", f"--folder={folder}", f"--html={folder}/locust.html", f"--csv={folder}/locust"]
    return [
        sys.executable,
        "-m",
        "locust",
        f"--locustfile={_LOCUSTFILE}",
        "--headless",
        "--only-summary",
        *told,
        *options,
    ]


def _write(folder: Path, runs: Sequence[Judged]) -> None:
    write_text(folder / "figures.csv", comma_separated(runs))
    write_text(folder / "summary.md", markdown(runs))
    files = [folder / run.plan.debounce / "junit.xml" for run in runs]
    write_text(folder / "junit.xml", junit_of([file.read_text(encoding="utf-8") for file in files if file.exists()]))


def _parser() -> Parser:
    parser = Parser(
        prog="python -m load",
        description="Offer the same load under several debounce policies, and say what each has lost and cost.",
        epilog="example:  python -m load --debounce off lossless --writers 8 --seconds 60",
    )
    parser.add_argument(
        "--debounce", nargs="+", choices=(*DEBOUNCES, *OTHERS), default=list(DEBOUNCES), help="the policies to compare"
    )
    add_numbers(parser)
    parser.add_argument(
        "--cadence",
        choices=("real", "instant"),
        default="real",
        help="look for changes as the real server does (the default), or at once",
    )
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where the run folder is made (runs)")
    return parser


if __name__ == "__main__":
    interrupt_on_signals()
    sys.exit(main())
