"""`Generation`: one round of articles in one Locust process: who is written, which pages are open, what was due when.

What is kept here grows with the events of one generation and goes with it. Must be imported after gevent's monkey
patch.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import gevent  # type: ignore[import-untyped]
from gevent.event import AsyncResult, Event  # type: ignore[import-untyped]
from gevent.queue import Queue  # type: ignore[import-untyped]

from harness.clock import SystemClock
from harness.pipeline.reader_status import Status
from load.offering.stamps import Report
from load.reading.tab import Applied, Tab
from load.reading.wire import Wire

_CLOCK: Final = SystemClock()
_LOOK_S: Final = 0.05
_UP_TO_DATE: Final = (Status.LIVE, Status.ENDED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One article that is written and read here."""

    process_id: str
    owner: str
    owner_id: str


class Tell(Protocol):
    """One event for Locust's statistics."""

    def __call__(
        self, kind: str, name: str, seconds: float, *, size: int = 0, error: Exception | None = None
    ) -> None: ...


class Generation:
    """Number `number` (from 0 up); `processes` by the number of their writer. `zero` is the run's on our clock.

    `begun` when the first event is about to be due, `said` when all are, `over` when the pages close; then `next` has
    the following generation, or None.
    """

    def __init__(self, number: int, processes: Mapping[int, Process], *, zero: float, storm: bool, tell: Tell) -> None:
        self.number: Final = number
        self.processes: Final = processes
        self.storm: Final = storm
        self.begun: Final = Event()
        self.said: Final = Event()
        self.over: Final = Event()
        self.next: Final = AsyncResult()
        self._zero = zero
        self._tell = tell
        self._begin: float | None = None
        self._wires: dict[str, Wire] = {}
        self._visitors: set[str] = set()
        self._dues: dict[str, float] = {}
        self._early: dict[str, list[tuple[str, Applied]]] = defaultdict(list)
        self._published: dict[str, Queue] = defaultdict(Queue)

    # -- for the users

    def published(self, process: Process) -> Iterable[Report]:
        """What became of each insert of a process, until the generation is over."""
        reports: Iterable[Report] = self._published[process.process_id]
        return reports

    def keep(self, wire: Wire) -> None:
        """Wait for this page before the generation begins and before it ends, and close it then."""
        self._wires[wire.tab.name] = wire

    def let_go(self, wire: Wire) -> None:
        """It has closed, or its user has crashed: nobody needs to wait for it."""
        self._wires.pop(wire.tab.name, None)

    def visits(self, name: str) -> None:
        """Wait, at the end, until this one says that it `has_left`."""
        self._visitors.add(name)

    def has_left(self, name: str) -> None:
        self._visitors.discard(name)

    def until(self, seconds: float) -> float:
        """How long it is until so many seconds after the generation has begun; 0 if that is past."""
        assert self._begin is not None, "it has begun"
        return max(0.0, self._zero + self._begin + seconds - _CLOCK.now())

    # -- for the course of the run

    def begin(self, at: float) -> None:
        """The first event is due soon after this second of the run."""
        self._begin = at
        self.begun.set()

    def ready(self) -> int:
        """How many of the pages that stay show everything."""
        return sum(wire.tab.status in _UP_TO_DATE for wire in self._wires.values())

    def at_rest(self, last: Mapping[str, int]) -> bool:
        """Whether visitors have left, and every page has all events up to the `last` of its process."""
        return not self._visitors and all(_has_all(wire.tab, last) for wire in self._wires.values())

    def close(self, *, within: float) -> int:
        """Close the pages, and wait until they have told what they show, at most so many seconds; how many have not."""
        self.said.set()
        self.over.set()
        for reports in self._published.values():
            reports.put(StopIteration)
        for wire in self._wires.values():
            wire.close(leaves=False)
        deadline = _CLOCK.now() + within
        while (left := self._open()) and _CLOCK.now() < deadline:
            gevent.sleep(_LOOK_S)
        return left

    def heard(self, report: Report) -> None:
        """The publishing process has offered an event, or has an answer to its insert."""
        event_id = report["event_id"]
        if report["what"] == "offered":
            self._dues[event_id] = report["due"]
            for name, applied in self._early.pop(event_id, ()):
                self.applied(name, applied)
        elif report["what"] == "published":
            self._published[report["process_id"]].put({**report, "due": self._dues.get(event_id)})

    def applied(self, name: str, applied: Applied) -> None:
        """Counted from the due time of the event. What came by a fetch while nobody was online has no latency."""
        due = self._dues.get(applied.event_id)
        if due is None:
            self._early[applied.event_id].append((name, applied))
        elif applied.via == "live":
            self._tell("deliver", applied.event_type, applied.at - self._zero - due, size=applied.bytes)
        else:
            self._tell("recover", applied.event_type, applied.at - self._zero - due)

    def _open(self) -> int:
        return sum(not wire.tab.ended for wire in self._wires.values())


def _has_all(tab: Tab, last: Mapping[str, int]) -> bool:
    return tab.cursor >= last[tab.process_id]
