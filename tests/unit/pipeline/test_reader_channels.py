"""The channels of a reader, where the client is awkward; the usual course is in test_subscriber."""

import asyncio
from collections import deque
from collections.abc import Sequence
from random import Random

from harness.clients.client import (
    Binding,
    ChangeReceived,
    ChannelClosed,
    ClientEvent,
    Closed,
    Joined,
    Opened,
    SystemNotice,
)
from harness.errors import ClientError
from harness.history import Recorder
from harness.pipeline.reader_channels import ReaderChannels, bindings
from harness.pipeline.reader_log import ReaderLog
from harness.pipeline.reader_status import Status
from harness.pipeline.recovery import Recovery
from harness.pipeline.topics import events_topic, state_topic
from tests.instant import InstantClock, run

EVENTS, STATE = events_topic("p"), state_topic("p")


class SilentClient:
    """Says nothing by itself; `failures` are raised by the next calls."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.failures: deque[ClientError] = deque()

    async def connect(self) -> None:
        self._called("connect")

    async def subscribe(self, topic: str, bindings: Sequence[Binding]) -> None:
        self._called(f"subscribe {topic}")

    async def unsubscribe(self, topic: str) -> None:
        self._called(f"unsubscribe {topic}")

    async def set_token(self, token: str) -> None:
        self._called(f"set_token {token}")

    async def next_event(self) -> ClientEvent:
        raise AssertionError("the subscriber takes the events")

    async def drop(self) -> None:
        raise AssertionError("the subscriber drops the socket")

    async def close(self) -> None:
        self._called("close")

    def _called(self, call: str) -> None:
        self.calls.append(call)
        if self.failures:
            raise self.failures.popleft()


class Stage:
    def __init__(self, *, token: str | None = None) -> None:
        self.clock = InstantClock()
        self.client = SilentClient()
        self.recorder = Recorder(self.clock.now)
        self.recovery = Recovery(Random(1))
        self.channels = ReaderChannels(
            self.client,
            bindings("p", "public"),
            self.recovery,
            clock=self.clock,
            rng=Random(1),
            log=ReaderLog(self.recorder, name="reader", process_id="p"),
            token=None if token is None else lambda: token,
        )

    async def handle(self, *events: ClientEvent) -> None:
        """Take the events in, and let all that follows from them happen."""
        async with asyncio.TaskGroup() as tasks:
            for event in events:
                self.channels.handle(event, tasks)

    def told(self) -> list[tuple[str, str, str | None]]:
        return [(op.f, op.type, op.error) for op in self.recorder.ops()]


def ready(topic: str) -> SystemNotice:
    return SystemNotice(topic=topic, extension="postgres_changes", status="ok", message="Subscribed to PostgreSQL")


def test_a_change_is_handed_on_and_not_told_here() -> None:
    async def story() -> None:
        stage = Stage()
        change = ChangeReceived(
            topic=EVENTS, schema="public", table="process_events", action="INSERT", commit_timestamp=None, record={}
        )

        async with asyncio.TaskGroup() as tasks:
            handed_on = stage.channels.handle(change, tasks)

        assert (handed_on, stage.told()) == (change, [])

    run(story())


def test_a_fresh_join_that_cannot_be_asked_for_is_told_and_asked_for_again() -> None:
    async def story() -> None:
        stage = Stage()
        stage.client.failures.extend([ClientError("no socket"), ClientError("no socket")])

        await stage.handle(ChannelClosed(topic=EVENTS))

        assert stage.client.calls == [f"subscribe {EVENTS}"] * 3
        assert stage.told()[1:] == [("join", "fail", "no socket")] * 2

    run(story())


def test_a_close_that_comes_before_the_fresh_join_is_answered_starts_no_second_one() -> None:
    async def story() -> None:
        stage = Stage()

        await stage.handle(ChannelClosed(topic=EVENTS))
        await stage.handle(ChannelClosed(topic=EVENTS))
        await stage.handle(Joined(topic=EVENTS), ChannelClosed(topic=EVENTS))

        assert stage.client.calls == [f"subscribe {EVENTS}"] * 2
        assert [type for f, type, _ in stage.told() if f == "system"] == ["fail", "ok", "fail"]

    run(story())


def test_recovery_hears_of_ready_only_when_both_channels_are() -> None:
    async def story() -> None:
        stage = Stage()
        await stage.handle(Opened(), ready(EVENTS))
        one = stage.recovery.status
        await stage.handle(ready(STATE))
        both = stage.recovery.status
        await stage.handle(Closed(code=1012), Opened(), ready(STATE))

        assert (one, both, stage.recovery.status) == (Status.CONNECTING, Status.CATCHING_UP, Status.CONNECTING)

    run(story())


def test_a_token_that_the_client_does_not_take_is_told() -> None:
    async def story() -> None:
        stage = Stage(token="t")
        stage.client.failures.append(ClientError("no socket"))

        await stage.handle(Closed(code=1006))

        assert stage.client.calls == ["set_token t"]
        assert stage.told() == [("close", "ok", None), ("open", "fail", "token not taken: no socket")]

    run(story())


def test_only_a_socket_that_stands_is_told_to_be_closed() -> None:
    async def story() -> None:
        stage = Stage()
        await stage.handle(Opened())
        await stage.channels.close()
        await stage.channels.close()

        assert (stage.told(), stage.client.calls) == ([("open", "ok", None), ("close", "ok", None)], ["close"] * 2)

    run(story())
