"""`Stage`: what the users of one Locust process share, and the course of a run.

Everybody is ready, then the first event is due; when all is said, what is still under way is waited for; then the pages
tell what they show and close. Must be imported after gevent's monkey patch.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any, Final
from uuid import UUID

import gevent  # type: ignore[import-untyped]
from gevent.event import Event  # type: ignore[import-untyped]
from gevent.queue import Queue  # type: ignore[import-untyped]
from locust.env import Environment as Locust

from harness.backends.environment import Environment
from harness.clock import SystemClock
from harness.errors import StackError
from harness.history import Recorder
from harness.history.store import HistoryWriter
from harness.pipeline.reader_status import Status
from harness.tokens import mint
from load.plan import Plan
from load.share import Share
from load.stamps import Report
from load.tab import Applied, Tab
from load.task import Task
from load.wire import Wire
from load.worker import PublishingWorker

PARTS: Final = "parts"
"""The folder, in that of the run, of the histories that its processes write."""

_CLOCK: Final = SystemClock()
_READY_S: Final = 60.0
_LEAD_S: Final = 0.5
_GRACE_S: Final = 60.0
_LOOK_S: Final = 0.05
_TOKEN_S: Final = 24 * 3600.0
_UP_TO_DATE: Final = (Status.LIVE, Status.ENDED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One generation that is written and read here."""

    process_id: str
    owner: str
    owner_id: str


class Stage:
    """One run in one Locust process. `prepare`, let users come, `play`; what was not as it should is in `troubles`."""

    def __init__(self, locust: Locust, plan: Plan, environment: Environment, folder: Path) -> None:
        self.plan: Final = plan
        self.troubles: list[str] = []
        self.begun: Final = Event()
        self.said: Final = Event()
        self.over: Final = Event()
        self._locust = locust
        self._environment = environment
        self._folder = folder
        self._began = _CLOCK.now()
        self._started: datetime = _CLOCK.wall()
        self._begin: float | None = None
        self._rng = Random(plan.seed)
        self._processes: Sequence[Process] = ()
        self._wires: dict[str, Wire] = {}
        self._visitors: set[str] = set()
        self._numbers: dict[str, int] = defaultdict(int)
        self._dues: dict[str, float] = {}
        self._early: dict[str, list[tuple[str, Applied]]] = defaultdict(list)
        self._published: dict[str, Queue] = defaultdict(Queue)
        self._worker: PublishingWorker
        self._writer: HistoryWriter
        self._recorder: Recorder

    # -- for the course of the run

    def prepare(self) -> None:
        """Start the publishing process and have the generations made; raises `StackError`."""
        parts = self._folder / PARTS
        parts.mkdir(parents=True, exist_ok=True)
        header = {"scenario": "load", "seed": self.plan.seed, "backend": "attached", "part": "locust"}
        self._writer = HistoryWriter(parts / "locust.jsonl", header)
        self._recorder = Recorder(lambda: _CLOCK.now() - self._began, sinks=(self._writer,), keep=False)
        task = Task(
            plan=self.plan,
            share=Share(),
            environment=self._environment,
            began=self._began,
            started=self._started,
            part=parts / "publishing.jsonl",
        )
        self._worker = PublishingWorker(task, self._on_report)
        self._processes = [
            Process(process_id=made["process_id"], owner=made["owner"], owner_id=made["owner_id"])
            for made in self._worker.processes()
        ]

    def play(self) -> None:
        """From everybody's coming to everybody's leaving; the histories are whole when it returns."""
        try:
            self._wait_ready()
            self._begin = _CLOCK.now() - self._began + _LEAD_S
            self._worker.begin(self._begin)
            self.begun.set()
            last = self._worker.last_sequences(_LEAD_S + self.plan.seconds + _GRACE_S)
            self.said.set()
            self._settle(last)
        except (StackError, gevent.Timeout) as error:
            self.troubles.append(str(error) or "the events were not all said in time")
        finally:
            self._close_pages()
            self._end_worker()

    def abandon(self) -> None:
        """End at once, as after Ctrl-C; after `play` there is nothing left to end."""
        self.said.set()
        self.over.set()
        self._worker.kill()
        self._writer.close()

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

    def number(self, kind: str) -> int:
        """Which one of its kind a new user is, from 1 up."""
        self._numbers[kind] += 1
        return self._numbers[kind]

    def process(self, number: int) -> Process:
        """The process of the user with that number: they are dealt out in turn."""
        return self._processes[(number - 1) % len(self._processes)]

    def published(self, process: Process) -> Iterable[Report]:
        """What became of each insert of a process, until the run is over."""
        reports: Iterable[Report] = self._published[process.process_id]
        return reports

    def wire(self, name: str, process: Process) -> Wire:
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
        )
        return Wire(
            tab,
            realtime_url=self._environment.realtime_url,
            apikey=self._environment.anon_key,
            app_url=self._environment.app_url,
            applied=lambda one: self._on_applied(name, one),
        )

    def keep(self, wire: Wire) -> None:
        """Wait for this page before the run begins and before it ends, and close it then."""
        self._wires[wire.tab.name] = wire

    def visits(self, name: str) -> None:
        """Wait, at the end, until this one says that it `has_left`."""
        self._visitors.add(name)

    def has_left(self, name: str) -> None:
        self._visitors.discard(name)

    def until(self, seconds: float) -> float:
        """How long it is until so many seconds after the run has begun; 0 if that is past."""
        assert self._begin is not None, "the run has begun"
        return max(0.0, self._began + self._begin + seconds - _CLOCK.now())

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

    def _wait_ready(self) -> None:
        deadline = _CLOCK.now() + _READY_S
        wanted = self.plan.writers * self.plan.readers + self.plan.storm
        while _CLOCK.now() < deadline:
            ready = sum(wire.tab.status in _UP_TO_DATE for wire in self._wires.values())
            if ready >= wanted:
                return
            gevent.sleep(_LOOK_S)
        raise StackError(f"of {wanted} readers only {ready} were ready within {_READY_S:g} s")

    def _settle(self, last: Mapping[str, int]) -> None:
        """Until visitors have left and every page has everything, or `settle` seconds have passed."""
        begun = _CLOCK.now()
        self._recorder.record("story", "settle", {"timeout": self.plan.settle}, type="invoke")
        while _CLOCK.now() < begun + self.plan.settle:
            if not self._visitors and all(self._has_all(wire.tab, last) for wire in self._wires.values()):
                waited = {"timeout": self.plan.settle, "waited": round(_CLOCK.now() - begun, 3)}
                self._recorder.record("story", "settle", waited)
                return
            gevent.sleep(_LOOK_S)
        self._recorder.record("story", "settle", {"timeout": self.plan.settle}, type="info")

    @staticmethod
    def _has_all(tab: Tab, last: Mapping[str, int]) -> bool:
        return tab.cursor >= last[tab.process_id]

    def _close_pages(self) -> None:
        self.said.set()
        self.over.set()
        for reports in self._published.values():
            reports.put(StopIteration)
        for wire in self._wires.values():
            wire.close(leaves=False)
        deadline = _CLOCK.now() + _GRACE_S
        while any(not wire.tab.ended for wire in self._wires.values()) and _CLOCK.now() < deadline:
            gevent.sleep(_LOOK_S)

    def _end_worker(self) -> None:
        try:
            self._worker.end()
        except StackError as error:
            self.troubles.append(str(error))
        finally:
            self._writer.close()

    def _on_report(self, report: Report) -> None:
        event_id = report["event_id"]
        if report["what"] == "offered":
            self._dues[event_id] = report["due"]
            for name, applied in self._early.pop(event_id, ()):
                self._on_applied(name, applied)
        elif report["what"] == "published":
            self._published[report["process_id"]].put({**report, "due": self._dues.get(event_id)})

    def _on_applied(self, name: str, applied: Applied) -> None:
        """Counted from the due time of the event. What came by a fetch while nobody was online has no latency."""
        due = self._dues.get(applied.event_id)
        if due is None:
            self._early[applied.event_id].append((name, applied))
        elif applied.via == "live":
            self.tell("deliver", applied.event_type, applied.at - self._began - due, size=applied.bytes)
        else:
            self.tell("recover", applied.event_type, applied.at - self._began - due)
