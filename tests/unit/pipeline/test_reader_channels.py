"""The channels of a reader, where the client is awkward; the usual course is in test_subscriber."""

import asyncio
from collections import deque
from collections.abc import Sequence
from random import Random

import pytest

from harness.clients.client import (
    Binding,
    ChangeReceived,
    ChannelClosed,
    ChannelErrored,
    ClientEvent,
    Closed,
    Joined,
    Opened,
    Refused,
    SystemNotice,
)
from harness.errors import ClientError
from harness.history import Recorder
from harness.pipeline.reader_channels import READY_S, ReaderChannels, bindings
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
    def __init__(self, *, token: str | None = None, signed_in: bool = True) -> None:
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
            signed_in=signed_in,
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
        assert [told for told in stage.told()[1:] if told[1] != "invoke"] == [("join", "fail", "no socket")] * 2

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


def test_a_fresh_join_waits_until_the_channel_that_was_left_is_over() -> None:
    async def story() -> None:
        stage = Stage()
        await stage.channels.join()

        async with asyncio.TaskGroup() as tasks:
            stage.channels.rejoin("again", tasks)
            await stage.clock.sleep(2.0)
            left = list(stage.client.calls)
            for topic in (EVENTS, STATE):
                stage.channels.handle(ChannelClosed(topic=topic), tasks)
            await stage.clock.sleep(2.0)

        assert left[2:] == [f"unsubscribe {EVENTS}", f"unsubscribe {STATE}"]
        assert sorted(stage.client.calls[4:]) == [f"subscribe {EVENTS}", f"subscribe {STATE}"]
        assert stage.told() == [
            ("join", "invoke", None),
            ("join", "invoke", None),
            ("system", "ok", None),
            ("system", "ok", None),
            ("join", "invoke", None),
            ("join", "invoke", None),
        ]

    run(story())


def test_a_channel_that_the_client_no_longer_has_is_joined_all_the_same() -> None:
    async def story() -> None:
        stage = Stage()
        stage.client.failures.append(ClientError("not subscribed to"))

        await stage.handle(Refused(topic=EVENTS, reason="mismatch"))

        assert stage.client.calls == [f"unsubscribe {EVENTS}", f"subscribe {EVENTS}"]
        assert [(f, type, error) for f, type, error in stage.told() if type == "fail"] == [
            ("join", "fail", "mismatch"),
            ("join", "fail", "not subscribed to"),
        ]

    run(story())


def test_an_end_that_is_never_told_is_waited_for_a_while() -> None:
    async def story() -> None:
        stage = Stage()

        await stage.handle(Refused(topic=EVENTS, reason="no"))

        assert stage.client.calls == [f"unsubscribe {EVENTS}", f"subscribe {EVENTS}"]
        assert stage.told()[1][2] == "the client did not say within 15 s that the channel is over"

    run(story())


def test_before_the_user_is_signed_in_nothing_is_joined_and_no_token_asked_for() -> None:
    async def story() -> None:
        stage = Stage(token="alice", signed_in=False)

        await stage.channels.connect()
        await stage.channels.join()

        assert (stage.client.calls, stage.channels.held) == (["connect"], 0)

    run(story())


def test_signing_in_joins_with_that_token() -> None:
    async def story() -> None:
        stage = Stage(token="alice", signed_in=False)
        await stage.channels.connect()

        async with asyncio.TaskGroup() as tasks:
            await stage.channels.sign_in("alice", tasks)

        assert stage.client.calls[1:] == ["set_token alice", f"subscribe {EVENTS}", f"subscribe {STATE}"]
        assert stage.channels.held == 2

    run(story())


def test_who_signs_in_before_there_is_a_socket_joins_when_there_is_one() -> None:
    async def story() -> None:
        stage = Stage(token="alice", signed_in=False)

        async with asyncio.TaskGroup() as tasks:
            await stage.channels.sign_in("alice", tasks)
        early = list(stage.client.calls)
        await stage.channels.connect()
        await stage.channels.join()

        assert early == ["set_token alice"]
        assert stage.client.calls[1:] == [
            "set_token alice",
            "connect",
            f"subscribe {EVENTS}",
            f"subscribe {STATE}",
        ]

    run(story())


async def expected(*said: tuple[float, ClientEvent]) -> Stage:
    """A reader whose client says these things, each at its time."""
    stage = Stage()
    await stage.channels.join()
    async with asyncio.TaskGroup() as tasks:
        for at, event in said:
            await stage.clock.sleep(at - stage.clock.now())
            stage.channels.handle(event, tasks)
    return stage


def fresh_joins(stage: Stage, topic: str = EVENTS) -> int:
    return stage.client.calls.count(f"subscribe {topic}") - 1


def test_a_channel_that_is_joined_and_never_told_that_changes_flow_is_joined_afresh() -> None:
    async def story() -> None:
        stage = Stage()
        await stage.channels.join()
        async with asyncio.TaskGroup() as tasks:
            stage.channels.handle(Joined(topic=EVENTS), tasks)
            await stage.clock.sleep(READY_S - 1.0)
            early = list(stage.client.calls[2:])
            await stage.clock.sleep(2.0)
            late = list(stage.client.calls[2:])
            stage.channels.handle(ChannelClosed(topic=EVENTS), tasks)

        assert (early, late) == ([], [f"unsubscribe {EVENTS}"])
        assert fresh_joins(stage) == 1
        assert stage.recovery.status is not Status.LIVE

    run(story())


def test_each_channel_is_waited_for_by_itself() -> None:
    stage = run(expected((0.0, Joined(topic=EVENTS)), (0.0, Joined(topic=STATE)), (1.0, ready(STATE))))

    assert (fresh_joins(stage), fresh_joins(stage, STATE)) == (1, 0)


@pytest.mark.parametrize(
    "said",
    [
        [(0.0, Joined(topic=EVENTS)), (READY_S - 1.0, ready(EVENTS))],
        [(0.0, ready(EVENTS)), (1.0, Joined(topic=EVENTS)), (2.0, ready(EVENTS))],
        [(0.0, Joined(topic=EVENTS)), (20.0, Closed(code=1006))],
        [(0.0, Joined(topic=EVENTS)), (1.0, ready(EVENTS)), (20.0, Closed(code=1006))],
        [
            (0.0, Joined(topic=EVENTS)),
            (20.0, Closed(code=1006)),
            (25.0, Opened()),
            (26.0, Joined(topic=EVENTS)),
            (50.0, ready(EVENTS)),
        ],
        [(0.0, Joined(topic=EVENTS)), (20.0, ChannelErrored(topic=EVENTS, reason="crash"))],
    ],
    ids=[
        "told just in time",
        "told again",
        "the socket is gone, and the client comes back by itself",
        "told, and then the socket is gone",
        "told after the client came back",
        "the channel crashed, and the client joins again by itself",
    ],
)
def test_nobody_waits_for_the_word_of_a_join_that_is_told_or_over(said: list[tuple[float, ClientEvent]]) -> None:
    assert fresh_joins(run(expected(*said))) == 0


def test_the_second_join_of_a_client_is_waited_for_from_its_own_time_on() -> None:
    async def story() -> list[float]:
        stage = Stage()
        await stage.channels.join()
        left: list[float] = []

        async def watch() -> None:
            while f"unsubscribe {EVENTS}" not in stage.client.calls:
                await stage.clock.sleep(1.0)
            left.append(stage.clock.now())

        async with asyncio.TaskGroup() as tasks:
            stage.channels.handle(Joined(topic=EVENTS), tasks)
            await stage.clock.sleep(20.0)
            stage.channels.handle(Closed(code=1006), tasks)
            stage.channels.handle(Joined(topic=EVENTS), tasks)
            tasks.create_task(watch())
        return left

    (left_at,) = run(story())
    assert 20.0 + READY_S <= left_at <= 22.0 + READY_S
