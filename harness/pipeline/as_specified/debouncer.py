"""The specification's debouncer, to the letter: 0.2 s, one key for each type of a process, the latest wins.

Between the type map and the publisher. What it does to events is in spec-decisions 5.1, D-1 to D-11; each line that
does it names its defect. It is no model for anybody: `pipeline/debouncer.py` is.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from harness.clock import Clock
from harness.errors import StoreError

MIN_INTERVAL_S: Final = 0.2
DEFAULT_CATEGORY: Final = "system"
DEFAULT_PRIORITY: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One call of the application. `meant` is the type that it meant, `event_type` what the type map made of it."""

    event_id: str
    process_id: str
    intent: int
    meant: str
    event_type: str
    event_data: Mapping[str, Any]
    category: str = DEFAULT_CATEGORY
    priority: int = DEFAULT_PRIORITY


class Outlet(Protocol):
    """What the debouncer publishes through."""

    async def publish_event(self, said: Said, *, awaited: bool = True) -> None:
        """Insert the row; raises `StoreError`. `awaited` says whether somebody hears of that."""
        ...

    def overwritten(self, said: Said, by: Said) -> None:
        """Take note that an event was replaced by another one and will never be published."""
        ...


class Debouncer:
    """Holds an event back if one of the same type and process was published less than `min_interval` seconds ago.

    `event_publisher` is declared and nowhere assigned, as in the specification: who makes a debouncer must set it,
    or the first event raises `AttributeError` (D-12). Times are those of the wall clock (D-10).
    """

    event_publisher: Outlet

    def __init__(self, clock: Clock, *, min_interval: float = MIN_INTERVAL_S) -> None:
        self.min_interval = min_interval
        self.last_event_times: dict[str, float] = {}  # never emptied (D-14)
        self.pending_events: dict[str, Said] = {}
        self.debounce_tasks: dict[str, asyncio.Task[None]] = {}
        self._clock = clock
        self._timers: dict[asyncio.Task[None], str] = {}

    async def debounced_publish(self, said: Said, *, force_immediate: bool = False) -> None:
        """Publish now if it is due or forced, and then raise what that raises; else some time later, or never."""
        event_key = f"{said.process_id}:{said.event_type}"  # of no entity (D-2)
        current_time = self._clock.wall().timestamp()
        if force_immediate or self._should_publish_immediately(event_key, current_time):
            # What is pending stays so, and comes out after this one (D-3, D-4).
            await self._publish_immediately(said, awaited=True)
            return
        if event_key in self.pending_events:
            self.event_publisher.overwritten(self.pending_events[event_key], said)
        self.pending_events[event_key] = said  # whatever its class (D-1)
        if event_key in self.debounce_tasks:
            self.debounce_tasks[event_key].cancel()  # perhaps in the middle of its insert (D-6)
        delay = self.min_interval - (current_time - self.last_event_times.get(event_key, 0))
        self.debounce_tasks[event_key] = self._start_timer(said.process_id, event_key, max(0, delay))

    def timers(self, process_id: str | None = None) -> frozenset[asyncio.Task[None]]:
        """The timers that live, of one process or of all: more than `debounce_tasks` knows of (D-5)."""
        return frozenset(task for task, owner in self._timers.items() if process_id in (None, owner))

    async def close(self) -> None:
        """End every timer; what is pending is gone (D-8)."""
        timers = self.timers()
        for task in timers:
            task.cancel()
        await asyncio.gather(*timers, return_exceptions=True)

    def _should_publish_immediately(self, event_key: str, current_time: float) -> bool:
        return current_time - self.last_event_times.get(event_key, 0) >= self.min_interval

    def _start_timer(self, process_id: str, event_key: str, delay: float) -> asyncio.Task[None]:
        task = asyncio.create_task(self._timer(event_key, delay), name=f"debounce {event_key}")
        self._timers[task] = process_id
        task.add_done_callback(self._timers.pop)
        return task

    async def _timer(self, event_key: str, delay: float) -> None:
        try:
            await self._delayed_publish(event_key, delay)
        except StoreError:
            # Nobody awaits the task: asyncio would print "Task exception was never retrieved" and all would go on
            # (D-7). The publisher has recorded that the insert failed.
            return

    async def _delayed_publish(self, event_key: str, delay: float) -> None:
        try:
            await self._clock.sleep(delay)
            if event_key in self.pending_events:
                # Gone from here before it is written (D-6).
                await self._publish_immediately(self.pending_events.pop(event_key), awaited=False)
        except asyncio.CancelledError:
            pass  # to the letter: whatever the cancellation has hit (D-6)
        finally:
            # If this one was cancelled, the task that goes here is its successor (D-5).
            self.debounce_tasks.pop(event_key, None)

    async def _publish_immediately(self, said: Said, *, awaited: bool) -> None:
        event_key = f"{said.process_id}:{said.event_type}"
        bare = replace(said, category=DEFAULT_CATEGORY, priority=DEFAULT_PRIORITY)  # (D-13)
        await self.event_publisher.publish_event(bare, awaited=awaited)
        self.last_event_times[event_key] = self._clock.wall().timestamp()  # only now (D-9)
