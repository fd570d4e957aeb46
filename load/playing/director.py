"""`Director`: the master of several workers: deals out the plan, has it played at once everywhere, and gathers the
parts of the history.

Must be imported after gevent's monkey patch. What passes between master and worker is in `load.playing.calls`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import gevent  # type: ignore[import-untyped]
from locust.env import Environment as Locust
from locust.runners import MasterRunner

from harness.backends.environment import Environment
from harness.clock import SystemClock
from harness.errors import StackError, UsageError
from load.offering.share import Cast, Share
from load.options import chosen_plan
from load.plan import Plan
from load.playing.calls import Calls, Told, WorkerLost
from load.playing.clock_offset import PINGS, ClockOffset, Ping
from load.playing.concluding import Show, folder_of, play_and_judge
from load.playing.dispatch import Counts
from load.playing.parts import append
from load.playing.stage import LEAD_S, PARTS, Abandoned

_CLOCK: Final = SystemClock()
_AGAIN_S: Final = 1.0
_JUDGING_S: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """One that takes part: its `share`, and how far its clock is from ours."""

    id: str
    share: Share
    offset: ClockOffset
    host: str
    process: int

    @property
    def told(self) -> str:
        return f"worker {self.share.worker + 1} ({self.host}, process {self.process})"


class Director:
    """The master's side of one run after another. No worker is waited for that is lost: the run is then unknown."""

    def __init__(self, locust: Locust, runner: MasterRunner, options: Any, *, show: Show) -> None:
        self._locust = locust
        self._runner = runner
        self._options = options
        self._show = show
        _forget_stack(options)
        self._calls = Calls(runner)
        self._playing = gevent.Greenlet()
        self._workers: Sequence[Worker] = ()
        self._begin: float | None = None
        self._reset(Plan(), Path())

    def start(self) -> None:
        """Have everything prepared before anybody is spawned, then play; raises `HarnessError`."""
        plan = chosen_plan(self._options)
        self._reset(plan, folder_of(self._options, plan))
        (self._folder / PARTS).mkdir(parents=True)
        self._workers = self._prepared(self._present())
        self._playing = gevent.spawn(play_and_judge, self._locust, self, plan, self._folder, show=self._show)

    def stop(self) -> None:
        """The workers are ended by Locust; where none is left, there is still to be said why."""
        if not self._playing or gevent.getcurrent() is self._playing:
            return
        if any(self._calls.lives(worker.id) for worker in self._living()):
            self._abandoned = True
        else:
            self._playing.join(timeout=_JUDGING_S)

    def counts(self) -> Counts:
        """Whom Locust is to spawn where."""
        return {worker.id: Cast.of(self._plan, worker.share).counts() for worker in self._living()}

    def play(self) -> None:
        """From everybody's coming to everybody's leaving; the parts are in the folder when it returns.

        Raises `Abandoned`.
        """
        try:
            for _ in range(self._plan.generations):
                self._each("ready")
                at = self._now() + LEAD_S
                self._begin = at if self._begin is None else self._begin
                self._each("begin", {"at": at})
            whole = [worker for worker, over in self._each("over").items() if self._take_over(worker, over)]
            self._each("done", to=whole)
        except StackError as error:
            self._troubles.append(str(error))
        if self._abandoned:
            raise Abandoned

    @property
    def header(self) -> Mapping[str, Any]:
        """As that of `Stage`, and who took part."""
        return {
            "seed": self._plan.seed,
            "backend": "attached",
            "started": self._started.isoformat(),
            "begin": self._begin,
            "troubles": self._troubles,
            "workers": [_told(worker) for worker in self._workers],
        }

    # -- inside

    def _reset(self, plan: Plan, folder: Path) -> None:
        self._plan = plan
        self._folder = folder
        self._began = _CLOCK.now()
        self._started: datetime = _CLOCK.wall()
        self._begin = None
        self._troubles: list[str] = []
        self._abandoned = False
        self._lost: set[str] = set()

    def _present(self) -> Sequence[str]:
        """The workers that have come, in the order in which they did; raises `UsageError` if they are too many."""
        found = [worker_id for worker_id in self._runner.clients if self._calls.lives(worker_id)]
        if len(found) > self._plan.writers:
            raise UsageError(
                f"{len(found)} workers for {self._plan.writers} writers: give --writers at least as many, as each "
                "worker has its own"
            )
        return sorted(found, key=self._runner.get_worker_index)

    def _prepared(self, present: Sequence[str]) -> Sequence[Worker]:
        """One after another, since what they prepare in the database is the same; raises `StackError`."""
        workers = []
        for number, worker_id in enumerate(present):
            try:
                workers.append(self._prepare(worker_id, Share(worker=number, workers=len(present))))
            except WorkerLost as error:
                raise StackError(f"worker {number + 1} ({worker_id}) was lost before the load began") from error
            except StackError as error:
                raise StackError(f"worker {number + 1} ({worker_id}): {error}") from error
        return workers

    def _prepare(self, worker_id: str, share: Share) -> Worker:
        """Its clock is asked first: all its times then count from the zero of our run."""
        offset = ClockOffset.estimated([self._ping(worker_id) for _ in range(PINGS)])
        told = {"plan": asdict(self._plan), "share": asdict(share), "began": offset.theirs(self._began)}
        answer = self._calls.call(worker_id, "prepare", told)
        return Worker(id=worker_id, share=share, offset=offset, host=answer["host"], process=answer["process"])

    def _ping(self, worker_id: str) -> Ping:
        sent, sent_wall = _CLOCK.now(), _CLOCK.wall().timestamp()
        answer = self._calls.call(worker_id, "ping", again=_AGAIN_S)
        return Ping(sent=sent, received=_CLOCK.now(), sent_wall=sent_wall, at=answer["at"], wall=answer["wall"])

    def _each(
        self, what: str, told: Told | None = None, *, to: Sequence[Worker] | None = None
    ) -> Mapping[Worker, Told]:
        """Ask all that are left, or these, at once; their answers. Raises `StackError` if nobody is left."""
        asked = {
            worker: gevent.spawn(self._ask, worker, what, told) for worker in (self._living() if to is None else to)
        }
        gevent.joinall(asked.values(), raise_error=True)
        if not self._living():
            raise StackError("no worker is left")
        return {worker: asking.value for worker, asking in asked.items() if asking.value is not None}

    def _ask(self, worker: Worker, what: str, told: Told | None) -> Told | None:
        """None if it is lost, or something went wrong there, which makes the run unknown."""
        try:
            return self._calls.call(worker.id, what, told)
        except WorkerLost:
            self._lose(worker)
        except StackError as error:
            self._troubles.append(f"{worker.told}: {error}")
        return None

    def _take_over(self, worker: Worker, over: Told) -> bool:
        """Its troubles, and copies of its parts; whether we have these. Those of one that is lost meanwhile are not
        kept, as they are cut off."""
        self._troubles += [f"{worker.told}: {trouble}" for trouble in over["troubles"]]
        parts = over["parts"]
        copies = {part: self._folder / PARTS / f"worker-{worker.share.worker + 1}-{Path(part).name}" for part in parts}
        for part, copy in copies.items():
            copy.unlink(missing_ok=True)
            offset: int | None = 0
            while offset is not None:
                answer = self._ask(worker, "piece", {"part": part, "offset": offset})
                if answer is None:
                    for each in copies.values():
                        each.unlink(missing_ok=True)
                    return False
                append(copy, answer["data"])
                offset = answer["next"]
        return True

    def _living(self) -> Sequence[Worker]:
        return [worker for worker in self._workers if worker.id not in self._lost]

    def _lose(self, worker: Worker) -> None:
        how = "went silent" if worker.id in self._runner.clients else "has ended"
        when = "before the load began"
        if self._begin is not None:
            when = f"{self._now() - self._begin:.1f} s after the load began"
        self._lost.add(worker.id)
        self._troubles.append(f"{worker.told} {how} {when}: what it said and saw is missing")

    def _now(self) -> float:
        return _CLOCK.now() - self._began


def _forget_stack(options: Any) -> None:
    """Locust sends its options to the workers: the keys of the stack stay here, and each worker has its own."""
    for name in ("env_file", *(each.name for each in fields(Environment))):
        setattr(options, name, None)


def _told(worker: Worker) -> Mapping[str, Any]:
    """For the header of the history."""
    return {
        "worker": worker.share.worker + 1,
        "host": worker.host,
        "process": worker.process,
        "clock_offset_s": round(worker.offset.wall, 6),
        "within_s": round(worker.offset.uncertainty, 6),
    }
