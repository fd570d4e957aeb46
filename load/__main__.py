"""`python -m load` (`make load`): the same load under each debounce policy, each on a fresh stack, in one table.

Exit code 0 if what thresholds.toml expects is what was found, 1 if not, 2 if that cannot be said, 130 if interrupted.
"""

import argparse
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

from harness.clock import SystemClock
from harness.errors import HarnessError
from harness.history.store import create_run_folder, write_text
from harness.output import note, result
from load.judging import Judged, judged_before
from load.plan import DEBOUNCES, OTHERS, Plan
from load.stack import fresh_stack
from load.telling import comma_separated, junit_of, markdown, text

_LOCUSTFILE: Final = Path(__file__).parent / "locustfile.py"
_ROOT: Final = _LOCUSTFILE.parent.parent
_INTERRUPTED: Final = 130
_SIZE: Final = Plan()
"""What `make load` offers: three minutes for all policies on two cores."""


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    chosen = {name: value for name, value in vars(arguments).items() if name in asdict(_SIZE)}
    try:
        folder = create_run_folder(arguments.runs, "load", arguments.seed, SystemClock().wall())
        runs = [
            _run(Plan(**{**chosen, "debounce": debounce}), folder / debounce, cadence=arguments.cadence)
            for debounce in arguments.debounce
        ]
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m load",
        description="Offer the same load under several debounce policies, and say what each has lost and cost.",
        epilog="example:  python -m load --debounce off lossless --writers 8 --seconds 60",
    )
    parser.add_argument(
        "--debounce", nargs="+", choices=(*DEBOUNCES, *OTHERS), default=list(DEBOUNCES), help="the policies to compare"
    )
    for name, value in asdict(replace(_SIZE)).items():
        if name != "debounce":
            kind = type(value)
            parser.add_argument(f"--{name.replace('_', '-')}", type=kind, default=value, help=f"{value:g}")
    parser.add_argument("--cadence", choices=("real", "instant"), default="real", help="of the engine (real)")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where the run folder is made (runs)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
