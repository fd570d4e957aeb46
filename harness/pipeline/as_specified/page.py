"""The accused's browser tab: the specification's hooks on a client, in place of `Subscriber`.

The end of the line, to the letter but for what hook.py lists as mended: connected is what the events channel alone
says (D-53), nothing is loaded at the start (D-51), no loss is shown, and each event is applied as it comes (D-56).
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Final
from uuid import UUID

from harness.clients.client import (
    ChangeReceived,
    ChannelClosed,
    ChannelErrored,
    Client,
    ClientEvent,
    Closed,
    Joined,
    Opened,
    Refused,
    SystemNotice,
)
from harness.clock import Clock
from harness.errors import ClientError, ClientMissing, FetchFailed
from harness.events.event import content_hash
from harness.history import Recorder
from harness.history.hops import APPLY, DELIVER
from harness.pipeline.app import Trace
from harness.pipeline.app_api import AppApi, Article
from harness.pipeline.as_specified.hook import HANDLED, HookState, answered, on_event, on_state, shown
from harness.pipeline.as_specified.js_numbers import js_numbers
from harness.pipeline.as_specified.recovery import RealtimeConnectionRecovery
from harness.pipeline.columns import COLUMNS
from harness.pipeline.reader_acts import ReaderActs
from harness.pipeline.reader_channels import bindings
from harness.pipeline.reader_log import ReaderLog
from harness.pipeline.reader_status import Status
from harness.pipeline.reader_task import ReaderTask
from harness.pipeline.recovery import Via
from harness.pipeline.reducer import ProcessState
from harness.pipeline.topics import events_topic, state_topic
from harness.pipeline.view import view

CONNECT_DELAYS_S: Final = (1.0, 2.0, 5.0, 10.0)
"""How realtime-js tries again by itself; the last delay repeats (realtime-facts 7.1)."""

OWN_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    **COLUMNS,
    "generated_articles_state": (*COLUMNS["generated_articles_state"], "article_context"),
}
"""The published columns of the specification's tables: the whole context is among them (D-45)."""


class Page:
    """A reader called `name` on the page of `process_id`; implements `Reader`.

    `token` is asked once, before the first connect, and never again (B5); not `signed_in`, it is not asked at all and
    the page joins as anybody (B6). `rng` is there because `Reader`s are given one; this one draws nothing.

    `uses_recovery`: the specification never calls its recovery, and neither does `AsSpecified.reader`; with True it
    is wired to the loss of the events channel, as teams do.

    `leave_removes_topic`: a client's list of channels goes by topic, so that the answer to a leave removes the
    channel that was joined under the same topic meanwhile, and all that comes for it is dropped. realtime-js before
    its rewrite does so (realtime-js#169, seen with 2.95.0); 2.109.0 and 2.119.1 remove the old channel at once.
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
        uses_recovery: bool = False,
        leave_removes_topic: bool = True,
    ) -> None:
        self.name = name
        self.process_id = process_id
        self.user_id = user_id
        self._client = client
        self._who = {"user": user, "user_id": str(user_id), "role": role, "client": client_name}
        self._clock = clock
        self._trace = trace
        self._token = token if signed_in else None
        self._bindings = bindings(process_id, schema)
        self._uses_recovery = uses_recovery
        self._leave_removes_topic = leave_removes_topic
        self._log = ReaderLog(recorder, name=name, process_id=process_id)
        self._acts = ReaderActs(api, self._log, process_id=process_id)
        self._recovery = RealtimeConnectionRecovery(
            api, process_id=process_id, clock=clock, log=self._log, connected=lambda: self._joined
        )
        self._recovering = 0
        self._state = HookState()
        self._status = Status.OFFLINE
        self._cursor = 0
        self._applied: Counter[str] = Counter()
        self._open = False
        self._joined = False  # the events channel
        self._channels: set[str] = set()  # the client's list
        self._leaving: set[str] = set()
        self._removed: set[str] = set()  # channels that the client will not find in its list
        self._tasks: asyncio.TaskGroup | None = None
        self._task = ReaderTask(name, clock=clock, status=lambda: self._status)
        self._closed = False

    @property
    def state(self) -> ProcessState:
        """What is shown, as far as the hook knows."""
        return shown(self._state, last_sequence=self._cursor)

    @property
    def cursor(self) -> int:
        """The largest sequence seen (D-65)."""
        return self._cursor

    @property
    def status(self) -> Status:
        """`live` once the events channel was joined, whatever happens then; `ended` when the end was handled."""
        return self._status

    def applied(self, event_type: str) -> int:
        """How many events of that type its callback has taken, those that it does not handle among them."""
        return self._applied[event_type]

    def shows_question(self, input_type: str) -> bool:
        return self._state.is_waiting_for_input and self._state.input_type == input_type

    def held(self) -> Mapping[str, int]:
        return {"channels": len(self._channels), "timers": self._recovering, "buffered": 0}

    async def start(self) -> None:
        """Open the page: `connect()`. Returns at once; see `wait_ready`."""
        self._log.tell("subscribe", self._who)
        self._task.begin(self._run())

    async def wait_ready(self, timeout: float) -> None:
        """Until the page says that it is connected; raises `TimeoutError`."""
        await self._task.wait(lambda: self._status in (Status.LIVE, Status.ENDED), timeout, "ready")

    async def wait_until(self, predicate: Callable[[ProcessState], bool], timeout: float) -> None:
        """Until `predicate` holds of what is shown; raises `TimeoutError`."""
        await self._task.wait(lambda: predicate(self.state), timeout, "where it was awaited")

    async def answer(self, input_type: str, action: str, payload: Mapping[str, Any], *, timeout: float = 10.0) -> None:
        """Answer the question of that type which is shown; waits for it and raises `TimeoutError`.

        A POST that fails is logged and no more (D-59): only the history tells.
        """
        await self._task.wait(lambda: self.shows_question(input_type), timeout, f"asked {input_type}")
        try:
            await self._acts.answer(input_type, action, payload, input_id=self._state.input_id)
        except FetchFailed:
            return  # told by the op `act`; the page goes on showing the question
        self._state = answered(self._state)
        self._task.announce()

    async def pause(self) -> None:
        """Press pause, which the specification leaves out; raises `FetchFailed`."""
        await self._acts.pause()

    async def resume(self) -> None:
        """Press resume, which the specification leaves out; raises `FetchFailed`."""
        await self._acts.resume()

    async def acknowledge(self) -> None:
        """Say how far it has seen, which the specification never does (D-30); raises `FetchFailed`."""
        await self._acts.acknowledge(self._cursor)

    async def sign_in(self, token: str) -> None:
        """Hand the token to the client, which tells the channels that it has joined; nothing that was missed comes."""
        await self._client.set_token(token)

    async def remount(self) -> None:
        """`disconnect()` and `connect()` at once, without waiting for the leaves (D-52)."""
        if self._leave_removes_topic:
            self._removed |= self._channels
        self._joined = False
        for topic in [topic for topic in self._bindings if topic in self._channels]:
            self._leaving.add(topic)
            await self._client.unsubscribe(topic)
        self._become(Status.CONNECTING)
        await self._subscribe()
        self._task.announce()

    async def drop(self) -> None:
        """Break the socket, as a lost network does. The client reconnects by its own policy."""
        await self._client.drop()

    async def leave(self) -> None:
        """Close the page for good: nothing later is owed. `close` is still to be called."""
        self._log.tell("leave")
        self._status = Status.LEFT
        self._log.tell("status", {"status": Status.LEFT.value})
        await self._task.end(self._close_client)
        self._channels.clear()

    async def close(self) -> None:
        """Record what is shown and end; raises what ended the page from inside. Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        self._log.tell("view", view(self.state, self._article(), stale=False))
        await self._task.end(self._close_client)

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as self._tasks:
            self._become(Status.CONNECTING)
            await self._connect()
            await self._subscribe()
            while True:
                self._handle(await self._client.next_event(), self._tasks)
                self._task.announce()

    async def _connect(self) -> None:
        """Until the server takes the first socket, as realtime-js tries; from then on the client does so by itself."""
        if self._token is not None:
            await self._client.set_token(self._token())
        failures = 0
        while True:
            try:
                return await self._client.connect()
            except ClientMissing:
                raise
            except ClientError as error:
                self._log.record("open", {}, type="fail", error=str(error))
            await self._clock.sleep(CONNECT_DELAYS_S[min(failures, len(CONNECT_DELAYS_S) - 1)])
            failures += 1

    async def _subscribe(self) -> None:
        for topic, binding in self._bindings.items():
            self._log.record("join", {"topic": topic}, type="invoke")
            self._channels.add(topic)
            await self._client.subscribe(topic, [binding])

    def _handle(self, event: ClientEvent, tasks: asyncio.TaskGroup) -> None:
        match event:
            case Opened():
                self._open = True
                self._log.record("open", {})
            case Closed():
                self._open = self._joined = False
                self._log.record("close", {"code": event.code, "reason": event.reason, "by": event.by})
            case ChannelClosed():
                self._on_channel_closed(event.topic)
            case ChannelErrored():
                self._on_channel_errored(event, tasks)
            case Joined() | Refused() | SystemNotice() | ChangeReceived():
                self._on_message(event)

    def _on_message(self, event: Joined | Refused | SystemNotice | ChangeReceived) -> None:
        if event.topic in self._removed:
            return  # the client finds no channel for it, and drops it without a word
        match event:
            case Joined():
                self._on_joined(event.topic)
            case Refused():
                self._log.record("join", {"topic": event.topic}, type="fail", error=event.reason)
            case SystemNotice() if event.ready:
                self._log.record("ready", {"topic": event.topic})
            case SystemNotice():
                self._log.system(event)
            case ChangeReceived():
                self._on_change(event)

    def _on_channel_closed(self, topic: str) -> None:
        """CLOSED is final to realtime-js, and the page does not look at it (D-50)."""
        own = topic in self._leaving
        self._leaving.discard(topic)
        if not own or topic in self._removed:
            self._channels.discard(topic)
        self._log.channel(topic, event="phx_close", expected=own)

    def _on_joined(self, topic: str) -> None:
        self._log.record("join", {"topic": topic})
        if topic == events_topic(self.process_id):
            self._joined = True
            self._become(Status.LIVE)

    def _on_channel_errored(self, event: ChannelErrored, tasks: asyncio.TaskGroup) -> None:
        self._log.channel(event.topic, event="phx_error", reason=event.reason)
        if event.topic == events_topic(self.process_id):
            self._joined = False
            if self._uses_recovery:
                tasks.create_task(self._recover())

    def _on_change(self, change: ChangeReceived) -> None:
        self._log.receive(change, self._trace(change.table, change.action, change.record), columns=OWN_COLUMNS)
        row = js_numbers(dict(change.record))
        if change.topic == state_topic(self.process_id):
            self._state = on_state(self._state, row)
            self._log.tell("snapshot", {"last_event_sequence": row.get("last_event_sequence"), "taken": True})
        else:
            self._take(row, "live")

    async def _recover(self) -> None:
        self._recovering += 1
        try:
            if await self._recovery.recover_connection():
                for row in await self._recovery.sync_missed_events(self._cursor):
                    self._take(js_numbers(row), "fetch")
        finally:
            self._recovering -= 1
        self._task.announce()

    def _take(self, row: Mapping[str, Any], via: Via) -> None:
        """`onProcessEvent`. What its code throws, the browser writes to its console and goes on."""
        event_type, sequence = row.get("event_type"), row.get("event_sequence")
        keys = {"event_id": row.get("id"), "event_type": event_type, "sequence": sequence, "via": via}
        try:
            self._state = on_event(self._state, row)
            content = content_hash(row.get("event_data"))
        except (TypeError, ValueError) as error:
            self._log.tell(DELIVER, keys, type="fail", error=f"{type(error).__name__}: {error}")
            return
        if keys["event_id"] is None or not isinstance(sequence, int):
            self._log.tell(DELIVER, keys, type="fail", error="the row does not say which event it is")
            return
        self._cursor = max(self._cursor, sequence)
        self._applied[str(event_type)] += 1
        self._log.tell(DELIVER, keys)
        handled = {} if event_type in HANDLED else {"handled": False}
        self._log.tell(APPLY, {**keys, "cursor": self._cursor, "content": content, **handled})
        if self._state.final_article is not None:
            self._become(Status.ENDED)

    def _become(self, status: Status) -> None:
        """Show this; the end stays, and so does what is shown already."""
        if self._status not in (status, Status.ENDED, Status.LEFT):
            self._status = status
            self._log.tell("status", {"status": status.value})

    def _article(self) -> Article | None:
        final = self._state.final_article
        told = self.state.article
        if final is None or told is None:
            return None
        return Article(
            article_id=str(told.article_id), title=told.title, content=final.content, sha256=told.content_sha256
        )

    async def _close_client(self) -> None:
        await self._client.close()
        if self._open:
            self._open = False
            self._log.record("close", {"code": 1000, "reason": "", "by": "client"})
