"""One load run from outside: Locust in a process of its own against a stack, and what it judged."""

import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from harness.clock import SystemClock
from harness.history.store import create_run_folder
from harness.output import note
from harness.signals import ENDING
from load.commands.descriptors import make_room
from load.commands.stack import LoadedStack
from load.judging.judged import Judged, judged_before
from load.plan import Plan

LOCUSTFILE: Final = Path(__file__).parent.parent / "locustfile.py"
ROOT: Final = LOCUSTFILE.parent.parent


def new_folder(runs: Path, name: str, plan: Plan) -> Path:
    """A folder for what a command writes, once there is room for the sockets of its greatest plan, before any stack is
    up: stack and Locust inherit it. Raises `UsageError` where the system does not allow so many, `HistoryError`."""
    make_room(plan)
    return create_run_folder(runs, name, plan.seed, SystemClock().wall())


def run(plan: Plan, folder: Path, stack: LoadedStack) -> Judged:
    """Offer the plan to the stack; everything that is known of the run is written to `folder`, which is made."""
    note(f"load: {plan.told}")
    folder.mkdir(parents=True)
    with (folder / "locust.log").open("w", encoding="utf-8") as log:
        subprocess.run(locust(plan, folder.resolve(), stack), cwd=ROOT, stdout=log, stderr=log, check=False)
    return judged_before(folder, plan)


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


def locust(plan: Plan, folder: Path, stack: LoadedStack) -> Sequence[str]:
    """Locust's command line: a process of its own keeps gevent's monkey patch away from everything else."""
    offered: Mapping[str, Any] = asdict(plan)
    options = [f"--{name.replace('_', '-')}={value}" for name, value in offered.items()]
    told = [
        f"--env-file={stack.file}",
        f"--stack-pid={stack.pid}",
        f"--folder={folder}",
        f"--html={folder}/locust.html",
        f"--csv={folder}/locust",
    ]
    return [
        sys.executable,
        "-m",
        "locust",
        f"--locustfile={LOCUSTFILE}",
        "--headless",
        "--only-summary",
        *told,
        *options,
    ]
