"""The doubles of a reader's tests: a scripted client and application, rows, and a stage for both readers."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, Generic, TypeVar
from uuid import UUID

from harness.clients.client import (
    Binding,
    ChangeReceived,
    ChannelClosed,
    ChannelErrored,
    ClientEvent,
    Closed,
    Joined,
    Opened,
    SystemNotice,
)
from harness.errors import ClientError, FetchFailed
from harness.events.event import text_hash
from harness.history import History, Recorder
from harness.pipeline.app_api import Article, EventPage
from harness.pipeline.as_specified.page import Page
from harness.pipeline.columns import COLUMNS
from harness.pipeline.subscriber import Subscriber
from harness.pipeline.topics import events_topic, state_topic
from harness.pipeline.trace import trace
from tests.instant import InstantClock

PROCESS = "00000000-0000-0000-0000-0000000000aa"
USER = UUID(int=7)
EVENTS, STATE = events_topic(PROCESS), state_topic(PROCESS)
INPUT = "00000000-0000-0000-0000-0000000000bb"
TEXT = "<p>木の家</p>"
HEARTBEAT = {"timestamp": "2025-01-31T12:00:00Z"}
QUESTION = {
    "input_id": INPUT,
    "input_type": "SELECT_THEME",
    "timeout": "2025-01-31T12:30:00Z",
    "options": [{"index": 0, "title": "Tea"}],
}
COMPLETED = {"article_id": PROCESS, "title": "Tea", "content_sha256": text_hash(TEXT), "content_chars": len(TEXT)}


def a_row(sequence: int, event_type: str = "heartbeat", data: Mapping[str, Any] = HEARTBEAT) -> dict[str, Any]:
    return {
        **dict.fromkeys(COLUMNS["process_events"]),
        "id": str(UUID(int=sequence)),
        "process_id": PROCESS,
        "event_type": event_type,
        "event_data": data,
        "event_sequence": sequence,
        "created_at": "2025-01-31T12:00:00+00:00",
        "published_at": "2025-01-31T12:00:00+00:00",
    }


def a_state_row(sequence: int, status: str = "running") -> dict[str, Any]:
    return {
        **dict.fromkeys(COLUMNS["generated_articles_state"]),
        "id": PROCESS,
        "status": status,
        "current_step": "editing",
        "is_waiting_for_input": False,
        "expected_user_input": None,
        "last_event_sequence": sequence,
    }


def a_change(topic: str, row: Mapping[str, Any], errors: Sequence[str] | None = None) -> ChangeReceived:
    table, action = ("process_events", "INSERT") if topic == EVENTS else ("generated_articles_state", "UPDATE")
    return ChangeReceived(
        topic=topic,
        schema="public",
        table=table,
        action=action,
        commit_timestamp=None,
        record=row,
        errors=errors,
        bytes=10,
    )


def is_ready(topic: str) -> SystemNotice:
    return SystemNotice(topic=topic, extension="postgres_changes", status="ok", message="Subscribed to PostgreSQL")


def is_deaf(topic: str) -> SystemNotice:
    return SystemNotice(topic=topic, extension="postgres_changes", status="error", message="bad filter")


class FakeClient:
    """Joins are answered by what `outcomes` has for the topic, by default joined and ready."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[ClientEvent | Exception] = asyncio.Queue()
        self.refusals: deque[ClientError] = deque()
        self.outcomes: dict[str, deque[list[ClientEvent]]] = {EVENTS: deque(), STATE: deque()}
        self.calls: list[tuple[str, str]] = []
        self.bindings: dict[str, Sequence[Binding]] = {}
        self.closed = 0

    def put(self, *events: ClientEvent | Exception) -> None:
        for event in events:
            self.events.put_nowait(event)

    async def connect(self) -> None:
        if self.refusals:
            raise self.refusals.popleft()
        self.put(Opened())

    async def subscribe(self, topic: str, bindings: Sequence[Binding]) -> None:
        self.calls.append(("subscribe", topic))
        self.bindings[topic] = bindings
        waiting = self.outcomes[topic]
        self.put(*(waiting.popleft() if waiting else [Joined(topic=topic), is_ready(topic)]))

    async def unsubscribe(self, topic: str) -> None:
        self.calls.append(("unsubscribe", topic))
        self.put(ChannelClosed(topic=topic))

    async def set_token(self, token: str) -> None:
        self.calls.append(("set_token", token))

    async def next_event(self) -> ClientEvent:
        event = await self.events.get()
        if isinstance(event, Exception):
            raise event
        return event

    async def drop(self) -> None:
        self.put(Closed(code=1006, by="client"), *(ChannelErrored(topic=topic) for topic in (EVENTS, STATE)))

    def reconnect(self) -> None:
        self.put(Opened(), *(event for topic in (EVENTS, STATE) for event in (Joined(topic=topic), is_ready(topic))))

    async def close(self) -> None:
        self.closed += 1


class FakeApp:
    """The application: rows, and failures to be had first."""

    def __init__(self, *rows: dict[str, Any]) -> None:
        self.rows = list(rows)
        self.last: int | None = None
        self.failures: deque[FetchFailed] = deque()
        self.content_failures: deque[FetchFailed] = deque()
        self.text = TEXT
        self.posts: list[tuple[str, Mapping[str, Any]]] = []

    async def start(self, initial_request: Mapping[str, Any], simulation: Mapping[str, Any]) -> str:
        raise AssertionError("a reader starts nothing")

    async def events_since(self, process_id: str, since: int, limit: int) -> EventPage:
        if self.failures:
            raise self.failures.popleft()
        rows = [row for row in self.rows if row["event_sequence"] > since]
        last = self.last or max((row["event_sequence"] for row in self.rows), default=0)
        return EventPage(events=tuple(rows[:limit]), last_sequence=last, complete=len(rows) <= limit)

    async def post_user_input(
        self, process_id: str, *, response_type: str, payload: Mapping[str, Any], input_id: str
    ) -> None:
        await self._post("user-input", {"response_type": response_type, "payload": payload, "input_id": input_id})

    async def pause(self, process_id: str) -> None:
        await self._post("pause", {})

    async def resume(self, process_id: str) -> None:
        await self._post("resume", {})

    async def ack(self, process_id: str, up_to_sequence: int) -> None:
        await self._post("ack", {"up_to_sequence": up_to_sequence})

    async def content(self, process_id: str) -> Article:
        if self.content_failures:
            raise self.content_failures.popleft()
        return Article(article_id=process_id, title="Tea", content=self.text, sha256=text_hash(self.text))

    async def _post(self, action: str, body: Mapping[str, Any]) -> None:
        if self.failures:
            raise self.failures.popleft()
        self.posts.append((action, body))


Kind = TypeVar("Kind", Subscriber, Page)


class Stage(Generic[Kind]):
    """A reader with its doubles and its history."""

    def __init__(self, make: Callable[["Stage[Kind]"], Kind], *rows: dict[str, Any], tokens: bool = False) -> None:
        self.clock = InstantClock()
        self.client = FakeClient()
        self.app = FakeApp(*rows)
        self.recorder = Recorder(self.clock.now)
        self.token = (lambda: f"token at {self.clock.now():.0f}") if tokens else None
        self.reader: Kind = make(self)

    @property
    def history(self) -> History:
        return History(self.recorder.ops())

    async def live(self) -> "Stage[Kind]":
        await self.reader.start()
        await self.reader.wait_ready(10.0)
        return self

    async def commit(self, row: dict[str, Any], *, live: bool = True) -> None:
        self.app.rows.append(row)
        if live:
            await self.hear(a_change(EVENTS, row))

    async def hear(self, *events: ClientEvent) -> None:
        self.client.put(*events)
        await self.clock.sleep(0.01)

    def applied(self) -> list[tuple[int, str]]:
        return [(op.value.sequence, op.value.via) for op in self.history.where(f="apply")]

    def statuses(self) -> list[str]:
        return [op.value.status for op in self.history.where(f="status")]

    def told(self, f: str) -> list[dict[str, Any]]:
        """Values of the ops `f`, with type and error if it was not ok."""
        return [
            {**op.value, **({} if op.type == "ok" else {"type": op.type, "error": op.error})}
            for op in self.history.where(f=f)
        ]


def reference(
    *rows: dict[str, Any], page_size: int = 500, tokens: bool = False, signed_in: bool = True
) -> Stage[Subscriber]:
    """The reference reader on a stage."""

    def make(stage: Stage[Subscriber]) -> Subscriber:
        return Subscriber(
            "reader",
            stage.client,
            stage.app,
            process_id=PROCESS,
            user="alice",
            user_id=USER,
            clock=stage.clock,
            rng=Random(1),
            recorder=stage.recorder,
            trace=trace,
            page_size=page_size,
            token=stage.token,
            signed_in=signed_in,
        )

    return Stage(make, *rows, tokens=tokens)


def accused(
    *rows: dict[str, Any],
    tokens: bool = False,
    signed_in: bool = True,
    uses_recovery: bool = False,
    leave_removes_topic: bool = True,
) -> Stage[Page]:
    """The specification's own page on a stage."""

    def make(stage: Stage[Page]) -> Page:
        return Page(
            "reader",
            stage.client,
            stage.app,
            process_id=PROCESS,
            user="alice",
            user_id=USER,
            clock=stage.clock,
            rng=Random(1),
            recorder=stage.recorder,
            trace=trace,
            token=stage.token,
            signed_in=signed_in,
            uses_recovery=uses_recovery,
            leave_removes_topic=leave_removes_topic,
        )

    return Stage(make, *rows, tokens=tokens)
