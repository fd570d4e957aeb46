"""Who takes part in a load run, as Locust's users. Must be imported after gevent's monkey patch.

They only live here: a Writer's events are said by the publishing process (load/publishing.py says why), and what a page
does is decided by `load.tab`.
"""

from random import Random
from typing import ClassVar

import gevent  # type: ignore[import-untyped]
from locust import User, task
from locust.exception import StopUser

from harness.clock import SystemClock
from harness.errors import StoreError
from harness.pipeline.reader_status import Status
from load.stage import Stage
from load.wire import Wire

_CLOCK = SystemClock()
_STAYS_S = (2.0, 5.0)
_AWAY_S = (0.2, 1.0)


class Writer(User):
    """One generation, said in an open loop: one `publish` for each insert, from when its event was due."""

    stage: ClassVar[Stage]

    @task
    def write(self) -> None:
        """Tell Locust of each insert, until the run is over."""
        process = self.stage.process(self.stage.number("writer"))
        for report in self.stage.published(process):
            if report["due"] is None:
                continue
            error = None if report["type"] == "ok" else StoreError(f"the insert came out as {report['type']}")
            self.stage.tell("publish", report["event_type"], report["at"] - report["due"], error=error)
        raise StopUser


class Reader(User):
    """A tab that stays: two channels, recovery, reducer; one `deliver` for each event that it shows."""

    stage: ClassVar[Stage]

    @task
    def read(self) -> None:
        """Until the run is over."""
        number = self.stage.number("reader")
        _stay(self.stage, self.stage.wire(f"reader-{number}", self.stage.process(number)))
        raise StopUser


class Storm(User):
    """A tab on a machine that sleeps and wakes together with all others of its kind: one `wake` until it is live."""

    stage: ClassVar[Stage]

    @task
    def sleep_and_wake(self) -> None:
        """Lose the socket in the middle of the run, come back, stay until the run is over."""
        number = self.stage.number("storm")
        wire = self.stage.wire(f"storm-{number}", self.stage.process(number))
        storm = gevent.spawn(self._break_loose, wire)
        try:
            _stay(self.stage, wire)
        finally:
            storm.kill()
        raise StopUser

    def _break_loose(self, wire: Wire) -> None:
        self.stage.begun.wait()
        gevent.sleep(self.stage.until(self.stage.plan.middle))
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
    def come_and_go(self) -> None:
        """One tab after another, each under a name of its own, until the run is over."""
        number = self.stage.number("churner")
        chance = self.stage.chance(f"churner-{number}")
        self.stage.begun.wait()
        visit = 0
        while not self.stage.said.is_set():
            visit += 1
            self._come(f"churner-{number}-{visit}", chance)
            self.stage.said.wait(chance.uniform(*_AWAY_S))
        raise StopUser

    def _come(self, name: str, chance: Random) -> None:
        """One visit of any of the processes."""
        wire = self.stage.wire(name, self.stage.process(chance.randrange(1, 1 << 30)))
        self.stage.visits(name)
        page = gevent.spawn(wire.run)
        try:
            self._visit(wire, stays=chance.uniform(*_STAYS_S), drops=chance.random() < 0.5)
            wire.close(leaves=True)
            page.join()
        finally:
            page.kill()
            self.stage.has_left(name)

    def _visit(self, wire: Wire, *, stays: float, drops: bool) -> None:
        came = _CLOCK.now()
        while not _shows_all(wire) and not self.stage.said.is_set():
            gevent.sleep(0.01)
        self.stage.tell("join", "until live", _CLOCK.now() - came)
        if drops:
            self.stage.said.wait(stays / 2)
            wire.drop()
        self.stage.said.wait(stays / 2 if drops else stays)


def _stay(stage: Stage, wire: Wire) -> None:
    stage.keep(wire)
    wire.run()


def _shows_all(wire: Wire) -> bool:
    return wire.tab.status in (Status.LIVE, Status.ENDED)
