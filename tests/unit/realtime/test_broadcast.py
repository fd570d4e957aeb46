"""Which frame a socket of each vsn gets of which broadcast; texts and bytes as recorded (p05, p05c)."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from harness.errors import FrameError
from harness.phoenix.message import JSON_ENCODED, RAW_ENCODED, Binary, UserBroadcast
from harness.phoenix.serializer import V1, V2
from harness.realtime.broadcast import (
    Frames,
    Replay,
    Room,
    Rooms,
    Stored,
    Text,
    from_row,
    in_order,
    message_id,
    passed_on,
)
from harness.replication.change import Action, Change, Relation
from harness.replication.lsn import Lsn

TOPIC = "realtime:room1"
JSON = UserBroadcast(user_event="single", encoding=JSON_ENCODED, data=b'{"h":2}')
RAW = UserBroadcast(user_event="singlebin", encoding=RAW_ENCODED, data=b"\x00\x01\xff")


def text_of(frame: bytes | None) -> str:
    assert frame is not None
    assert frame[0] == 0x81
    return frame[2 if frame[1] < 126 else 4 :].decode()


def bytes_of(frame: bytes | None) -> bytes:
    assert frame is not None
    assert frame[0] == 0x82
    return frame[2 if frame[1] < 126 else 4 :]


def test_a_pushed_map_is_passed_on_as_it_came() -> None:
    frames = Frames(Text({"type": "x", "event": "e", "extra": 1}), TOPIC)

    assert text_of(frames.of(V2)) == '[null,null,"realtime:room1","broadcast",{"type":"x","event":"e","extra":1}]'
    assert text_of(frames.of(V1)) == (
        '{"ref":null,"event":"broadcast","payload":{"type":"x","event":"e","extra":1},"topic":"realtime:room1"}'
    )


def test_a_frame_is_made_once_for_each_vsn() -> None:
    frames = Frames(Text({}), TOPIC)

    assert frames.of(V2) is frames.of(V2)
    assert frames.of(V1) is frames.of(V1)


@pytest.mark.parametrize("payload", ["str", [1], 5, None])
def test_what_is_no_map_cannot_be_framed_for_v2_but_for_v1(payload: Any) -> None:
    frames = Frames(Text(payload), TOPIC)

    assert '"payload":' in text_of(frames.of(V1))
    with pytest.raises(FrameError):
        frames.of(V2)


def test_it_can_where_maps_are_not_required() -> None:
    frames = Frames(Text([1]), TOPIC, maps_only=False)

    assert text_of(frames.of(V2)) == '[null,null,"realtime:room1","broadcast",[1]]'


def test_json_of_a_user_broadcast_is_kind_4_for_v2_and_an_object_for_v1() -> None:
    frames = Frames(JSON, TOPIC)

    assert bytes_of(frames.of(V2)).hex() == "040e0600017265616c74696d653a726f6f6d3173696e676c657b2268223a327d"
    assert text_of(frames.of(V1)) == (
        '{"ref":null,"event":"broadcast","payload":{"event":"single","payload":{"h":2},"type":"broadcast"},'
        '"topic":"realtime:room1"}'
    )


def test_raw_bytes_are_for_v2_only() -> None:
    frames = Frames(RAW, TOPIC)

    assert bytes_of(frames.of(V2)).hex() == "040e0900007265616c74696d653a726f6f6d3173696e676c6562696e0001ff"
    assert frames.of(V1) is None


@pytest.mark.parametrize("data", [b'{"a":', b"\xff", b"{}{}", b"[" * 100_000])
def test_what_only_says_that_it_is_json_is_not_for_v1(data: bytes) -> None:
    frames = Frames(UserBroadcast(user_event="e", encoding=JSON_ENCODED, data=data), TOPIC)

    assert frames.of(V1) is None
    assert frames.of(V2) is not None


def test_metadata_stands_beside_the_payload_for_v1() -> None:
    broadcast = UserBroadcast(user_event="evt", encoding=1, data=b'{"id": "x"}', metadata={"id": "x"})

    assert text_of(Frames(broadcast, TOPIC).of(V1)) == (
        '{"ref":null,"event":"broadcast","payload":{"event":"evt","meta":{"id":"x"},"payload":{"id": "x"},'
        '"type":"broadcast"},"topic":"realtime:room1"}'
    )


def test_json_from_the_database_may_be_text_for_v2_too() -> None:
    broadcast = UserBroadcast(user_event="evt", encoding=1, data=b"[1]", metadata={"id": "x"})

    assert text_of(Frames(broadcast, TOPIC, text_only=True).of(V2)) == (
        '[null,null,"realtime:room1","broadcast",{"event":"evt","meta":{"id":"x"},"payload":[1],"type":"broadcast"}]'
    )
    assert bytes_of(Frames(RAW, TOPIC, text_only=True).of(V2))[0] == 4


def test_bytes_pushed_as_kind_0_are_kind_2_for_v2_and_nothing_for_v1() -> None:
    frames = Frames(Binary(data=b"\x01"), TOPIC)

    assert bytes_of(frames.of(V2)) == b"\x02\x0e\x09realtime:room1broadcast\x01"
    with pytest.raises(FrameError):
        frames.of(V1)


@pytest.mark.parametrize("broadcast", [JSON, Binary(data=b"")])
def test_a_topic_that_is_too_long_for_a_binary_frame_cannot_be_framed(broadcast: Any) -> None:
    with pytest.raises(FrameError):
        Frames(broadcast, "realtime:" + "x" * 247).of(V2)


def test_the_metadata_of_a_push_is_not_passed_on() -> None:
    pushed = UserBroadcast(user_event="e", encoding=7, data=b"d", metadata={"id": "forged"})

    assert passed_on(pushed) == UserBroadcast(user_event="e", encoding=7, data=b"d")
    assert passed_on([1]) == Text([1])
    assert passed_on(Binary(data=b"")) == Binary(data=b"")


def test_only_a_row_of_the_database_has_an_id() -> None:
    assert message_id(Text({"meta": {"id": "x"}})) is None
    assert message_id(JSON) is None
    assert message_id(UserBroadcast(user_event="e", encoding=1, data=b"", metadata={"id": "x"})) == "x"


def test_rooms_keep_the_order_and_forget_who_left() -> None:
    rooms: Rooms[str] = Rooms()
    public, private = Room(TOPIC, False), Room(TOPIC, True)
    for member in ("c", "a", "b"):
        rooms.enter(public, member)
    rooms.enter(private, "p")

    rooms.leave(public, "a")
    rooms.leave(private, "p")
    rooms.leave(private, "nobody")

    assert rooms.members(public) == ("c", "b")
    assert rooms.members(private) == ()


def row(
    *,
    action: Action = Action.INSERT,
    table: str = "messages_2026_11_24",
    values: Mapping[str, str | None] | None = None,
) -> Change:
    record = {"id": "i", "topic": "room1", "event": "evt", "private": "t", "payload": '{"a": 1}', **(values or {})}
    return Change(
        lsn=Lsn(1),
        position=0,
        commit_timestamp=datetime(2026, 11, 24, tzinfo=UTC),
        relation=Relation(oid=1, schema="realtime", table=table, columns=()),
        action=action,
        record=record,
    )


def test_a_row_is_broadcast_as_postgresql_prints_it() -> None:
    assert from_row(row(values={"private": "f"})) == (
        Room(TOPIC, False),
        UserBroadcast(user_event="evt", encoding=1, data=b'{"a": 1}', metadata={"id": "i"}),
    )


def test_bytes_of_a_row_are_broadcast_raw() -> None:
    assert from_row(row(values={"payload": None, "binary_payload": "\\x00ff10"})) == (
        Room(TOPIC, True),
        UserBroadcast(user_event="evt", encoding=0, data=b"\x00\xff\x10", metadata={"id": "i"}),
    )


@pytest.mark.parametrize("absent", ["event", "payload", "private", "topic", "id"])
def test_a_row_that_lacks_something_is_not_sent(absent: str) -> None:
    assert from_row(row(values={absent: None})) is None


def test_a_row_without_payload_may_be_sent_as_null() -> None:
    heard = from_row(row(values={"payload": None}), nulls=True)

    assert heard is not None
    assert heard[1].data == b"null"


@pytest.mark.parametrize(("action", "table"), [(Action.UPDATE, "messages_1"), (Action.INSERT, "other")])
def test_only_new_messages_are_sent(action: Action, table: str) -> None:
    assert from_row(row(action=action, table=table)) is None


def test_json_is_replayed_as_text_that_was_printed_anew() -> None:
    stored = Stored(id="i", event="many", payload='{"i": 16, "id": "i"}')

    assert stored.replayed() == Text(
        {
            "event": "many",
            "meta": {"id": "i", "replayed": True},
            "payload": {"i": 16, "id": "i"},
            "type": "broadcast",
        }
    )


def test_bytes_are_replayed_as_kind_4() -> None:
    stored = Stored(id="i", event="bin", binary_payload=b"\x00")

    assert stored.replayed() == UserBroadcast(
        user_event="bin", encoding=0, data=b"\x00", metadata={"id": "i", "replayed": True}
    )


def test_the_oldest_is_replayed_first() -> None:
    newest_first = [Stored(id="2", event="e"), Stored(id="1", event="e")]

    assert [each.id for each in in_order(newest_first)] == ["1", "2"]


@pytest.mark.parametrize(
    ("given", "limit"),
    [({}, 25), ({"limit": 3}, 3), ({"limit": 0}, 1), ({"limit": 99}, 25), ({"limit": None}, 25), ({"limit": -5}, 1)],
)
def test_a_replay_gives_one_to_twenty_five(given: dict[str, Any], limit: int) -> None:
    assert Replay.wanted({"since": 5, **given}) == Replay(since=5, limit=limit)


@pytest.mark.parametrize(
    "given", [{}, {"since": "x"}, {"since": 1.5}, {"since": True}, {"since": 5, "limit": "3"}, {"since": None}]
)
def test_a_replay_needs_whole_numbers(given: dict[str, Any]) -> None:
    assert Replay.wanted(given) == "UnableToReplayMessages: Replay params are not valid"


def test_a_replay_from_no_year_of_the_calendar_is_refused() -> None:
    assert Replay.wanted({"since": 253_402_300_800_000}) == ("UnknownErrorOnChannel: invalid Unix time 253402300800000")
    assert Replay.wanted({"since": -1}) == Replay(since=-1, limit=25)
