"""The entry for Locust: `locust -f load/locustfile.py --headless --env-file stack.env --debounce lossless`.

Adds our options, and lets this process play its role when a test starts: the whole run, that of the master, or that of
a worker. Exit codes are those of contract 2: 0, 1, and 2 where nothing can be said.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Final, Protocol, TypeVar

import gevent  # type: ignore[import-untyped]
from locust import events
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from harness.errors import HarnessError
from harness.output import note
from load.options import add_options, chosen_plan, chosen_stack
from load.playing.alone import Alone
from load.playing.concluding import UNKNOWN, Show, said
from load.playing.director import Director
from load.playing.dispatch import Dispatch
from load.playing.gathering import gather
from load.playing.player import Player
from load.playing.users import Churner, Reader, Storm, Writer
from load.telling.web import LOOPBACK, Pages, bind_loopback

__all__ = ["Churner", "Reader", "Storm", "Writer"]

T = TypeVar("T")

_SPAWN_RATE: Final = 100.0


class Role(Protocol):
    """What this process is in the run."""

    def start(self) -> None:
        """Before anybody is spawned; raises `HarnessError`."""
        ...

    def stop(self) -> None:
        """After everybody has gone, or at once."""
        ...


def on_parser(parser: Any, **_: Any) -> None:
    add_options(parser)
    bind_loopback(parser)
    parser.set_defaults(master_bind_host=LOOPBACK)


def on_init(environment: Environment, **_: Any) -> None:
    """As many users as the plan has, unless the command line says otherwise."""
    options = environment.parsed_options
    assert options is not None, "Locust was started from its command line"
    plan = _or_quit(lambda: chosen_plan(options))
    environment.process_exit_code = UNKNOWN  # until the run has been judged
    options.num_users = options.num_users or plan.users
    options.spawn_rate = options.spawn_rate or _SPAWN_RATE
    pages = Pages()
    pages.extend(environment)
    role = _or_quit(lambda: _role(environment, options, show=pages.show))
    environment.events.test_start.add_listener(lambda **_: _start(environment, role))  # type: ignore[no-untyped-call]
    environment.events.test_stop.add_listener(lambda **_: role.stop())  # type: ignore[no-untyped-call]
    if isinstance(environment.runner, MasterRunner) and options.headless:
        _or_quit(partial(gather, environment.runner, options))


def _role(environment: Environment, options: Any, *, show: Show) -> Role:
    match environment.runner:
        case WorkerRunner() as runner:
            stack = chosen_stack(options)
            return Player(environment, runner, stack, folder=options.folder, stack_pid=options.stack_pid)
        case MasterRunner() as runner:
            director = Director(environment, runner, options, show=show)
            _dispatch(environment, director.counts)
            return director
        case _:
            alone = Alone(environment, options, show=show)
            _dispatch(environment, alone.counts)
            return alone


def _dispatch(environment: Environment, counts: Callable[[], Any]) -> None:
    environment.dispatcher_class = lambda **_: Dispatch(counts, sleep=gevent.sleep)  # type: ignore[assignment]


def _start(environment: Environment, role: Role) -> None:
    """Where it cannot be done, say why and end Locust; behind a web UI only the run, and another may follow."""
    try:
        role.start()
    except Exception as error:  # Locust would log it, and go on with users that have nothing to do
        note(said(error))
        environment.process_exit_code = code = error.exit_code if isinstance(error, HarnessError) else UNKNOWN
        runner = environment.runner
        assert runner is not None, "it has fired the event"
        if environment.web_ui is not None:
            gevent.spawn(runner.stop)  # it cannot stop what calls us, which ends here
            raise gevent.GreenletExit from error
        if isinstance(runner, MasterRunner):
            runner.quit()  # the workers too
        raise SystemExit(code) from error


def _or_quit(what: Callable[[], T]) -> T:
    """What it gives; wrong usage and stacks that are not there end Locust with one sentence."""
    try:
        return what()
    except HarnessError as error:
        note(str(error))
        raise SystemExit(error.exit_code) from error


events.init_command_line_parser.add_listener(on_parser)  # type: ignore[no-untyped-call]
events.init.add_listener(on_init)  # type: ignore[no-untyped-call]
