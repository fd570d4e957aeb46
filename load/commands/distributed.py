"""`python -m load distributed`: one load on a fresh stack, played by several Locust processes of this machine.

To try with one command what `docs/load.md` says of several machines.
"""

import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from harness.arguments import Parser
from harness.errors import UsageError
from harness.history.store import write_text
from harness.output import note, result
from load.commands.running import LOCUSTFILE, ROOT, locust, new_folder
from load.commands.stack import LoadedStack, fresh_stack
from load.judging.judged import Judged, judged_before
from load.options import add_choices, add_numbers, add_where, chosen_plan
from load.plan import DEBOUNCES, OTHERS, OWN, Plan
from load.telling.summary import comma_separated, markdown, text

_HERE: Final = "127.0.0.1"
_GATHER_S: Final = 30
_GOODBYE_S: Final = 15.0


def main(argv: Sequence[str]) -> int:
    """Run, tell and write it; the exit code. Raises `HarnessError`."""
    arguments = _parser().parse_args(argv)
    plan = chosen_plan(arguments)
    if not 1 <= arguments.workers <= plan.writers:
        raise UsageError(f"--workers is from 1 to --writers ({plan.writers}): each worker has writers of its own")
    folder = new_folder(arguments.runs, "load", plan)
    note(f"load: {plan.told}, by {arguments.workers} workers")
    with fresh_stack(cadence=arguments.cadence) as stack:
        judged = run(plan, folder, stack, workers=arguments.workers)
    write_text(folder / "figures.csv", comma_separated([judged]))
    write_text(folder / "summary.md", markdown([judged]))
    result(text([judged]))
    note(f"written to {folder}")
    return judged.exit_code


def run(plan: Plan, folder: Path, stack: LoadedStack, *, workers: int) -> Judged:
    """As `running.run`, by so many workers; `folder` is there. The master's exit code is that of what it has judged."""
    port = free_port()
    with ExitStack() as all_:
        command = master(plan, folder, stack, port=port, workers=workers)
        mastering = all_.enter_context(_process(command, folder / "locust.log"))
        for number in range(1, workers + 1):
            # What the stack uses of the machine is measured once.
            measures = [f"--stack-pid={stack.pid}"] if number == 1 else []
            log = folder / f"locust-worker-{number}.log"
            all_.enter_context(_process([*worker(stack, port=port), *measures], log))
        mastering.wait()
    return judged_before(folder, plan)


def master(plan: Plan, folder: Path, stack: LoadedStack, *, port: int, workers: int) -> Sequence[str]:
    """The command line of a master that listens to this machine only."""
    return [
        *locust(plan, folder.resolve(), stack),
        "--master",
        f"--master-bind-host={_HERE}",
        f"--master-bind-port={port}",
        f"--expect-workers={workers}",
        f"--expect-workers-max-wait={_GATHER_S}",
    ]


def worker(stack: LoadedStack, *, port: int) -> Sequence[str]:
    """That of one of its workers."""
    return [
        sys.executable,
        "-m",
        "locust",
        f"--locustfile={LOCUSTFILE}",
        "--worker",
        f"--master-host={_HERE}",
        f"--master-port={port}",
        f"--env-file={stack.file}",
    ]


@contextmanager
def _process(command: Sequence[str], log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """It is ended, if it has not, when the block is left."""
    with log.open("w", encoding="utf-8") as file:
        process = subprocess.Popen(command, cwd=ROOT, stdout=file, stderr=file)
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(timeout=_GOODBYE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as found:
        found.bind((_HERE, 0))
        port: int = found.getsockname()[1]
        return port


def _parser() -> Parser:
    parser = Parser(
        prog="python -m load distributed",
        description="Offer a load by several Locust processes of this machine, and judge what all of them saw as one.",
        epilog="example:  python -m load distributed --workers 2 --writers 4 --seconds 10",
    )
    parser.add_argument("--workers", type=int, default=2, help="Locust processes beside the master (2)")
    parser.add_argument("--debounce", choices=(OWN, *DEBOUNCES, *OTHERS), default=OWN, help="debounce policy (own)")
    add_choices(parser)
    add_numbers(parser)
    add_where(parser)
    return parser
