"""One reader: a browser tab that shows a process. Drives recovery and reducer over a client, and tells the history.

The end of the line: it records what is received, delivered and applied, and everything that the user would see
of the connection. Whoever holds it calls `start`, then what the user does, then `close`.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from random import Random
from typing import Any, Final
from uuid import UUID

from harness.clients.client import ChangeReceived, Client
from harness.clock import Clock
from harness.errors import ClientError, EventError, FetchFailed, InvalidEvent
from harness.events.event import ProcessEvent, content_hash, received
from harness.events.types import ProcessCompleted, SectionChunk
from harness.history import Recorder
from harness.history.hops import APPLY, DELIVER
from harness.pipeline.app import Trace
from harness.pipeline.app_api import AppApi, Article
from harness.pipeline.event_log import EventLog
from harness.pipeline.metrics import Metrics
from harness.pipeline.reader_acts import ReaderActs
from harness.pipeline.reader_channels import ReaderChannels, bindings
from harness.pipeline.reader_log import ReaderLog
from harness.pipeline.reader_status import Status
from harness.pipeline.reader_task import ReaderTask
from harness.pipeline.recovery import (
    DEAF,
    Action,
    Apply,
    Fetch,
    GapPermanent,
    GapSeen,
    Recovery,
    Rejoin,
    StatusChanged,
    Via,
    backoff,
)
from harness.pipeline.reducer import ProcessState, reduce, snapshot
from harness.pipeline.topics import state_topic
from harness.pipeline.view import complaints, view

_UNREADABLE: Final = (EventError, KeyError, TypeError, ValueError)


class Subscriber:
    """A reader called `name` on the page of `process_id`.

    `token` is asked before each join that the reader makes, so that it never joins with an expired one. Not
    `signed_in`, it joins nothing and does not ask for a token until `sign_in`. `patience` and `silence` are those of
    `Recovery`; `grace` is how long `close` waits for the text of a completed article. All are seconds of `clock`.
    Whatever ends the reader from inside is raised by the next wait, or by `close`. `event_log` has what passed lately.
    """

    def __init__(
        self,
        name: str,
        client: Client,
        api: AppApi,
        *,
        process_id: str,
        user: str,
        user_id: UUID,
        clock: Clock,
        rng: Random,
        recorder: Recorder,
        trace: Trace,
        role: str = "authenticated",
        schema: str = "public",
        token: Callable[[], str] | None = None,
        client_name: str = "native",
        signed_in: bool = True,
        page_size: int = 500,
        patience: float = 0.75,
        silence: float = 45.0,
        grace: float = 5.0,
    ) -> None:
        self.name = name
        self.process_id = process_id
        self.user_id = user_id
        self.event_log: Final = EventLog()
        self._client = client
        self._api = api
        self._who = {"user": user, "user_id": str(user_id), "role": role, "client": client_name}
        self._clock = clock
        self._rng = rng
        self._trace = trace
        self._page_size = page_size
        self._grace = grace
        self._log = ReaderLog(recorder, name=name, process_id=process_id)
        self._recovery = Recovery(rng, patience=patience, silence=silence)
        self._channels = ReaderChannels(
            client,
            bindings(process_id, schema),
            self._recovery,
            clock=clock,
            rng=rng,
            log=self._log,
            token=token,
            signed_in=signed_in,
        )
        self._acts = ReaderActs(api, self._log, process_id=process_id)
        self._metrics = Metrics()
        self._state = ProcessState()
        self._contents: dict[int, str] = {}  # sequence → hash of the data as it came, until it is applied
        self._applied: Counter[str] = Counter()
        self._answered: set[str] = set()
        self._article: Article | None = None
        self._article_failure = "not fetched yet"
        self._alarm: asyncio.Task[None] | None = None
        self._alarm_at = 0.0
        self._tasks: asyncio.TaskGroup | None = None
        self._task = ReaderTask(name, clock=clock, status=lambda: self.status)
        self._closed = False

    @property
    def state(self) -> ProcessState:
        """What is shown."""
        return self._state

    @property
    def cursor(self) -> int:
        return self._recovery.cursor

    @property
    def status(self) -> Status:
        """What is shown of the connection."""
        return self._recovery.status

    def applied(self, event_type: str) -> int:
        """How many events of that type were applied so far, those included that were merged into them."""
        return self._applied[event_type]

    def shows_question(self, input_type: str) -> bool:
        """Whether a question of that type is shown which this reader has not answered yet."""
        shown = self._state.input_id
        return shown is not None and self._state.expected_user_input == input_type and str(shown) not in self._answered

    def held(self) -> Mapping[str, int]:
        """Channels joined or asked for, timers that run, events that wait for those before them."""
        timers = self._channels.renewing + (self._alarm is not None)
        return {"channels": self._channels.held, "timers": timers, "buffered": self._recovery.buffered}

    async def start(self) -> None:
        """Open the page: connect, join both channels, load what was before. Returns at once; see `wait_ready`."""
        self._log.tell("subscribe", self._who)
        self._task.begin(self._run())

    async def wait_ready(self, timeout: float) -> None:
        """Until both channels are ready and the backfill is applied; raises `TimeoutError`."""
        await self._task.wait(lambda: self.status in (Status.LIVE, Status.ENDED), timeout, "ready")

    async def wait_until(self, predicate: Callable[[ProcessState], bool], timeout: float) -> None:
        """Until `predicate` holds of what is shown; raises `TimeoutError`."""
        await self._task.wait(lambda: predicate(self._state), timeout, "where it was awaited")

    async def answer(self, input_type: str, action: str, payload: Mapping[str, Any], *, timeout: float = 10.0) -> None:
        """Answer the question of that type which is shown and not answered yet.

        Waits for it: the state row may tell that something is asked before the event tells what. Raises
        `TimeoutError`, or `FetchFailed`, after which it may be answered again (D-59).
        """
        await self._task.wait(lambda: self.shows_question(input_type), timeout, f"asked {input_type}")
        input_id = str(self._state.input_id)
        self._answered.add(input_id)
        try:
            await self._acts.answer(input_type, action, payload, input_id=input_id)
        except FetchFailed:
            self._answered.discard(input_id)
            raise

    async def pause(self) -> None:
        """Press pause; raises `FetchFailed`."""
        await self._acts.pause()

    async def resume(self) -> None:
        """Press resume; raises `FetchFailed`."""
        await self._acts.resume()

    async def acknowledge(self) -> None:
        """Tell the application how far this reader has applied; raises `FetchFailed`."""
        await self._acts.acknowledge(self.cursor)

    async def sign_in(self, token: str) -> None:
        """Join both channels with this token, for the first time or afresh, and fetch what was missed."""
        await self._channels.sign_in(token, self._started())
        self._perform()

    async def remount(self) -> None:
        """Leave both channels, wait for the leaves, join them afresh; the cursor is kept. Returns at once."""
        self._channels.rejoin("remounted", self._started())
        self._perform()

    async def drop(self) -> None:
        """Break the socket, as a lost network does. The client reconnects by its own policy."""
        await self._client.drop()

    async def leave(self) -> None:
        """Close the page for good: nothing later is owed. `close` is still to be called."""
        self._log.tell("leave")
        self._recovery.closed()
        self._perform()
        await self._task.end(self._channels.close)
        self._alarm = None  # it ended with the rest

    async def close(self) -> None:
        """Record what is shown and end; raises what ended the reader from inside. Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        try:
            await self._finish_article()
        finally:
            self._tell_view()
            await self._task.end(self._channels.close)

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as self._tasks:
            await self._connect()
            await self._channels.join()
            while True:
                change = self._channels.handle(await self._client.next_event(), self._tasks)
                if change is not None:
                    self._on_change(change)
                self._perform()

    async def _connect(self) -> None:
        """Until the server takes the first socket; from then on the client reconnects by itself."""
        failures = 0
        while True:
            self._recovery.connecting()
            self._perform()
            if await self._channels.connect():
                return
            self._perform()
            await self._clock.sleep(backoff(failures, self._rng, base=1.0))
            failures += 1

    def _on_change(self, change: ChangeReceived) -> None:
        row = change.record
        self._log.receive(change, self._trace(change.table, change.action, row))
        now = self._clock.now()
        if change.topic == state_topic(self.process_id):
            self._take_snapshot(row)
            return
        event = self._deliver(row, "live", errors=change.errors or ())
        if event is not None:
            self._recovery.received(event, now)
        elif row.get("process_id") == self.process_id:
            self._recovery.unreadable(_sequence(row), now)

    def _deliver(self, row: Mapping[str, Any], via: Via, *, errors: Any = ()) -> ProcessEvent | None:
        """The event in a row, or None if it has none that this page can take; both are told."""
        keys = {
            "event_id": row.get("id"),
            "event_type": row.get("event_type"),
            "sequence": row.get("event_sequence"),
            "via": via,
        }
        try:
            event, content = self._read(row)
        except _UNREADABLE as error:
            words = f"{type(error).__name__}: {error}"
            self._log.tell(DELIVER, keys, type="fail", error=f"{words}; the server says {errors}" if errors else words)
            return None
        if event.sequence is not None and event.sequence > self.cursor:
            self._contents.setdefault(event.sequence, content)
        self._log.tell(DELIVER, keys)
        self._measure(event, via)
        return event

    def _measure(self, event: ProcessEvent, via: Via) -> None:
        """By the wall clocks of both machines, the only ones that an application has (D-75). A fetch is no delivery."""
        received_at = self._clock.wall()
        self.event_log.add(event, received_at=received_at)
        if via == "live":
            self._metrics.received((received_at - event.emitted_at).total_seconds())

    def _read(self, row: Mapping[str, Any]) -> tuple[ProcessEvent, str]:
        event = received(row)
        if str(event.process_id) != self.process_id:
            raise InvalidEvent(event.event_type, f"it belongs to process {event.process_id}")
        return event, content_hash(row["event_data"])

    def _take_snapshot(self, row: Mapping[str, Any]) -> None:
        try:
            following = snapshot(self._state, row)
            last_sequence = int(row["last_event_sequence"])
        except _UNREADABLE as error:
            self._log.tell("snapshot", {"taken": False}, type="fail", error=f"{type(error).__name__}: {error}")
            return
        taken = following is not self._state
        self._state = following
        self._log.tell("snapshot", {"last_event_sequence": last_sequence, "taken": taken})
        self._recovery.told(last_sequence, self._clock.now())

    def _perform(self) -> None:
        """Do what recovery asks for, set the alarm for its next deadline, and wake whoever waits."""
        while actions := self._recovery.actions():
            for action in actions:
                self._do(action)
        self._set_alarm()
        self._task.announce()

    def _do(self, action: Action) -> None:
        match action:
            case Apply():
                self._apply(action)
            case Fetch():
                self._spawn(self._fetch(action.since))
            case GapSeen():
                self._log.tell("gap", {"after": action.after, "before": action.before})
            case GapPermanent():
                self._log.tell("gap_permanent", {"after": action.after, "before": action.before})
            case StatusChanged():
                self._log.tell("status", {"status": action.status.value}, error=action.reason or None)
            case Rejoin():
                self._channels.rejoin(DEAF, self._started())

    def _apply(self, action: Apply) -> None:
        event = action.event
        self._state = reduce(self._state, event)
        self._applied[event.event_type] += event.data.chunks if isinstance(event.data, SectionChunk) else 1
        value = {
            "event_id": str(event.id),
            "event_type": event.event_type,
            "sequence": event.sequence,
            "cursor": action.cursor,
            "via": action.via,
            "content": self._contents.pop(action.cursor),
        }
        self._log.tell(APPLY, value)
        if isinstance(event.data, ProcessCompleted):
            self._spawn(self._fetch_article())

    async def _fetch(self, since: int) -> None:
        asked = {"since": since}
        self._log.tell("fetch", asked, type="invoke")
        try:
            page = await self._api.events_since(self.process_id, since, self._page_size)
        except FetchFailed as error:
            self._log.tell("fetch", asked, type="fail", error=str(error))
            self._recovery.fetch_failed(str(error), self._clock.now())
        else:
            answer = {"events": len(page.events), "last_sequence": page.last_sequence, "complete": page.complete}
            self._log.tell("fetch", {**asked, **answer})
            events = [event for row in page.events if (event := self._deliver(row, "fetch")) is not None]
            up_to = max((_sequence(row) for row in page.events), default=0)
            self._recovery.page(
                events, last_sequence=page.last_sequence, complete=page.complete, now=self._clock.now(), up_to=up_to
            )
        self._perform()

    async def _fetch_article(self) -> None:
        """The text of the completed article, asked for until it comes; its hash is told in `view`."""
        failures = 0
        while self._article is None:
            try:
                self._article = await self._api.content(self.process_id)
            except FetchFailed as error:
                self._article_failure = str(error)
                await self._clock.sleep(backoff(failures, self._rng))
                failures += 1
        self._task.announce()

    async def _finish_article(self) -> None:
        if self._state.article is None or not self._task.running:
            return
        try:
            await self._task.wait(lambda: self._article is not None, self._grace, "with its article")
        except TimeoutError as error:
            # Told in the view: it then shows no article, and why.
            self._article_failure = f"{self._article_failure}; {error}"

    def _set_alarm(self) -> None:
        """Ring at the next deadline. An alarm that is set too early just finds nothing to do and is set again."""
        deadline = self._recovery.next_deadline()
        if deadline is None or (self._alarm is not None and self._alarm_at <= deadline):
            return
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm_at = deadline
        self._alarm = self._spawn(self._ring(deadline))

    async def _ring(self, deadline: float) -> None:
        await self._clock.sleep(deadline - self._clock.now())
        self._alarm = None
        self._recovery.tick(self._clock.now())
        self._perform()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        if self._tasks is None:
            work.close()
        return self._started().create_task(work)

    def _started(self) -> asyncio.TaskGroup:
        if self._tasks is None:
            raise ClientError(f"{self.name} was not started: call start() first")
        return self._tasks

    def _tell_view(self) -> None:
        wrong = complaints(self._state, self._article, article_failure=self._article_failure)
        shown = view(self._state, self._article, stale=self._recovery.behind)
        forgotten = {"logged": len(self.event_log), "forgotten": self.event_log.forgotten}
        self._log.tell("metrics", {**self._metrics.summary().of_reader(), **forgotten})
        self._log.tell("view", shown, error="; ".join(wrong) or None)


def _sequence(row: Mapping[str, Any]) -> int:
    """The number of a row that may be damaged; 0 if it has none."""
    sequence = row.get("event_sequence")
    return sequence if isinstance(sequence, int) else 0
