"""`Tab`: one open page as a machine without a socket: client connection, recovery and reducer in one.

The end of the line under load. Sans-IO, so that it runs under gevent as it would under asyncio: what happened goes in
by method calls with `now`; `wants`, `frames_to_send`, `fetches` and `applied` say what is to be done, `next_deadline`
when to call `tick`. It tells the history what docs/history.md has of a reader, but for each `deliver` that went well.

It does what `pipeline.subscriber` and `pipeline.reader_channels` do over asyncio, without their users' acts; every
decision of the protocol is in `phoenix.client` and `pipeline.recovery`, which it shares with them. The text of the
finished article is not fetched.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any, Final
from uuid import UUID

from harness.clients import payload
from harness.clients.client import ChangeReceived, SystemNotice
from harness.errors import EventError, InvalidEvent
from harness.events.event import ProcessEvent, content_hash, received
from harness.events.types import EventData
from harness.history import Recorder
from harness.history.hops import APPLY, DELIVER
from harness.phoenix.channel import ChannelMove
from harness.phoenix.client import ClientConnection
from harness.phoenix.connection import (
    ChannelMoved,
    Connect,
    ConnectionEvent,
    Delivered,
    Disconnect,
    SocketClosed,
    SocketOpened,
    Timing,
)
from harness.pipeline.app_api import EventPage
from harness.pipeline.reader_channels import READY_S, UNTOLD
from harness.pipeline.reader_log import ReaderLog
from harness.pipeline.reader_status import Status
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
from harness.pipeline.trace import trace
from harness.pipeline.view import view
from load.reading.transport import PostgresChanges, Transport

_UNREADABLE: Final = (EventError, KeyError, TypeError, ValueError)
_STATE: Final = "generated_articles_state"


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """An event that the page shows from now on. `bytes` is the size of its frame, 0 if it was fetched."""

    event_id: str
    event_type: str
    via: Via
    at: float
    bytes: int = 0


class PassedOver(EventData):
    """What a lenient page makes of an event that it does not understand."""

    event_type = "generic_event"


class Tab:
    """A reader called `name` of the process, as user `user_id`; `token` is good for the whole run.

    An event that it does not understand is a hole to it; one that is `lenient` passes over it, as the specification's
    page does with what its own publisher writes.
    """

    def __init__(
        self,
        name: str,
        *,
        process_id: str,
        user: str,
        user_id: UUID,
        token: str,
        recorder: Recorder,
        rng: Random,
        transport: Transport | None = None,
        lenient: bool = False,
    ) -> None:
        self.name: Final = name
        self.process_id: Final = process_id
        self.token: Final = token
        self._who = {"user": user, "user_id": str(user_id), "role": "authenticated", "client": "native"}
        self._rng = rng
        self._log = ReaderLog(recorder, name=name, process_id=process_id)
        self._core = ClientConnection(rng=rng, token=token, timing=Timing())
        self._recovery = Recovery(rng)
        self._transport = transport or PostgresChanges()
        self._channels = self._transport.channels(process_id)
        self._ready: set[str] = set()
        self._expected: dict[str, float] = {}  # joined topics → until when they must be ready
        self._rejoins: dict[str, float] = {}  # topics that are over → when to join them afresh
        self._losses: Counter[str] = Counter()
        self._state = ProcessState()
        self._lenient = lenient
        # sequence → type, hash of its data and size of its frame, until applied
        self._kept: dict[int, tuple[str, str, int]] = {}
        self._fetches: list[int] = []
        self._applied: list[Applied] = []
        self._closing = False

    # -- results

    @property
    def status(self) -> Status:
        return self._recovery.status

    @property
    def cursor(self) -> int:
        """Everything up to here is applied, or known to be gone."""
        return self._recovery.cursor

    @property
    def ended(self) -> bool:
        return self._core.ended

    def wants(self) -> Connect | Disconnect | None:
        return self._core.wants()

    def frames_to_send(self) -> Sequence[str]:
        return self._core.frames_to_send()

    def fetches(self) -> Sequence[int]:
        """Sequences after which events are to be fetched now; answer with `fetched` or `fetch_failed`."""
        fetches, self._fetches = self._fetches, []
        return fetches

    def applied(self) -> Sequence[Applied]:
        """What was applied since the last call, in order."""
        applied, self._applied = self._applied, []
        return applied

    def next_deadline(self) -> float | None:
        deadlines = (
            self._core.next_deadline(),
            self._recovery.next_deadline(),
            *self._expected.values(),
            *self._rejoins.values(),
        )
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    # -- what happens

    def open(self, now: float) -> None:
        """The page is opened: its channels are wanted from now on."""
        self._log.tell("subscribe", self._who)
        for topic in self._channels:
            self._join(topic, now)
        self._settle(now)

    def opened(self, now: float) -> None:
        """The socket stands."""
        self._core.opened(now)
        self._settle(now)

    def socket_closed(self, code: int, reason: str, by: str, now: float) -> None:
        """The socket is gone, or could not be opened."""
        self._core.socket_closed(code, reason, by, now)
        self._settle(now)

    def received(self, frame: str | bytes, now: float) -> None:
        self._core.received(frame, now)
        self._settle(now)

    def fetched(self, since: int, page: EventPage, now: float) -> None:
        """The answer to a fetch after `since`."""
        answer = {"events": len(page.events), "last_sequence": page.last_sequence, "complete": page.complete}
        self._log.tell("fetch", {"since": since, **answer})
        events = [event for row in page.events if (event := self._readable(row, "fetch")) is not None]
        up_to = max((_sequence(row) for row in page.events), default=0)
        self._recovery.page(events, last_sequence=page.last_sequence, complete=page.complete, now=now, up_to=up_to)
        self._settle(now)

    def fetch_failed(self, since: int, reason: str, now: float) -> None:
        self._log.tell("fetch", {"since": since}, type="fail", error=reason)
        self._recovery.fetch_failed(reason, now)
        self._settle(now)

    def tick(self, now: float) -> None:
        """Do what is due."""
        self._core.tick(now)
        self._recovery.tick(now)
        for topic in [topic for topic, until in self._expected.items() if now >= until]:
            self._renew(topic, UNTOLD, now)
        for topic in [topic for topic, at in self._rejoins.items() if now >= at]:
            del self._rejoins[topic]
            self._join(topic, now)
        self._settle(now)

    def close(self, now: float, *, leaves: bool) -> None:
        """The page is closed: it tells what it shows, and ends. One that `leaves` is owed nothing from now on."""
        if self._closing:
            return
        self._closing = True
        if leaves:
            self._log.tell("leave")
        else:
            self._log.tell("view", view(self._state, None, stale=self._recovery.behind))
        self._recovery.closed()
        self._core.close(now)
        self._settle(now)

    # -- inside

    def _settle(self, now: float) -> None:
        """Take in what the connection says and do what recovery asks, until neither has anything more."""
        busy = True
        while busy:
            events, actions = self._core.events(), self._recovery.actions()
            busy = bool(events or actions)
            for event in events:
                self._on_event(event, now)
            for action in actions:
                self._do(action, now)

    def _on_event(self, event: ConnectionEvent, now: float) -> None:
        match event:
            case SocketOpened():
                self._log.record("open", {})
                self._recovery.connecting()
            case SocketClosed():
                self._ready.clear()
                self._expected.clear()
                self._log.record("close", {"code": event.code, "reason": event.reason, "by": event.by})
                self._recovery.disconnected(f"the socket closed with {event.code}")
            case ChannelMoved():
                self._on_moved(event, now)
            case Delivered(event="system"):
                self._on_system(payload.notice(event.topic, event.payload), now)
            case Delivered():
                self._on_change(self._transport.change(event), now)

    def _on_moved(self, moved: ChannelMoved, now: float) -> None:
        match moved.move:
            case ChannelMove.ACCEPTED:
                self._log.record("join", {"topic": moved.topic})
                self._recovery.joined()
                self._expected[moved.topic] = now + READY_S
            case ChannelMove.REFUSED:  # the connection tries again by itself
                self._log.record("join", {"topic": moved.topic}, type="fail", error=moved.reason)
                self._lose(moved.topic, moved.reason)
            case ChannelMove.CRASHED:  # and here
                self._log.channel(moved.topic, event="phx_error", reason=moved.reason)
                self._lose(moved.topic, moved.reason or "phx_error")
            case ChannelMove.ENDED:
                self._on_ended(moved.topic, now)

    def _on_ended(self, topic: str, now: float) -> None:
        """A channel is over, which is final to the connection: it is joined afresh, after growing pauses."""
        self._log.channel(topic, event="phx_close", expected=self._closing)
        self._lose(topic, "phx_close")
        if not self._closing:
            self._rejoins[topic] = now + backoff(self._losses[topic], self._rng, base=1.0)
            self._losses[topic] += 1

    def _on_system(self, notice: SystemNotice, now: float) -> None:
        if self._transport.ready(notice):
            self._log.record("ready", {"topic": notice.topic})
            self._expected.pop(notice.topic, None)
            self._losses[notice.topic] = 0
            self._ready.add(notice.topic)
            if self._ready >= self._channels.keys():
                self._recovery.ready(now)
            return
        self._log.system(notice)
        if self._transport.deaf(notice):
            self._renew(notice.topic, notice.message, now)

    def _on_change(self, change: ChangeReceived, now: float) -> None:
        row = change.record
        self._log.receive(change, trace(change.table, change.action, row))
        if change.table == _STATE:
            self._take_snapshot(row, now)
            return
        event = self._readable(row, "live", size=change.bytes)
        if event is not None:
            self._recovery.received(event, now)
        elif row.get("process_id") == self.process_id:
            self._recovery.unreadable(_sequence(row), now)

    def _readable(self, row: Mapping[str, Any], via: Via, *, size: int = 0) -> ProcessEvent | None:
        """The event in a row, or None, which is told, if it has none that this page can take."""
        try:
            event = self._received(row)
            if str(event.process_id) != self.process_id:
                raise InvalidEvent(event.event_type, f"it belongs to process {event.process_id}")
            content = content_hash(row["event_data"])
        except _UNREADABLE as error:
            keys = {"event_id": row.get("id"), "event_type": row.get("event_type"), "via": via}
            self._log.tell(DELIVER, keys, type="fail", error=f"{type(error).__name__}: {error}")
            return None
        if event.sequence is not None and event.sequence > self.cursor:
            self._kept.setdefault(event.sequence, (row["event_type"], content, size))
        return event

    def _received(self, row: Mapping[str, Any]) -> ProcessEvent:
        try:
            return received(row)
        except EventError:
            if not self._lenient:
                raise
            return _passed_over(row)

    def _take_snapshot(self, row: Mapping[str, Any], now: float) -> None:
        try:
            following = snapshot(self._state, row)
            last_sequence = int(row["last_event_sequence"])
        except _UNREADABLE as error:
            self._log.tell("snapshot", {"taken": False}, type="fail", error=f"{type(error).__name__}: {error}")
            return
        taken = following is not self._state
        self._state = following
        self._log.tell("snapshot", {"last_event_sequence": last_sequence, "taken": taken})
        self._recovery.told(last_sequence, now)

    def _do(self, action: Action, now: float) -> None:
        match action:
            case Apply():
                self._apply(action, now)
            case Fetch():
                self._log.tell("fetch", {"since": action.since}, type="invoke")
                self._fetches.append(action.since)
            case GapSeen():
                self._log.tell("gap", {"after": action.after, "before": action.before})
            case GapPermanent():
                self._log.tell("gap_permanent", {"after": action.after, "before": action.before})
            case StatusChanged():
                self._log.tell("status", {"status": action.status.value}, error=action.reason or None)
            case Rejoin():
                for topic in self._channels:
                    self._renew(topic, DEAF, now)

    def _apply(self, action: Apply, now: float) -> None:
        event = action.event
        event_type, content, size = self._kept.pop(action.cursor)
        handled = not isinstance(event.data, PassedOver)
        if handled:
            self._state = reduce(self._state, event)
        value = {
            "event_id": str(event.id),
            "event_type": event_type,
            "sequence": event.sequence,
            "cursor": action.cursor,
            "via": action.via,
            "content": content,
        }
        self._log.tell(APPLY, value if handled else {**value, "handled": False})
        self._applied.append(Applied(event_id=str(event.id), event_type=event_type, via=action.via, at=now, bytes=size))

    def _join(self, topic: str, now: float) -> None:
        self._log.record("join", {"topic": topic}, type="invoke")
        asked = self._channels[topic]
        self._core.subscribe(topic, asked.bindings, now, broadcasts=asked.broadcasts)

    def _renew(self, topic: str, reason: str, now: float) -> None:
        """Leave a channel that is of no use; its end, which follows, has it joined afresh."""
        self._lose(topic, reason)
        if topic not in self._rejoins:
            self._core.unsubscribe(topic, now)

    def _lose(self, topic: str, reason: str) -> None:
        self._ready.discard(topic)
        self._expected.pop(topic, None)
        self._recovery.disconnected(reason)


def _sequence(row: Mapping[str, Any]) -> int:
    """The number of a row that may be damaged; 0 if it has none."""
    sequence = row.get("event_sequence")
    return sequence if isinstance(sequence, int) else 0


def _passed_over(row: Mapping[str, Any]) -> ProcessEvent:
    """The envelope of a row. Raises as `received`, but for what the event says."""
    return ProcessEvent(
        id=UUID(row["id"]),
        process_id=UUID(row["process_id"]),
        intent=0,
        emitted_at=datetime.fromisoformat(row["published_at"] or row["created_at"]),
        data=PassedOver(),
        sequence=int(row["event_sequence"]),
    )
