"""`Stage`: what the users of one Locust process share, and the course of a run.

For each generation: everybody is ready, then the first event is due; when all is said, what is still under way is
waited for; then the pages tell what they show and close. Must be imported after gevent's monkey patch.
"""

import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Final
from uuid import UUID

import gevent  # type: ignore[import-untyped]
from locust.env import Environment as Locust

from harness.backends.environment import Environment
from harness.clock import SystemClock
from harness.errors import StackError
from harness.history import Recorder
from harness.history.store import HistoryWriter
from harness.tokens import mint
from load.judging.usage import LOCUST, PUBLISHING
from load.offering.share import Cast, Share
from load.offering.task import Task
from load.plan import REFERENCE, Plan
from load.playing.generation import Generation, Process
from load.playing.meter import Meter, measured_here
from load.playing.worker import PublishingWorker
from load.reading.tab import Tab
from load.reading.transport import BY_NAME
from load.reading.wire import Wire

PARTS: Final = "parts"
"""The folder, in that of the run, of the histories that its processes write."""
LEAD_S: Final = 0.5
"""How long before the first event is due it is said when that will be."""

_CLOCK: Final = SystemClock()
_READY_S: Final = 60.0
_READY_EACH_S: Final = 0.1
_GRACE_S: Final = 60.0
_LOOK_S: Final = 0.05
_TOKEN_S: Final = 24 * 3600.0
_OURS: Final = (LOCUST, PUBLISHING)
"""Whose figures each worker has of its own."""


class Abandoned(StackError):
    """The run was ended from outside before it was over: there is nothing to be judged."""

    def __init__(self) -> None:
        super().__init__("the run was ended before it was over")


class Stage:
    """One run in one Locust process. `prepare`, let users come, `play`; what was not as it should is in `troubles`.

    Of several processes each has its `share`, the zero of the run by its own clock (`began`), and somebody who says,
    when all are ready, at which second of the run a generation begins (`begins`, which is waited for).
    """

    def __init__(
        self,
        locust: Locust,
        plan: Plan,
        environment: Environment,
        folder: Path,
        *,
        stack_pid: int | None = None,
        share: Share | None = None,
        began: float | None = None,
        begins: Callable[[], float] | None = None,
    ) -> None:
        now = _CLOCK.now()
        self.plan: Final = plan
        self.troubles: list[str] = []
        self._share = share or Share()
        self.cast: Final = Cast.of(plan, self._share)
        self._locust = locust
        self._environment = environment
        self._folder = folder
        self._stack_pid = stack_pid
        self._began = now if began is None else began
        self._started: datetime = _CLOCK.wall() - timedelta(seconds=now - self._began)
        self._begins = begins or self._soon
        self._begin: float | None = None
        self._abandoned = False
        self._ends = ExitStack()  # all that has been begun
        self._taken: dict[str, int] = {}
        self._generation: Generation
        self._worker: PublishingWorker
        self._writer: HistoryWriter
        self._recorder: Recorder
        self._metering = gevent.Greenlet()

    # -- for the course of the run

    def prepare(self) -> None:
        """Start the publishing process and have the first generation made; raises `StackError`, and leaves nothing."""
        try:
            self._prepare()
        except BaseException:  # of Locust, too, which ends a run that is being prepared
            self._ends.close()
            raise

    def _prepare(self) -> None:
        parts = self._folder / PARTS
        parts.mkdir(parents=True, exist_ok=True)
        header = {"scenario": "load", "seed": self.plan.seed, "backend": "attached", "part": "locust"}
        self._writer = HistoryWriter(parts / "locust.jsonl", header)
        self._ends.callback(self._writer.close)
        self._recorder = Recorder(lambda: _CLOCK.now() - self._began, sinks=(self._writer,), keep=False)
        task = Task(
            plan=self.plan,
            share=self._share,
            environment=self._environment,
            began=self._began,
            started=self._started,
            part=parts / "publishing.jsonl",
        )
        self._worker = PublishingWorker(task, lambda report: self._generation.heard(report), troubled=self.trouble)
        self._ends.callback(self._worker.kill)
        self._generation = self._made(0)
        here = measured_here(publishing=self._worker.pid, stack=self._stack_pid)
        measured = {self._share.named(name) if name in _OURS else name: each for name, each in here.items()}
        self._metering = gevent.spawn(Meter(measured, recorder=self._recorder, clock=_CLOCK).run, gevent.sleep)
        self._ends.callback(self._metering.kill)

    def play(self) -> None:
        """All generations, from everybody's coming to everybody's leaving; the histories are whole when it returns.

        Raises `Abandoned`.
        """
        try:
            self._play(self._generation)
            for number in range(1, self.plan.generations):
                self._close_pages()
                gc.collect()  # closed pages are cycles: while nobody is measured, and not in the middle of the next
                following = self._made(number)
                self._generation.next.set(following)
                self._generation = following
                self._play(self._generation)
        except StackError as error:
            self.trouble(str(error))
        finally:
            self._metering.kill()
            self._close_pages()
            self._generation.next.set(None)
            self._end_worker()
            if self._abandoned:
                raise Abandoned  # whatever else went wrong did so for that

    def abandon(self) -> None:
        """End at once, as after Ctrl-C; after `play` there is nothing left to end."""
        self._abandoned = True
        self._ends.close()

    @property
    def header(self) -> Mapping[str, Any]:
        """What the header of the whole history says of the run; the load begins at `begin` seconds of it."""
        return {
            "seed": self.plan.seed,
            "backend": "attached",
            "started": self._started.isoformat(),
            "begin": self._begin,
            "troubles": self.troubles,
        }

    # -- for the users

    def trouble(self, what: str) -> None:
        """Something was not as it should be, and figures of this run say nothing. What is told twice counts once."""
        if what not in self.troubles:
            self.troubles.append(what)

    def generations(self) -> Iterator[Generation]:
        """One after another, each as soon as pages of it can be opened, until the run is over."""
        generation: Generation | None = self._generation
        while generation is not None:
            yield generation
            generation = generation.next.get()

    def take(self, kind: str) -> int:
        """Which one of its kind (a field of `Cast`) a new user is: its number (from 0 up) in the whole plan."""
        taken = self._taken.get(kind, 0)
        self._taken[kind] = taken + 1
        number: int = getattr(self.cast, kind)[taken]
        return number

    def page(self, kind: str, number: int, generation: Generation) -> Wire:
        """A page of a user with that number, which stays until the generation is over; not yet opened."""
        name = f"{kind}-{number + 1}"
        process = generation.processes[number % self.plan.writers]
        return self.wire(name if self.plan.generations == 1 else f"{name}-{generation.number + 1}", process, generation)

    def wire(self, name: str, process: Process, generation: Generation) -> Wire:
        """A page of the process's owner, not yet opened."""
        token = mint(
            self._environment.jwt_secret,
            role="authenticated",
            wall=_CLOCK.wall(),
            ttl=_TOKEN_S,
            sub=process.owner_id,
        )
        tab = Tab(
            name,
            process_id=process.process_id,
            user=process.owner,
            user_id=UUID(process.owner_id),
            token=token,
            recorder=self._recorder,
            rng=Random(f"{self.plan.seed} {name}"),
            transport=BY_NAME[self.plan.transport],
            lenient=self.plan.app != REFERENCE,
        )
        return Wire(
            tab,
            realtime_url=self._environment.realtime_url,
            apikey=self._environment.anon_key,
            app_url=self._environment.app_url,
            applied=lambda one: generation.applied(name, one),
        )

    def chance(self, name: str) -> Random:
        """A generator of one user's own: the same seed gives the same behaviour."""
        return Random(f"{self.plan.seed} acts {name}")

    def tell(self, kind: str, name: str, seconds: float, *, size: int = 0, error: Exception | None = None) -> None:
        """One event for Locust's statistics."""
        self._locust.events.request.fire(  # type: ignore[no-untyped-call]
            request_type=kind,
            name=name,
            response_time=1000.0 * seconds,
            response_length=size,
            exception=error,
            context={},
        )

    # -- inside

    def _made(self, number: int) -> Generation:
        """The next generation, whose processes the publishing process makes."""
        made = [
            Process(process_id=one["process_id"], owner=one["owner"], owner_id=one["owner_id"])
            for one in self._worker.prepare()
        ]
        return Generation(
            number,
            dict(zip(self.cast.writers, made, strict=True)),
            zero=self._began,
            storm=number == self.plan.generations // 2,
            tell=self.tell,
        )

    def _play(self, generation: Generation) -> None:
        self._wait_ready(generation)
        at = self._begins()
        self._begin = at if self._begin is None else self._begin
        self._worker.begin(at)
        generation.begin(at)
        last = self._worker.last_sequences(LEAD_S + self.plan.seconds + _GRACE_S)
        generation.said.set()
        self._settle(generation, last)

    def _soon(self) -> float:
        return _CLOCK.now() - self._began + LEAD_S

    def _wait_ready(self, generation: Generation) -> None:
        wanted = len(self.cast.readers) + (len(self.cast.storm) if generation.storm else 0)
        allowed = _READY_S + _READY_EACH_S * wanted
        deadline = _CLOCK.now() + allowed
        while (ready := generation.ready()) < wanted:
            if _CLOCK.now() >= deadline:
                raise StackError(f"of {wanted} readers only {ready} were ready within {allowed:g} s")
            gevent.sleep(_LOOK_S)

    def _settle(self, generation: Generation, last: Mapping[str, int]) -> None:
        """Until visitors have left and every page has everything, or `settle` seconds have passed."""
        begun = _CLOCK.now()
        self._recorder.record("story", "settle", {"timeout": self.plan.settle}, type="invoke")
        while _CLOCK.now() < begun + self.plan.settle:
            if generation.at_rest(last):
                waited = {"timeout": self.plan.settle, "waited": round(_CLOCK.now() - begun, 3)}
                self._recorder.record("story", "settle", waited)
                return
            gevent.sleep(_LOOK_S)
        self._recorder.record("story", "settle", {"timeout": self.plan.settle}, type="info")

    def _close_pages(self) -> None:
        left = self._generation.close(within=0.0 if self._abandoned else _GRACE_S)
        if left and not self._abandoned:
            self.trouble(f"{left} pages had not closed {_GRACE_S:g} s after they were to: what they show is not told")

    def _end_worker(self) -> None:
        try:
            self._worker.end()
        except StackError as error:
            self.trouble(str(error))
        finally:
            self._writer.close()
