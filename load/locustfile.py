"""The entry for Locust: `locust -f load/locustfile.py --headless --env-file stack.env --debounce lossless`.

Adds our options, prepares the stage when a test starts, plays it, judges what was recorded, and ends. Exit codes are
those of contract 2: 0, 1, and 2 where nothing can be said.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import gevent  # type: ignore[import-untyped]
from locust import events
from locust.env import Environment

from harness.clock import SystemClock
from harness.errors import HarnessError
from harness.history.store import create_run_folder
from harness.output import note, result
from load.judging import judge_run
from load.options import add_options, chosen_plan, chosen_stack
from load.stage import Stage
from load.telling import text
from load.users import Churner, Reader, Storm, Writer

__all__ = ["Churner", "Reader", "Storm", "Writer"]

T = TypeVar("T")

_UNKNOWN: Final = 2
_SPAWN_RATE: Final = 100.0
_USERS: Final[tuple[type[Writer | Reader | Storm | Churner], ...]] = (Writer, Reader, Storm, Churner)


def on_parser(parser: Any, **_: Any) -> None:
    add_options(parser)


def on_init(environment: Environment, **_: Any) -> None:
    """As many users as the plan has, unless the command line says otherwise."""
    options = environment.parsed_options
    assert options is not None, "Locust was started from its command line"
    plan = _or_quit(lambda: chosen_plan(options))
    environment.process_exit_code = _UNKNOWN  # until the run has been judged
    options.num_users = options.num_users or plan.users
    options.spawn_rate = options.spawn_rate or _SPAWN_RATE


def on_start(environment: Environment, **_: Any) -> None:
    """Prepare before anybody is spawned, then play the run beside the users."""
    options = environment.parsed_options
    assert options is not None, "Locust was started from its command line"
    plan, stack = _or_quit(lambda: (chosen_plan(options), chosen_stack(options)))
    folder = (
        Path(options.folder)
        if options.folder
        else create_run_folder(Path("runs"), "load", plan.seed, SystemClock().wall())
    )
    stage = Stage(environment, plan, stack, folder)
    counts = (plan.writers, plan.writers * plan.readers, plan.storm, plan.churners)
    for user, count in zip(_USERS, counts, strict=True):
        user.stage, user.fixed_count, user.weight = stage, count, 0 if count == 0 else 1
    _or_quit(stage.prepare)
    gevent.spawn(_play, environment, stage, folder)


def on_stop(**_: Any) -> None:
    Writer.stage.abandon()


def _play(environment: Environment, stage: Stage, folder: Path) -> None:
    """The run, its judgement, and the end of the test."""
    try:
        stage.play()
        judged = judge_run(folder, stage.plan, stage.header)
    except HarnessError as error:
        note(str(error))
    else:
        environment.process_exit_code = judged.exit_code
        result(text([judged]))
        note(f"written to {folder}")
    runner = environment.runner
    assert runner is not None, "the test was started"
    runner.quit() if environment.web_ui is None else runner.stop()


def _or_quit(what: Callable[[], T]) -> T:
    """What it gives; wrong usage and stacks that are not there end Locust with one sentence."""
    try:
        return what()
    except HarnessError as error:
        note(str(error))
        raise SystemExit(error.exit_code) from error


for hook, listener in (
    (events.init_command_line_parser, on_parser),
    (events.init, on_init),
    (events.test_start, on_start),
    (events.test_stop, on_stop),
):
    hook.add_listener(listener)  # type: ignore[no-untyped-call]
