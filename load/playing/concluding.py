"""The end of a run as Locust's process has it: played, judged, told, and Locust let go.

Must be imported after gevent's monkey patch.
"""

import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

from locust.env import Environment

from harness.clock import SystemClock
from harness.errors import HarnessError, UsageError
from harness.history.store import create_run_folder
from harness.output import note, result
from load.judging.judged import Judged, judge_run
from load.plan import Plan
from load.playing.stage import PARTS, Abandoned
from load.telling.summary import text

UNKNOWN: Final = 2
"""The exit code where nothing can be said."""

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
    """Where the run is written: the folder that is named, or a new one; raises `HarnessError`.

    Behind a web UI one run may follow another: each then has a folder of its own in the one that is named.
    """
    if not options.folder or not options.headless:
        return create_run_folder(Path(options.folder or "runs"), "load", plan.seed, SystemClock().wall())
    folder = Path(options.folder)
    if (folder / PARTS).exists():
        raise UsageError(f"--folder {folder} holds a run already ({PARTS}/): give one that does not")
    return folder


def play_and_judge(environment: Environment, run: Run, plan: Plan, folder: Path, *, show: Show) -> None:
    """The run, its judgement, which is told, shown and makes the exit code, and the end of the test.

    The test ends whatever goes wrong here; only where the run was ended from outside that has been seen to.
    """
    ours_to_end = True
    try:
        run.play()
        environment.process_exit_code = _judged(run, plan, folder, show)
    except Abandoned as error:
        ours_to_end = False
        note(str(error))
    except Exception as error:  # a full disk, a page that cannot be made: Locust would go on for ever
        environment.process_exit_code = UNKNOWN
        for trouble in (*run.header["troubles"], said(error)):
            note(trouble)
    finally:
        if ours_to_end:
            _end(environment)


def said(error: Exception) -> str:
    """Ours are one sentence; of any other it must be seen where it comes from."""
    return str(error) if isinstance(error, HarnessError) else "".join(traceback.format_exception(error)).rstrip()


def _judged(run: Run, plan: Plan, folder: Path, show: Show) -> int:
    """The exit code."""
    judged = judge_run(folder, plan, run.header)
    show(folder, judged)
    result(text([judged]))
    note(f"written to {folder}")
    return judged.exit_code


def _end(environment: Environment) -> None:
    runner = environment.runner
    assert runner is not None, "the test was started"
    runner.quit() if environment.web_ui is None else runner.stop()
