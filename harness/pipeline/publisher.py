"""Publishes what the application says: stamps it, lets the debouncer decide, writes it once however often it must be
tried, and tells the history.

From the event to the row: records the hops emit, debounce and insert.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from random import Random
from typing import Any, Final, Protocol
from uuid import UUID

from harness.clock import Clock
from harness.errors import InsertFailed, StoreError, UnknownEventType
from harness.events.event import ProcessEvent
from harness.events.types import EVENT_TYPES, EventData
from harness.history import Recorder
from harness.history.hops import DEBOUNCE, EMIT, INSERT
from harness.pipeline.app import Write
from harness.pipeline.debouncer import MIN_INTERVAL_S, Debouncer, Release
from harness.pipeline.ids import new_id
from harness.pipeline.metrics import Metrics
from harness.pipeline.policies.lossless import Lossless
from harness.pipeline.policies.policy import Policy
from harness.pipeline.trace import emitted

ACTOR: Final = "app"
RETRY_DELAYS_S: Final = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2)
"""How long to wait before each further attempt at a write; after the last one it is given up."""


_WriteAll = Callable[[Sequence[ProcessEvent]], Awaitable[Sequence[int]]]


class EventTable(Protocol):
    """What a publisher needs of a `Store`, with the promises that it makes."""

    async def insert_event(self, event: ProcessEvent) -> int: ...
    async def insert_events(self, events: Sequence[ProcessEvent]) -> Sequence[int]: ...


class _Line:
    """The events of one process: their intents and ids, what is held back, and one write at a time.

    `timer` waits for the debouncer's next deadline and is there only while something is held back. `writes` are the
    tasks that write, with how many events each; they take turns in the order in which they were begun. `failure` is
    of a write that nobody waited for.
    """

    def __init__(self, rng: Random, debouncer: Debouncer) -> None:
        self.rng = rng
        self.debouncer = debouncer
        self.intent = 0
        self.turn = asyncio.Lock()
        self.timer: asyncio.Task[None] | None = None
        self.writes: dict[asyncio.Task[None], int] = {}
        self.failure: Exception | None = None


class Publisher:
    """Publishes events of any number of processes, those of one process in the order of the calls.

    Each process draws its ids from a generator of its own, made when it first publishes, so that processes that
    run side by side do not disturb each other's. In several workers each limits by itself: together they publish that
    many times as often (D-15). `min_interval` is the debouncer's, in seconds.
    """

    def __init__(
        self,
        store: EventTable,
        recorder: Recorder,
        clock: Clock,
        rng: Random,
        *,
        policy: Policy | None = None,
        min_interval: float = MIN_INTERVAL_S,
    ) -> None:
        self._store = store
        self._recorder = recorder
        self._clock = clock
        self._rng = rng
        self._policy = policy or Lossless()
        self._min_interval = min_interval
        self._lines: dict[str, _Line] = {}
        self._leaving: set[_Line] = set()
        self._metrics = Metrics()
        self._closed = False

    async def publish(self, process_id: str, data: EventData, *, write: Write | None = None) -> None:
        """Take the event: return when it is committed, or at once if it is of those that the policy may hold back.

        `write` is for who commits more with the event, and then it is not held back. What goes wrong is tried again
        with the same id (D-22). Raises the last `StoreError` when all attempts were in vain, or were so for an
        earlier event of the process that nobody waited for: then this one is not taken. Raises `UnknownEventType`
        for data of a model that is not registered (D-25). A caller that is cancelled meanwhile is so only after the
        outcome is known (D-6).
        """
        line = self._line_for(process_id, [data])
        event = self._stamped(line, process_id, data)
        waits = write is not None or self._policy.key(data) is None
        now, busy = self._clock.now(), len(line.writes) > 0
        released = line.debouncer.offer(event, now, at_once=write is not None, busy=busy)
        self._give_out(line, released[:-1] if waits else released)
        self._set_timer(line)
        if waits:
            await self._written(line, [released[-1]], _one_by_one(write or self._store.insert_event))

    async def publish_at_once(self, process_id: str, events: Sequence[EventData]) -> None:
        """Commit many events in one statement, past the debouncer; the rest is as for `publish`."""
        line = self._line_for(process_id, events)
        first = line.intent + 1
        released = [release for data in events for release in self._passed(line, process_id, data)]
        self._give_out(line, [release for release in released if release.event.intent < first])
        self._set_timer(line)
        own = [release for release in released if release.event.intent >= first]
        await self._written(line, own, self._store.insert_events)

    async def flush(self, process_id: str) -> None:
        """Return when nothing of the process is held back or being written any more. Nothing goes out sooner for it."""
        line = self._lines.get(process_id)
        if line is not None:
            await _emptied(line)

    def forget(self, process_id: str) -> None:
        """Drop what is kept for a process that has ended (D-14), as soon as what is held back of it is written."""
        line = self._lines.pop(process_id, None)
        if line is not None and (line.timer is not None or line.writes):
            self._leaving.add(line)

    def held(self) -> Mapping[str, int]:
        """For the census: `keys` of the debouncers, events `pending` (held back or not yet committed), `timers`."""
        now, lines = self._clock.now(), self._all_lines()
        return {
            "keys": sum(line.debouncer.keys(now) for line in lines),
            "pending": sum(line.debouncer.held + sum(line.writes.values()) for line in lines),
            "timers": sum(line.timer is not None for line in lines),
        }

    async def close(self, *, grace: bool = True) -> None:
        """Take nothing more. With `grace` what is held back is written (D-8), and the metrics are told, once.

        Without, it is dropped and what is being written is abandoned, as when the machine is killed: nothing more is
        told of it.
        """
        again, self._closed = self._closed, True
        lines = self._all_lines()
        if grace:
            for line in lines:
                self._give_out(line, line.debouncer.close(self._clock.now()))
                self._set_timer(line)
            await asyncio.gather(*(_emptied(line) for line in lines))
            if not again:
                self._recorder.record(ACTOR, "metrics", self._metrics.summary().of_publisher())
            return
        writes = [task for line in lines for task in line.writes]
        for line in lines:
            line.debouncer.drop()
            self._set_timer(line)
        for task in writes:
            task.cancel()
        await asyncio.gather(*writes, return_exceptions=True)

    def _line_for(self, process_id: str, events: Sequence[EventData]) -> _Line:
        """The line of a process for these events; raises what is wrong with them, or went wrong before them."""
        for data in events:
            if EVENT_TYPES.get(data.event_type) is not type(data):
                raise UnknownEventType(type(data).__name__, sorted(EVENT_TYPES))
        if self._closed:
            raise InsertFailed("the publisher is closed")
        line = self._line(process_id)
        if line.failure is not None:
            failure, line.failure = line.failure, None
            raise failure
        return line

    def _passed(self, line: _Line, process_id: str, data: EventData) -> Sequence[Release]:
        event = self._stamped(line, process_id, data)
        return line.debouncer.offer(event, self._clock.now(), at_once=True)

    def _line(self, process_id: str) -> _Line:
        if process_id not in self._lines:
            debouncer = Debouncer(self._policy, min_interval=self._min_interval)
            self._lines[process_id] = _Line(Random(self._rng.getrandbits(64)), debouncer)
        return self._lines[process_id]

    def _all_lines(self) -> Sequence[_Line]:
        return (*self._lines.values(), *self._leaving)

    def _stamped(self, line: _Line, process_id: str, data: EventData) -> ProcessEvent:
        line.intent += 1
        event = ProcessEvent(
            id=new_id(line.rng),
            process_id=UUID(process_id),
            intent=line.intent,
            emitted_at=self._clock.wall(),
            data=data,
        )
        told = {**_keys(event), "intent": event.intent, **emitted(data, event.event_data())}
        self._recorder.record(ACTOR, EMIT, told)
        return event

    def _set_timer(self, line: _Line) -> None:
        """One timer as long as something is held back. It may be cancelled: the writing is not its own (D-5, D-6)."""
        if line.debouncer.held and line.timer is None:
            line.timer = asyncio.create_task(self._wait_for_deadlines(line), name="debounce")
        elif not line.debouncer.held and line.timer is not None:
            line.timer.cancel()
            line.timer = None

    async def _wait_for_deadlines(self, line: _Line) -> None:
        # This sleeps for an interval at most: what is offered meanwhile is not late when it wakes, whenever it is due.
        try:
            while (deadline := line.debouncer.next_deadline()) is not None:
                await self._clock.sleep(deadline - self._clock.now())
                async with line.turn:
                    # What is offered while another write is under way is joined until that is done, so that a slow
                    # database is not flooded (D-9). What is given out now goes behind what waits for its turn already.
                    self._give_out(line, line.debouncer.due(self._clock.now()))
        finally:
            if line.timer is asyncio.current_task():  # it may be another one by now (D-5)
                line.timer = None

    def _give_out(self, line: _Line, released: Sequence[Release]) -> None:
        """Write these without anybody who waits for it; what goes wrong is raised by the next `publish`."""
        for release in released:
            self._tell(release)
        if released:
            self._begin(line, self._write_all(line, [release.event for release in released]), len(released))

    async def _write_all(self, line: _Line, events: Sequence[ProcessEvent]) -> None:
        async with line.turn:
            for event in events:
                try:
                    await self._insist([event], _one_by_one(self._store.insert_event))
                except StoreError as error:  # recorded by the attempts
                    line.failure = error

    async def _written(self, line: _Line, released: Sequence[Release], write: _WriteAll) -> None:
        """Write these and wait for it; whoever is cancelled meanwhile is so only after the outcome is known (D-6)."""
        for release in released:
            self._tell(release)
        events = [release.event for release in released]
        writing = self._begin(line, self._write_together(line, events, write), len(events))
        try:
            await asyncio.shield(writing)
        except asyncio.CancelledError:
            await asyncio.wait([writing])
            if not writing.cancelled():
                writing.exception()  # it is recorded; the caller wants to end
            raise

    async def _write_together(self, line: _Line, events: Sequence[ProcessEvent], write: _WriteAll) -> None:
        async with line.turn:
            await self._insist(events, write)

    def _begin(self, line: _Line, work: Coroutine[Any, Any, None], events: int) -> asyncio.Task[None]:
        def ended(task: asyncio.Task[None]) -> None:
            del line.writes[task]
            if not line.writes and not line.debouncer.held:
                self._leaving.discard(line)

        task = asyncio.create_task(work, name="write")
        line.writes[task] = events
        task.add_done_callback(ended)
        return task

    async def _insist(self, events: Sequence[ProcessEvent], write: _WriteAll) -> None:
        """Write them, as often as that must be tried; raises the last `StoreError`."""
        for attempt, delay_s in enumerate(RETRY_DELAYS_S, start=1):
            try:
                return await self._attempt(events, write, attempt)
            except StoreError:  # recorded by the attempt
                await self._clock.sleep(delay_s)
        try:
            await self._attempt(events, write, len(RETRY_DELAYS_S) + 1)
        except StoreError:
            for _ in events:
                self._metrics.failed()
            raise

    async def _attempt(self, events: Sequence[ProcessEvent], write: _WriteAll, attempt: int) -> None:
        told = [{**_keys(event), "attempt": attempt} for event in events]
        for value in told:
            self._recorder.record(ACTOR, INSERT, value, type="invoke")
        try:
            sequences = await write(events)
        except StoreError as error:
            for value in told:
                self._recorder.record(ACTOR, INSERT, value, type="fail" if error.definite else "info", error=str(error))
            raise
        for event, value, sequence in zip(events, told, sequences, strict=True):
            self._recorder.record(ACTOR, INSERT, {**value, "sequence": sequence})
            self._metrics.published(len(json.dumps(event.event_data(), ensure_ascii=False).encode()))

    def _tell(self, release: Release) -> None:
        for one in release.decided:
            keys = {**_keys(one.event), "intent": one.event.intent}
            self._recorder.record(ACTOR, DEBOUNCE, {**keys, "outcome": one.outcome, "into": str(one.into)})


async def _emptied(line: _Line) -> None:
    """Until nothing of it is held back or being written."""
    while line.timer is not None or line.writes:
        await asyncio.wait({*line.writes, *([line.timer] if line.timer is not None else [])})


def _one_by_one(write: Write) -> _WriteAll:
    async def write_all(events: Sequence[ProcessEvent]) -> Sequence[int]:
        return [await write(event) for event in events]

    return write_all


def _keys(event: ProcessEvent) -> Mapping[str, Any]:
    return {"process_id": str(event.process_id), "event_id": str(event.id), "event_type": event.event_type}
