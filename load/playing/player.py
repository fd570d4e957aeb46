"""`Player`: a worker of several: plays its share when the master asks for it, and hands its part of the history over.

Must be imported after gevent's monkey patch.
"""

import os
import socket
import tempfile
from pathlib import Path
from typing import Final

import gevent  # type: ignore[import-untyped]
from gevent.event import AsyncResult, Event  # type: ignore[import-untyped]
from locust import runners
from locust.env import Environment as Locust
from locust.runners import WorkerRunner

from harness.backends.environment import Environment
from harness.clock import SystemClock
from harness.history.store import create_run_folder
from harness.output import note
from load.offering.share import Share
from load.plan import Plan
from load.playing.calls import Answers, Told
from load.playing.parts import piece
from load.playing.stage import PARTS, Abandoned, Stage
from load.playing.users import enter

_CLOCK: Final = SystemClock()
_MASTER_S: Final = 15
_JUDGING_S: Final = 600
"""After so long without a heartbeat of the master a worker ends: while it plays, and from when the master has its
parts until the next run, as a master that judges answers nobody. Before the first run it is Locust's minute."""


class Barrier:
    """Where this worker's stage waits until the master says when a generation begins."""

    def __init__(self) -> None:
        self._here = Event()
        self._left = False
        self._begins = AsyncResult()

    def wait(self) -> float:
        """For the stage, when all are ready here: the second of the run at which to begin."""
        self._here.set()
        at: float = self._begins.get()
        return at

    def here(self) -> None:
        """For the master: return when the stage waits, or will not wait any more."""
        self._here.wait()

    def begin(self, at: float) -> None:
        """For the master: let the stage go on."""
        begins, self._begins = self._begins, AsyncResult()
        if not self._left:
            self._here.clear()
        begins.set(at)

    def leave(self) -> None:
        """The stage has ended, and never comes here again."""
        self._left = True
        self._here.set()


class Player:
    """One worker. `stack` is how it reaches the stack; what it writes goes to a new folder in `folder`, or to one that
    goes with the run. Its exit code is 0 once it has played to the end and handed over what it wrote."""

    def __init__(
        self, locust: Locust, runner: WorkerRunner, stack: Environment, *, folder: str | None, stack_pid: int | None
    ) -> None:
        self._locust = locust
        self._stack = stack
        self._folder = folder
        self._stack_pid = stack_pid
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._stage: Stage | None = None
        self._parts = Path()
        self._barrier = Barrier()
        self._playing = gevent.Greenlet()
        table = {
            "ping": self._ping,
            "prepare": self._prepare,
            "ready": self._ready,
            "begin": self._begin,
            "over": self._over,
            "piece": self._piece,
            "done": self._done,
        }
        self._answers = Answers(runner, table)

    def start(self) -> None:
        """Users come now. All else is done when the master asks for it."""

    def stop(self) -> None:
        """End at once what is still going on."""
        if self._stage is not None:
            self._stage.abandon()
        if self._temporary is not None:
            self._temporary.cleanup()
            self._temporary = None

    def _ping(self, told: Told) -> Told:
        return {"at": _CLOCK.now(), "wall": _CLOCK.wall().timestamp()}

    def _prepare(self, told: Told) -> Told:
        """Everything up to the coming of the users; who this is."""
        runners.MASTER_HEARTBEAT_TIMEOUT = _MASTER_S
        self.stop()  # a run for which another worker could not prepare
        plan, share = Plan(**told["plan"]), Share(**told["share"])
        note(f"this is worker {share.worker + 1} of {share.workers}")
        folder = self._new_folder(plan)
        self._parts = folder / PARTS
        self._barrier = Barrier()
        self._stage = Stage(
            self._locust,
            plan,
            self._stack,
            folder,
            stack_pid=self._stack_pid,
            share=share,
            began=told["began"],
            begins=self._barrier.wait,
        )
        enter(self._stage)
        self._stage.prepare()
        self._playing = gevent.spawn(self._play, self._stage, self._barrier)
        return {"host": socket.gethostname(), "process": os.getpid()}

    def _ready(self, told: Told) -> Told:
        """When this worker's pages of the next generation show everything."""
        self._barrier.here()
        return {}

    def _begin(self, told: Told) -> Told:
        """The next generation begins at this second of the run."""
        self._barrier.begin(told["at"])
        return {}

    def _over(self, told: Told) -> Told:
        """When all is said and seen and the parts of the history are whole: which they are."""
        assert self._stage is not None, "it is prepared first"
        self._playing.get()
        return {"troubles": self._stage.troubles, "parts": sorted(part.name for part in self._parts.glob("*.jsonl"))}

    def _piece(self, told: Told) -> Told:
        """A piece of a part: `load.playing.parts`."""
        found = piece(self._parts / Path(told["part"]).name, told["offset"])
        return {"data": found.data, "next": found.next}

    def _done(self, told: Told) -> Told:
        """The master has all parts, and judges now."""
        assert self._stage is not None, "it is prepared first"
        runners.MASTER_HEARTBEAT_TIMEOUT = _JUDGING_S
        if not self._stage.troubles:
            self._locust.process_exit_code = 0
        return {}

    def _new_folder(self, plan: Plan) -> Path:
        """One for each run: the parts of an earlier one must not be handed over."""
        if self._folder is not None:
            return create_run_folder(Path(self._folder), "load", plan.seed, _CLOCK.wall())
        self._temporary = tempfile.TemporaryDirectory(prefix="rh-load-worker-")
        return Path(self._temporary.name)

    @staticmethod
    def _play(stage: Stage, barrier: Barrier) -> None:
        try:
            stage.play()
        except Abandoned as error:
            stage.trouble(str(error))
        finally:
            barrier.leave()
