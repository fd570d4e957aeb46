"""Who takes part in a load run, as Locust's users. Must be imported after gevent's monkey patch.

They only live here: a Writer's events are said by the publishing process (`load.offering.publishing` says why), and
what a page does is decided by `load.reading.tab`.
"""

from collections.abc import Callable
from functools import wraps
from itertools import count
from random import Random
from typing import ClassVar, Protocol, TypeVar

import gevent  # type: ignore[import-untyped]
from gevent.event import Event  # type: ignore[import-untyped]
from locust import User, task
from locust.env import Environment
from locust.exception import StopUser

from harness.clock import SystemClock
from harness.errors import StackError, StoreError
from harness.pipeline.reader_status import Status
from load.offering.stamps import Report
from load.playing.generation import Generation
from load.playing.stage import Stage
from load.reading.wire import Wire

_CLOCK = SystemClock()
_STAYS_S = (2.0, 5.0)
_AWAY_S = (0.2, 1.0)


class Acting(Protocol):
    """A user of ours, as far as `once` needs it."""

    stage: ClassVar[Stage]
    environment: Environment


A = TypeVar("A", bound=Acting)


def once(act: Callable[[A], None]) -> Callable[[A], None]:
    """What a user does, and then it ends. One that crashes makes the run unknown; Locust would begin it again at once,
    as a user too many."""

    @wraps(act)
    def play(user: A) -> None:
        try:
            act(user)
        except Exception as error:
            user.stage.trouble(f"a {type(user).__name__} crashed: {type(error).__name__}: {error}")
            user.environment.events.user_error.fire(  # type: ignore[no-untyped-call]
                user_instance=user, exception=error, tb=error.__traceback__
            )
        raise StopUser

    return play


class Writer(User):
    """One article after another, said in an open loop: one `publish` for each insert, from when its event was due."""

    stage: ClassVar[Stage]

    @task
    @once
    def write(self) -> None:
        """Tell Locust of each insert, until the run is over."""
        number = self.stage.take("writers")
        for generation in self.stage.generations():
            for report in generation.published(generation.processes[number]):
                self._tell(report)

    def _tell(self, report: Report) -> None:
        if report["due"] is not None:
            error = None if report["type"] == "ok" else StoreError(f"the insert came out as {report['type']}")
            self.stage.tell("publish", report["event_type"], report["at"] - report["due"], error=error)


class Reader(User):
    """A tab of each article that stays: channels, recovery, reducer; one `deliver` for each event that it shows."""

    stage: ClassVar[Stage]

    @task
    @once
    def read(self) -> None:
        """Until the run is over."""
        number = self.stage.take("readers")
        for generation in self.stage.generations():
            _stay(generation, self.stage.page("reader", number, generation))


class Storm(User):
    """A tab on a machine that sleeps and wakes together with all others of its kind: one `wake` until it is live."""

    stage: ClassVar[Stage]

    @task
    @once
    def sleep_and_wake(self) -> None:
        """Open a page in the middle generation, lose its socket in the middle of that, come back, stay to its end."""
        number = self.stage.take("storm")
        for generation in self.stage.generations():
            if generation.storm:
                self._weather(generation, self.stage.page("storm", number, generation))

    def _weather(self, generation: Generation, wire: Wire) -> None:
        storm = gevent.spawn(self._break_loose, generation, wire)
        try:
            _stay(generation, wire)
        finally:
            storm.kill()
        storm.get()  # raises what it crashed of

    def _break_loose(self, generation: Generation, wire: Wire) -> None:
        generation.begun.wait()
        gevent.sleep(generation.until(self.stage.plan.middle))
        dropped = _CLOCK.now()
        wire.drop()
        while _shows_all(wire):  # it has not noticed yet
            gevent.sleep(0.001)
        while not _shows_all(wire):
            gevent.sleep(0.01)
        self.stage.tell("wake", "until live", _CLOCK.now() - dropped)


class Churner(User):
    """Comes, stays a while, loses its socket now and then, leaves, comes again: one `join` for each coming."""

    stage: ClassVar[Stage]

    @task
    @once
    def come_and_go(self) -> None:
        """One tab after another, each under a name of its own, until the run is over."""
        number = self.stage.take("churners") + 1
        chance = self.stage.chance(f"churner-{number}")
        visits = count(1)
        for generation in self.stage.generations():
            generation.begun.wait()
            while not generation.said.is_set():
                self._come(f"churner-{number}-{next(visits)}", generation, chance)
                generation.said.wait(chance.uniform(*_AWAY_S))

    def _come(self, name: str, generation: Generation, chance: Random) -> None:
        """One visit of any of the processes that are written here."""
        process = chance.choice(list(generation.processes.values()))
        wire = self.stage.wire(name, process, generation)
        generation.visits(name)
        page = gevent.spawn(wire.run)
        try:
            self._visit(wire, generation.said, stays=chance.uniform(*_STAYS_S), drops=chance.random() < 0.5)
            wire.close(leaves=True)
            page.get()  # raises what it crashed of
        finally:
            page.kill()
            generation.has_left(name)

    def _visit(self, wire: Wire, said: Event, *, stays: float, drops: bool) -> None:
        came = _CLOCK.now()
        while not _shows_all(wire) and not said.is_set():
            gevent.sleep(0.01)
        error = None if _shows_all(wire) else StackError("not live yet when all was said")
        self.stage.tell("join", "until live", _CLOCK.now() - came, error=error)
        if drops:
            said.wait(stays / 2)
            wire.drop()
        said.wait(stays / 2 if drops else stays)


def enter(stage: Stage) -> None:
    """Let the users that are spawned from now on take part in this run."""
    for user in (Writer, Reader, Storm, Churner):
        user.stage = stage


def _stay(generation: Generation, wire: Wire) -> None:
    generation.keep(wire)
    try:
        wire.run()
    finally:
        generation.let_go(wire)


def _shows_all(wire: Wire) -> bool:
    return wire.tab.status in (Status.LIVE, Status.ENDED)
