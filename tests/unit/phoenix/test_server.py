"""Frames are literal, as recorded (p01, p07, p15)."""

import json
from typing import Any

import pytest

from harness.phoenix.message import RAW_ENCODED, UserBroadcast
from harness.phoenix.server import ChannelOver, JoinAsked, Pushed, ServerConnection, TokenGiven

V1, V2 = "1.0.0", "2.0.0"
OK: dict[str, Any] = {"postgres_changes": []}


def a_connection(vsn: str = V2) -> ServerConnection:
    return ServerConnection(vsn=vsn, now=0.0)


def joined(topic: str = "realtime:test", join_ref: Any = "1", vsn: str = V2) -> ServerConnection:
    """A connection with channel 1 on `topic`, and nothing left to fetch."""
    connection = a_connection(vsn)
    join(connection, topic, join_ref)
    connection.accept(1, OK)
    connection.frames_to_send()
    return connection


def join(connection: ServerConnection, topic: str, join_ref: Any, payload: Any = None, now: float = 0.0) -> None:
    connection.received(a_frame(join_ref, join_ref, topic, "phx_join", payload or {}, connection.vsn), now)
    connection.requests()


def a_frame(join_ref: Any, ref: Any, topic: Any, event: Any, payload: Any, vsn: str = V2) -> str:
    if vsn == V2:
        return json.dumps([join_ref, ref, topic, event, payload])
    return json.dumps({"topic": topic, "event": event, "payload": payload, "ref": ref, "join_ref": join_ref})


def test_a_heartbeat_is_answered_with_its_ref() -> None:
    connection = a_connection()

    connection.received('[null, "1", "phoenix", "heartbeat", {}]', 1.0)

    assert connection.frames_to_send() == ('[null,"1","phoenix","phx_reply",{"status":"ok","response":{}}]',)
    assert connection.frames_to_send() == ()


@pytest.mark.parametrize("ref", [5, None, "x", {"a": [1.5]}])
def test_a_ref_is_echoed_whatever_it_is(ref: Any) -> None:
    connection = a_connection()

    connection.received(a_frame(None, ref, "phoenix", "heartbeat", {}), 1.0)

    assert json.loads(str(connection.frames_to_send()[0]))[1] == ref


def test_a_join_is_asked_for_and_its_reply_carries_join_ref_and_ref() -> None:
    connection = a_connection()

    connection.received('["2", "3", "realtime:test", "phx_join", {"config": {}}]', 1.0)
    asked = connection.requests()
    connection.accept(1, {"postgres_changes": []})

    assert asked == (JoinAsked(channel=1, topic="realtime:test", payload={"config": {}}),)
    assert connection.frames_to_send() == (
        '["2","3","realtime:test","phx_reply",{"status":"ok","response":{"postgres_changes":[]}}]',
    )


def test_vsn_1_sends_no_join_ref() -> None:
    connection = a_connection(V1)

    join(connection, "realtime:test", "1")
    connection.accept(1, OK)
    connection.push(1, "system", {"status": "ok"})

    assert [json.loads(str(frame)) for frame in connection.frames_to_send()] == [
        {"ref": "1", "event": "phx_reply", "topic": "realtime:test", "payload": {"status": "ok", "response": OK}},
        {"ref": None, "event": "system", "topic": "realtime:test", "payload": {"status": "ok"}},
    ]


def test_while_a_join_is_processed_nothing_else_moves() -> None:
    connection = joined()
    join(connection, "realtime:other", "2")

    connection.received('[null, "3", "phoenix", "heartbeat", {}]', 1.0)
    connection.push(1, "system", {})
    connection.relay(b"change")

    assert connection.blocked
    assert connection.frames_to_send() == ()

    connection.accept(2, OK)

    assert connection.frames_to_send() == (
        '["2","2","realtime:other","phx_reply",{"status":"ok","response":{"postgres_changes":[]}}]',
        '["1",null,"realtime:test","system",{}]',
        b"change",
        '[null,"3","phoenix","phx_reply",{"status":"ok","response":{}}]',
    )


def test_two_joins_back_to_back_are_answered_one_after_the_other() -> None:
    connection = a_connection()
    connection.received('["1", "1", "realtime:d", "phx_join", {}]', 0.0)
    connection.received('["2", "2", "realtime:d", "phx_join", {}]', 0.0)
    first = connection.requests()
    connection.accept(1, OK)
    second = connection.requests()
    connection.accept(2, OK)

    assert first == (JoinAsked(channel=1, topic="realtime:d", payload={}),)
    assert second == (ChannelOver(channel=1), JoinAsked(channel=2, topic="realtime:d", payload={}))
    assert connection.frames_to_send() == (
        '["1","1","realtime:d","phx_reply",{"status":"ok","response":{"postgres_changes":[]}}]',
        '["2","2","realtime:d","phx_reply",{"status":"ok","response":{"postgres_changes":[]}}]',
        '["1","1","realtime:d","phx_close",{}]',
    )


def test_a_refused_join_is_answered_when_its_time_has_come() -> None:
    connection = a_connection()
    connection.received('[null, "9", "realtime:", "phx_join", {"config": {}}]', 1.0)
    connection.requests()

    connection.refuse(1, "TopicNameRequired: You must provide a topic name", at=6.0)
    connection.tick(5.9)
    early = connection.frames_to_send()
    deadline = connection.next_deadline()
    connection.tick(6.0)

    assert early == ()
    assert deadline == 6.0
    assert connection.frames_to_send() == (
        '[null,"9","realtime:","phx_reply",{"status":"error","response":'
        '{"reason":"TopicNameRequired: You must provide a topic name"}}]',
    )
    assert not connection.blocked


def test_a_refusal_may_close_the_socket_after_its_answer() -> None:
    """realtime-facts 6.2: too many joins."""
    connection = a_connection()
    join(connection, "realtime:x", "1")
    connection.received('[null, "2", "phoenix", "heartbeat", {}]', 1.0)

    connection.refuse(1, "ClientJoinRateLimitReached: Too many joins per second", at=5.0, close_code=1001)
    connection.tick(4.9)
    early = connection.close_code
    connection.tick(5.0)

    assert early is None
    assert connection.close_code == 1001
    (reply,) = connection.frames_to_send()
    assert json.loads(str(reply))[4]["status"] == "error"


@pytest.mark.parametrize("topic", [None, 5, ["realtime:test"], {"a": 1}])
@pytest.mark.parametrize("event", ["phx_join", "broadcast"])
def test_a_topic_that_is_no_string_is_unmatched(topic: Any, event: str) -> None:
    """Recorded: p07, `m_topic_null` and `m_topic_num`."""
    connection = joined()

    connection.received(a_frame(None, "9", topic, event, {}), 1.0)

    (reply,) = connection.frames_to_send()
    unmatched = {"status": "error", "response": {"reason": "unmatched topic"}}
    assert json.loads(str(reply)) == [None, "9", topic, "phx_reply", unmatched]


@pytest.mark.parametrize("event", [None, 5, ["broadcast"], {}])
def test_an_event_that_is_no_string_is_ignored_on_a_joined_topic(event: Any) -> None:
    """Recorded: p07, `m_event_null`."""
    connection = joined()

    connection.received(a_frame("1", "9", "realtime:test", event, {}), 1.0)

    assert (connection.requests(), connection.frames_to_send()) == ((), ())


def test_a_user_broadcast_push_is_a_push_of_broadcast() -> None:
    connection = joined()

    connection.received(bytes((3, 1, 1, 13, 5, 0, 0)) + b"17realtime:testbinev\x00\xff", 1.0)

    broadcast = UserBroadcast(user_event="binev", encoding=RAW_ENCODED, data=b"\x00\xff")
    assert connection.requests() == (Pushed(channel=1, ref="7", event="broadcast", payload=broadcast),)


def test_a_refused_join_of_a_joined_topic_ends_the_old_channel_all_the_same() -> None:
    connection = joined()
    join(connection, "realtime:test", "2")

    connection.refuse(2, "no", at=0.0)
    connection.tick(0.0)
    connection.received('["2", "3", "realtime:test", "x", {}]', 0.0)

    assert connection.frames_to_send() == (
        '["2","2","realtime:test","phx_reply",{"status":"error","response":{"reason":"no"}}]',
        '["1","1","realtime:test","phx_close",{}]',
        '[null,"3","realtime:test","phx_reply",{"status":"error","response":{"reason":"unmatched topic"}}]',
    )


def test_a_leave_is_answered_and_then_the_channel_is_closed() -> None:
    connection = joined(join_ref="2")

    connection.received('["2", "4", "realtime:test", "phx_leave", {}]', 1.0)

    assert connection.requests() == (ChannelOver(channel=1, left=True),)
    assert connection.frames_to_send() == (
        '["2","4","realtime:test","phx_reply",{"status":"ok","response":{}}]',
        '["2","2","realtime:test","phx_close",{}]',
    )


def test_a_leave_with_a_stale_join_ref_is_ignored() -> None:
    connection = joined(join_ref="2")

    connection.received('["1", "5", "realtime:test", "phx_leave", {}]', 1.0)

    assert connection.requests() == ()
    assert connection.frames_to_send() == ()


def test_a_leave_of_a_topic_that_is_not_joined_is_answered_ok() -> None:
    connection = a_connection()

    connection.received('[null, "8", "realtime:nope", "phx_leave", {}]', 1.0)

    assert connection.frames_to_send() == ('[null,"8","realtime:nope","phx_reply",{"status":"ok","response":{}}]',)


@pytest.mark.parametrize(
    ("topic", "event"),
    [("foo:bar", "phx_join"), ("foo:bar", "x"), ("realtime:other", "broadcast"), ("phoenix", "phx_join")],
)
def test_a_push_to_a_topic_that_is_not_joined_is_unmatched(topic: str, event: str) -> None:
    connection = joined()

    connection.received(a_frame("1", "9", topic, event, {}), 1.0)

    assert connection.frames_to_send() == (
        f'[null,"9","{topic}","phx_reply",{{"status":"error","response":{{"reason":"unmatched topic"}}}}]',
    )


@pytest.mark.parametrize("event", ["foo", "phx_close", "phx_error", "presence_state", "postgres_changes"])
def test_another_event_on_a_joined_topic_is_for_the_server_to_answer_or_not(event: str) -> None:
    connection = joined()

    connection.received(a_frame("999", "9", "realtime:test", event, {"ids": [1]}), 1.0)

    assert connection.requests() == (Pushed(channel=1, ref="9", event=event, payload={"ids": [1]}),)
    assert connection.frames_to_send() == ()


def test_a_push_is_answered_with_the_join_ref_of_its_channel() -> None:
    connection = joined()

    connection.reply(1, "9", "ok", {})

    assert connection.frames_to_send() == ('["1","9","realtime:test","phx_reply",{"status":"ok","response":{}}]',)


def test_a_channel_that_crashes_is_over() -> None:
    connection = joined()

    connection.crash(1)

    assert connection.frames_to_send() == ('["1","1","realtime:test","phx_error",{"reason":"channel_crash"}]',)
    assert connection.requests() == (ChannelOver(channel=1),)


@pytest.mark.parametrize(
    "frame",
    ["hello", "", "{}", "[]", "5", '"x"', "null", '["1","2","t"]', b"\x00\x01\x02", b"\x03\x01", "[" * 10_000],
)
def test_a_frame_that_is_no_message_is_dropped_and_the_connection_stays(frame: str | bytes) -> None:
    connection = joined()

    connection.received(frame, 1.0)
    dropped = connection.frames_to_send()
    connection.received('[null, "2", "phoenix", "heartbeat", {}]', 2.0)

    assert connection.malformed == 1
    assert dropped == ()
    assert connection.frames_to_send() == ('[null,"2","phoenix","phx_reply",{"status":"ok","response":{}}]',)


def test_a_message_that_is_too_deep_to_be_echoed_is_dropped() -> None:
    connection = a_connection()
    deep: Any = 1
    for _ in range(200):
        deep = {"a": [deep]}

    connection.received(a_frame("1", "1", "realtime:test", "phx_join", {"config": deep}), 1.0)

    assert connection.malformed == 1
    assert connection.requests() == ()


def test_a_token_is_handed_on_with_its_channel() -> None:
    connection = joined()

    connection.received('["1", "2", "realtime:test", "access_token", {"access_token": "t"}]', 1.0)
    connection.received('["1", "2", "realtime:test", "access_token", {"foo": 1}]', 1.0)
    connection.received('["1", "2", "realtime:test", "access_token", "x"]', 1.0)

    assert connection.requests() == (
        TokenGiven(channel=1, token="t"),
        TokenGiven(channel=1, token=None),
        TokenGiven(channel=1, token=None),
    )


def test_what_the_channel_pushes_carries_the_join_ref_and_no_ref() -> None:
    connection = joined(join_ref="7")

    connection.push(1, "presence_state", {})

    assert connection.frames_to_send() == ('["7",null,"realtime:test","presence_state",{}]',)


def test_a_channel_that_the_server_ends_gets_phx_close_and_nothing_after_it() -> None:
    connection = joined()

    connection.end(1)
    connection.push(1, "system", {})
    connection.end(1)

    assert connection.requests() == (ChannelOver(channel=1),)
    assert connection.frames_to_send() == ('["1","1","realtime:test","phx_close",{}]',)


def test_an_idle_socket_is_given_up_after_66_seconds() -> None:
    connection = joined()
    connection.received('[null, "2", "phoenix", "heartbeat", {}]', 10.0)
    connection.touched(20.0)

    connection.tick(85.9)
    before = connection.close_code
    deadline = connection.next_deadline()
    connection.tick(86.0)

    assert before is None
    assert deadline == 86.0
    assert connection.close_code == 1000
    assert connection.next_deadline() is None


def test_what_the_server_sends_does_not_keep_a_socket_alive() -> None:
    connection = joined()

    connection.relay("change")

    assert connection.next_deadline() == 66.0


def test_a_drained_socket_tells_every_topic_first() -> None:
    connection = joined()

    connection.drain(1012)

    assert connection.close_code == 1012
    assert connection.frames_to_send() == (
        '[null,null,"realtime:test","system",'
        '{"message":"Server requested disconnect","status":"ok","extension":"system"}]',
    )


def test_a_lost_socket_ends_every_channel_and_the_join_that_was_processed() -> None:
    connection = joined()
    join(connection, "realtime:other", "2")

    connection.lost()
    connection.accept(2, OK)
    connection.received('[null, "2", "phoenix", "heartbeat", {}]', 2.0)

    assert set(connection.requests()) == {ChannelOver(channel=1), ChannelOver(channel=2)}
    assert connection.frames_to_send() == ()
