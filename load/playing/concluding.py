"""The end of a run as Locust's process has it: played, judged, told, and Locust let go.

Must be imported after gevent's monkey patch.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from locust.env import Environment

from harness.clock import SystemClock
from harness.errors import HarnessError
from harness.history.store import create_run_folder
from harness.output import note, result
from load.judging.judged import Judged, judge_run
from load.plan import Plan
from load.playing.stage import Abandoned
from load.telling.summary import text

Show = Callable[[Path, Judged], None]
"""Who else is told what a run came to, and in which folder it is."""


class Run(Protocol):
    """A run that can be played: by this process alone, or by its workers."""

    def play(self) -> None:
        """From everybody's coming to everybody's leaving; the parts of the history are whole when it returns.

        Raises `Abandoned`.
        """
        ...

    @property
    def header(self) -> Mapping[str, Any]:
        """What the header of the whole history says of the run; `troubles` is what was not as it should."""
        ...


def folder_of(options: Any, plan: Plan) -> Path:
    """Where the run is written: the folder that is named, or a new one; raises `HarnessError`."""
    if options.folder:
        return Path(options.folder)
    return create_run_folder(Path("runs"), "load", plan.seed, SystemClock().wall())


def play_and_judge(environment: Environment, run: Run, plan: Plan, folder: Path, *, show: Show) -> None:
    """The run, its judgement, which is told, shown and makes the exit code, and the end of the test."""
    try:
        run.play()
    except Abandoned as error:
        note(str(error))
        return
    try:
        judged = judge_run(folder, plan, run.header)
        show(folder, judged)
    except HarnessError as error:
        for trouble in (*run.header["troubles"], str(error)):
            note(trouble)
    else:
        environment.process_exit_code = judged.exit_code
        result(text([judged]))
        note(f"written to {folder}")
    runner = environment.runner
    assert runner is not None, "the test was started"
    runner.quit() if environment.web_ui is None else runner.stop()
