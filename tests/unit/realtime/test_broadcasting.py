"""Who gets what a channel pushes, and what its sender hears (realtime-facts 5.1; recordings p05, p05c, p09b)."""

import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any, cast

import pytest

from harness.history.recorder import Recorder
from harness.phoenix.message import Binary, UserBroadcast
from harness.phoenix.serializer import V1, V2
from harness.phoenix.server import Outgoing, Pushed
from harness.realtime.auth import Claims
from harness.realtime.authorisation import Authorisation, Extension, Failure, Permits, Visitor
from harness.realtime.broadcast import Replay, Room, Stored, Text
from harness.realtime.broadcasting import Broadcasts
from harness.realtime.channel import Channel
from harness.realtime.join import BroadcastOptions, Join
from harness.realtime.limits import TenantLimits
from harness.realtime.plans import Limits
from harness.realtime.quirks import Quirks
from harness.realtime.services import Services
from harness.realtime.subscription import Subscriber
from harness.realtime.tenant import LiveTenant, Tenant
from harness.realtime.worker import Delivery, Worker
from harness.replication.change import Action, Change, Relation
from harness.replication.lsn import Lsn

TOPIC = "realtime:room"
ALICE = Claims(role="anon", expires=1, text="{}", token="t")


@dataclass(kw_only=True)
class Now:
    """A clock that is told the time."""

    seconds: float = 0.0

    def now(self) -> float:
        return self.seconds

    def wall(self) -> datetime:
        return datetime(2026, 11, 24, tzinfo=UTC)

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@dataclass(kw_only=True, eq=False)
class Heard:
    """A socket that keeps what it is told: frames as `frame`, the rest by name."""

    name: str = "reader"
    vsn: str = V2
    headers: Mapping[str, str] = field(default_factory=dict)
    channels: dict[int, Channel] = field(default_factory=dict)
    said: list[tuple[Any, ...]] = field(default_factory=list)

    def push(self, channel: int, event: str, payload: Any) -> None:
        self.said.append(("push", event, payload))

    def reply(self, channel: int, ref: Any, status: str, response: Any) -> None:
        self.said.append(("reply", ref, status, response))

    def relay(self, frame: Outgoing) -> None:
        self.said.append(("frame", frame))

    def end(self, channel: int) -> None:
        self.said.append(("end",))

    def crash(self, channel: int) -> None:
        self.said.append(("crash",))

    def deliver(self, deliveries: Sequence[Delivery]) -> None: ...
    def down(self, subscriber: Subscriber, *, at_once: bool = False) -> None: ...

    def kinds(self) -> list[str]:
        return [each[0] for each in self.said]


@dataclass(kw_only=True)
class Table:
    """`realtime.messages` without a database."""

    reads: frozenset[Extension] = frozenset(Extension)
    writes: bool = True
    stored: tuple[Stored, ...] | None = ()
    asked: list[Replay] = field(default_factory=list)
    writes_asked: int = 0
    connected: bool = True

    @property
    def authorisation(self) -> Authorisation:
        return self

    @authorisation.setter
    def authorisation(self, _: Authorisation) -> None: ...

    def listen(self, hear: Callable[[Change], None], *, patient: bool) -> None: ...

    async def replay(self, topic: str, replay: Replay) -> tuple[Stored, ...] | None:
        self.asked.append(replay)
        return self.stored

    @property
    def standing(self) -> bool:
        return True

    async def reach(self) -> Failure | None:
        return None

    async def readable(self, visitor: Visitor, extensions: Collection[Extension]) -> frozenset[Extension] | Failure:
        return self.reads & frozenset(extensions)

    async def writable(self, visitor: Visitor, extension: Extension) -> bool | Failure:
        self.writes_asked += 1
        return self.writes


class House:
    """A server's broadcasts with nothing around them."""

    def __init__(self, *, table: Table | None = None, limits: Limits | None = None, **quirks: bool) -> None:
        tenant = Tenant(jwt_secret="s", quirks=Quirks(**quirks), limits=limits or Limits())
        self.clock = Now()
        self.recorder = Recorder(self.clock.now)
        self.services = Services(
            live=LiveTenant(tenant),
            worker=cast(Worker, None),
            clock=self.clock,
            rng=Random(1),
            recorder=self.recorder,
            limits=TenantLimits(tenant.limits, quirks=tenant.quirks),
        )
        self.permits = Permits(table)
        self.broadcasts = Broadcasts(self.services, self.permits, table)
        self._features = (self.permits.feature(), self.broadcasts.feature())
        self.refused: str | None = None

    async def join(self, *, vsn: str = V2, private: bool = False, **options: Any) -> tuple[Channel, Heard]:
        socket = Heard(vsn=vsn)
        join = Join(private=private, broadcast=BroadcastOptions(**options))
        channel = Channel(number=1, topic=TOPIC, join=join, claims=ALICE, socket=socket)
        for feature in self._features:
            assert feature.admit is not None
            answer = feature.admit(channel)
            self.refused = self.refused or (await answer if inspect.isawaitable(answer) else answer)
        if self.refused is None and (follow := self._features[1].follow) is not None:
            follow(channel)
        return channel, socket

    async def push(self, channel: Channel, payload: Any, ref: str = "2") -> None:
        pushed = Pushed(channel=1, ref=ref, event="broadcast", payload=payload)
        waiting = self._features[1].events["broadcast"](channel, pushed)
        if waiting is not None:
            await waiting

    def leave(self, channel: Channel) -> None:
        for feature in self._features:
            if feature.over is not None:
                feature.over(channel)


async def test_a_push_goes_to_the_others_and_without_ack_nobody_answers() -> None:
    house = House()
    (sender, own), (_, v2), (_, v1) = await house.join(), await house.join(), await house.join(vsn=V1)

    await house.push(sender, {"event": "x"})

    assert own.said == []
    assert v2.kinds() == v1.kinds() == ["frame"]


async def test_the_sender_hears_its_own_before_the_reply_if_it_wants_both() -> None:
    house = House()
    sender, own = await house.join(own=True, ack=True)

    await house.push(sender, {"event": "x"}, ref="7")

    assert own.kinds() == ["frame", "reply"]
    assert own.said[1] == ("reply", "7", "ok", {})


async def test_the_same_bytes_go_to_every_socket_of_a_vsn() -> None:
    house = House()
    (sender, _), (_, one), (_, other) = await house.join(), await house.join(), await house.join()

    await house.push(sender, UserBroadcast(user_event="e", encoding=1, data=b"{}"))

    assert one.said[0][1] is other.said[0][1]


async def test_private_and_public_channels_of_a_topic_are_apart() -> None:
    house = House(table=Table())
    (sender, _), (_, private), (_, public) = (
        await house.join(private=True),
        await house.join(private=True),
        await house.join(),
    )

    await house.push(sender, {"event": "x"})

    assert private.kinds() == ["frame"]
    assert public.said == []


async def test_who_left_hears_nothing() -> None:
    house = House()
    (sender, _), (leaver, gone) = await house.join(), await house.join()

    house.leave(leaver)
    await house.push(sender, {})

    assert gone.said == []


async def test_who_may_not_read_broadcasts_hears_none() -> None:
    house = House(table=Table(reads=frozenset()))
    channel, deaf = await house.join(private=True)

    house.broadcasts.send(Room(TOPIC, True), Text({}))

    assert house.permits.reads(channel, Extension.BROADCAST) is False
    assert deaf.said == []


@pytest.mark.parametrize("payload", ["str", [1], 5, None])
async def test_what_is_no_map_crashes_its_sender_if_v2_would_get_it(payload: Any) -> None:
    house = House()
    (sender, own), (_, other) = await house.join(ack=True), await house.join()

    await house.push(sender, payload)

    assert own.said == [("crash",)]
    assert other.said == []


async def test_v1_alone_gets_what_is_no_map() -> None:
    house = House()
    (sender, own), (_, other) = await house.join(vsn=V1, ack=True), await house.join(vsn=V1)

    await house.push(sender, [1])

    assert other.kinds() == ["frame"]
    assert own.kinds() == ["reply"]


async def test_v2_gets_it_without_the_quirk() -> None:
    house = House(non_map_broadcast_crashes_sender=False)
    (sender, own), (_, other) = await house.join(ack=True), await house.join()

    await house.push(sender, [1])

    assert other.kinds() == ["frame"]
    assert own.kinds() == ["reply"]


@pytest.mark.parametrize(
    "payload",
    [
        {"k": "x" * 1500},
        UserBroadcast(user_event="e", encoding=0, data=b"x" * 1500),
        Binary(data=b"x" * 1500),
    ],
)
async def test_what_is_too_big_is_dropped_and_with_ack_refused(payload: Any) -> None:
    house = House(limits=Limits(max_payload_size_in_kb=1))
    (sender, own), (_, other) = await house.join(ack=True), await house.join()

    await house.push(sender, payload, ref="9")

    assert own.said == [("reply", "9", "error", "payload_size_exceeded")]
    assert other.said == []
    assert [op.value["limit"] for op in house.recorder.ops() if op.f == "limit"] == ["max_payload_size_in_kb"]


async def test_bytes_pushed_as_kind_0_are_sent_on() -> None:
    house = House()
    (sender, own), (_, other) = await house.join(ack=True), await house.join()

    await house.push(sender, Binary(data=b"\x00"))

    assert other.kinds() == ["frame"]
    assert own.kinds() == ["reply"]


async def test_whether_it_may_send_is_asked_at_the_first_push_and_kept() -> None:
    table = Table(writes=False)
    house = House(table=table)
    (sender, own), (_, other) = await house.join(private=True, ack=True), await house.join(private=True)

    await house.push(sender, {})
    table.writes = True
    await house.push(sender, {})

    assert table.writes_asked == 1
    assert own.said == other.said == []


async def test_it_is_asked_at_every_push_without_the_quirk() -> None:
    table = Table(writes=False)
    house = House(table=table, write_permission_kept=False)
    (sender, own), (_, other) = await house.join(private=True, ack=True), await house.join(private=True)

    await house.push(sender, {})
    table.writes = True
    await house.push(sender, {})

    assert own.kinds() == ["reply"]
    assert other.kinds() == ["frame"]


async def test_a_push_that_is_not_allowed_is_answered_without_the_quirk() -> None:
    house = House(table=Table(writes=False), denied_broadcast_without_reply=False)
    sender, own = await house.join(private=True, ack=True)

    await house.push(sender, {}, ref="3")

    assert own.said == [
        ("reply", "3", "error", {"reason": "You do not have permissions to write to this Channel topic"})
    ]


async def test_too_many_messages_close_who_hears_them_and_not_who_sends() -> None:
    house = House(limits=Limits(max_events_per_second=1))
    (sender, own), (_, other) = await house.join(ack=True), await house.join()

    for _ in range(20):
        await house.push(sender, {})
    house.clock.seconds = 5.0
    await house.push(sender, {})

    assert other.kinds()[-3:] == ["frame", "push", "end"]
    assert other.said[-2][2]["message"] == "Too many messages per second"
    assert own.kinds() == ["reply"] * 21


def stored(id_: str) -> Stored:
    return Stored(id=id_, event="many", payload='{"i": 1}')


async def test_a_replay_comes_after_the_join_the_oldest_first() -> None:
    table = Table(stored=(stored("a"), Stored(id="b", event="bin", binary_payload=b"\x00")))
    house = House(table=table)

    _, socket = await house.join(private=True, replay=({"since": 5, "limit": 2},))

    assert table.asked == [Replay(since=5, limit=2)]
    assert socket.kinds() == ["push", "frame"]
    assert socket.said[0][1:] == (
        "broadcast",
        {"event": "many", "meta": {"id": "a", "replayed": True}, "payload": {"i": 1}, "type": "broadcast"},
    )


async def test_raw_bytes_are_not_replayed_to_v1() -> None:
    house = House(table=Table(stored=(Stored(id="b", event="bin", binary_payload=b"\x00"),)))

    _, socket = await house.join(vsn=V1, private=True, replay=({"since": 5},))

    assert socket.said == []


async def test_what_was_replayed_is_not_sent_again() -> None:
    house = House(table=Table(stored=(stored("a"),)))
    _, replayed = await house.join(private=True, replay=({"since": 5},))
    _, other = await house.join(private=True)

    house.broadcasts.hear(a_row(id="a"))

    assert replayed.kinds() == ["push"]
    assert other.kinds() == ["frame"]


@pytest.mark.parametrize(
    ("private", "given", "refusal"),
    [
        (False, {"since": 5}, "UnableToReplayMessages: Replay is not allowed for public channels"),
        (False, "x", "UnableToReplayMessages: Replay is not allowed for public channels"),
        (True, {"since": "x"}, "UnableToReplayMessages: Replay params are not valid"),
        (True, {"since": 5}, "UnableToReplayMessages: Realtime was unable to replay messages"),
        (True, "x", None),
    ],
)
async def test_a_replay_that_is_not_possible_refuses_the_join(private: bool, given: Any, refusal: str | None) -> None:
    house = House(table=Table(stored=None))

    await house.join(private=private, replay=(given,))

    assert house.refused == refusal


async def test_who_may_read_presence_alone_gets_no_replay() -> None:
    table = Table(reads=frozenset([Extension.PRESENCE]), stored=(stored("a"),))
    house = House(table=table)
    channel = Channel(
        number=1,
        topic=TOPIC,
        join=Join(private=True, presence=True, broadcast=BroadcastOptions(replay=({"since": 5},))),
        claims=ALICE,
        socket=Heard(),
    )

    answers = [await cast(Any, feature.admit)(channel) for feature in house._features]

    assert answers == [
        None,
        "Unauthorized: You do not have permissions to read from this Channel topic: room",
    ]


def a_row(**values: str | None) -> Change:
    record = {"id": "i", "topic": "room", "event": "evt", "private": "t", "payload": '{"a": 1}', **values}
    return Change(
        lsn=Lsn(1),
        position=0,
        commit_timestamp=datetime(2026, 11, 24, tzinfo=UTC),
        relation=Relation(oid=1, schema="realtime", table="messages_2026_11_24", columns=()),
        action=Action.INSERT,
        record=record,
    )


async def test_a_row_goes_to_v2_as_bytes_and_without_the_quirk_as_text() -> None:
    kinds = []
    for quirk in (True, False):
        house = House(table=Table(), database_json_as_binary=quirk)
        _, socket = await house.join(private=True)
        house.broadcasts.hear(a_row())
        kinds.append(socket.said[0][1][0])

    assert kinds == [0x82, 0x81]


@pytest.mark.parametrize(("quirk", "heard"), [(True, []), (False, ["frame"])])
async def test_a_row_without_payload(quirk: bool, heard: list[str]) -> None:
    house = House(table=Table(), null_broadcast_dropped=quirk)
    _, socket = await house.join(private=True)

    house.broadcasts.hear(a_row(payload=None))

    assert socket.kinds() == heard


@pytest.mark.parametrize(("quirk", "heard"), [(True, []), (False, ["frame"])])
async def test_a_row_above_the_payload_limit(quirk: bool, heard: list[str]) -> None:
    house = House(table=Table(), limits=Limits(max_payload_size_in_kb=1), big_database_broadcast_dropped=quirk)
    _, socket = await house.join(private=True)

    house.broadcasts.hear(a_row(payload='"' + "x" * 2000 + '"'))

    assert socket.kinds() == heard


async def test_a_row_is_not_sent_while_there_are_too_many() -> None:
    house = House(table=Table(), limits=Limits(max_events_per_second=1))
    _, socket = await house.join(private=True)
    for _ in range(20):
        house.broadcasts.hear(a_row())
    socket.said.clear()

    house.clock.seconds = 5.0
    house.broadcasts.hear(a_row())

    assert socket.said == []
    assert [op.value["limit"] for op in house.recorder.ops() if op.f == "limit"] == ["max_events_per_second"]


async def test_a_row_that_cannot_be_framed_is_told_to_the_history() -> None:
    house = House(table=Table())
    long = "x" * 300
    channel, socket = await house.join(private=True)

    house.broadcasts.hear(a_row(event=long))

    assert socket.said == []
    assert [op.value["topic"] for op in house.recorder.ops() if op.f == "unsent"] == [channel.topic]
