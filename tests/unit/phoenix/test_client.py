"""The core of the client in virtual time: seconds are just numbers."""

import json
from random import Random
from typing import Any

import pytest

from harness.errors import ClientError, IllegalMove
from harness.phoenix.channel import ChannelMove
from harness.phoenix.client import MISMATCH, ClientConnection
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
from harness.phoenix.message import JSON_ENCODED, RAW_ENCODED
from harness.phoenix.serializer import V1, V2, encode_user_broadcast

BINDING = {"event": "INSERT", "schema": "public", "table": "process_events", "filter": "process_id=eq.7"}
SYSTEM_OK = {"message": "Subscribed to PostgreSQL", "status": "ok", "extension": "postgres_changes", "channel": "chg"}
CHANGE = {"data": {"table": "process_events", "type": "INSERT", "record": {"n": 1}, "schema": "public"}, "ids": [64]}
ACCEPTED = ChannelMoved(topic="chg", move=ChannelMove.ACCEPTED)
ENDED = ChannelMoved(topic="chg", move=ChannelMove.ENDED)


def moved(move: ChannelMove, reason: str) -> ChannelMoved:
    return ChannelMoved(topic="chg", move=move, reason=reason)


def a_client(*, token: str | None = "jwt", vsn: str = V2, jitter: float = 0.0, seed: int = 1) -> ClientConnection:
    return ClientConnection(rng=Random(seed), token=token, vsn=vsn, timing=Timing(jitter=jitter))


def an_open_client(*, vsn: str = V2) -> ClientConnection:
    client = a_client(vsn=vsn)
    client.opened(0.0)
    client.events()
    return client


def a_joined_client() -> ClientConnection:
    """Joined to `chg` with join_ref "1" at 0 s."""
    client = an_open_client()
    client.subscribe("chg", [BINDING], 0.0)
    receive(client, join_reply("1"))
    client.frames_to_send()
    client.events()
    return client


def receive(client: ClientConnection, *message: Any, now: float = 0.0) -> None:
    client.received(json.dumps(message if len(message) > 1 else message[0]), now)


def join_reply(ref: str, *, bindings: Any = None) -> list[Any]:
    granted = [{**BINDING, "id": 64}] if bindings is None else bindings
    return [ref, ref, "realtime:chg", "phx_reply", {"status": "ok", "response": {"postgres_changes": granted}}]


def sent(client: ClientConnection) -> list[Any]:
    return [json.loads(frame) for frame in client.frames_to_send()]


def events_of_leaving(client: ClientConnection) -> list[ConnectionEvent]:
    return [event for event in client.events() if event == ENDED]


def test_a_new_client_wants_to_connect_and_waits_for_nothing() -> None:
    client = a_client()

    assert client.wants() == Connect()
    assert client.next_deadline() is None


def test_what_is_subscribed_before_the_socket_stands_is_joined_when_it_does() -> None:
    client = a_client()

    client.subscribe("chg", [BINDING], 0.0)
    before = sent(client)
    client.opened(1.0)

    assert before == []
    assert sent(client) == [
        [
            "1",
            "1",
            "realtime:chg",
            "phx_join",
            {
                "config": {
                    "broadcast": {"ack": False, "self": False},
                    "presence": {"key": "", "enabled": False},
                    "postgres_changes": [BINDING],
                    "private": False,
                },
                "access_token": "jwt",
            },
        ]
    ]
    assert client.events() == [SocketOpened()]


def test_in_vsn_1_a_join_carries_its_join_ref() -> None:
    client = an_open_client(vsn=V1)

    client.subscribe("chg", [], 0.0)

    (join,) = sent(client)
    assert (join["event"], join["ref"], join["join_ref"]) == ("phx_join", "1", "1")


def test_the_join_reply_is_told_and_then_ready_and_changes_come() -> None:
    client = an_open_client()
    client.subscribe("chg", [BINDING], 0.0)

    receive(client, join_reply("1"))
    receive(client, "1", None, "realtime:chg", "system", SYSTEM_OK)
    receive(client, None, None, "realtime:chg", "postgres_changes", CHANGE)

    size_of_system = len(json.dumps(["1", None, "realtime:chg", "system", SYSTEM_OK]))
    size_of_change = len(json.dumps([None, None, "realtime:chg", "postgres_changes", CHANGE]))
    assert client.events() == [
        ACCEPTED,
        Delivered(topic="chg", event="system", payload=SYSTEM_OK, bytes=size_of_system),
        Delivered(topic="chg", event="postgres_changes", payload=CHANGE, bytes=size_of_change, handlers=(0,)),
    ]


def test_the_size_of_a_frame_is_counted_in_bytes() -> None:
    client = a_joined_client()

    client.received('["1",null,"realtime:chg","system",{"m":"日本"}]', 1.0)

    assert client.events() == [Delivered(topic="chg", event="system", payload={"m": "日本"}, bytes=49)]


@pytest.mark.parametrize(
    ("payload", "ignored"),
    [
        ({**CHANGE, "ids": [65]}, "postgres_changes for no binding"),
        ({"data": {"type": "UPDATE"}, "ids": [64]}, "postgres_changes for no binding"),
        ({"ids": [64]}, "postgres_changes for no binding"),
        ([], "postgres_changes without an object"),
    ],
)
def test_a_change_for_no_binding_is_counted_and_not_told(payload: Any, ignored: str) -> None:
    client = a_joined_client()

    receive(client, None, None, "realtime:chg", "postgres_changes", payload)

    assert client.events() == []
    assert client.ignored == {ignored: 1}


def test_the_first_heartbeat_comes_after_25_s_and_the_next_25_s_after_the_reply() -> None:
    client = an_open_client()

    deadlines = [client.next_deadline()]
    client.tick(24.9)
    too_early = sent(client)
    client.tick(25.0)
    beat = sent(client)
    receive(client, None, "1", "phoenix", "phx_reply", {"status": "ok", "response": {}}, now=26.0)
    deadlines.append(client.next_deadline())

    assert deadlines == [25.0, 51.0]
    assert too_early == []
    assert beat == [[None, "1", "phoenix", "heartbeat", {}]]


def test_a_heartbeat_without_reply_gives_the_socket_up() -> None:
    client = a_joined_client()

    client.tick(25.0)
    client.tick(50.0)

    assert client.wants() == Disconnect(code=1000, reason="heartbeat timeout")
    assert client.events() == [moved(ChannelMove.CRASHED, "heartbeat timeout")]


def test_a_socket_that_was_given_up_is_told_once_and_reconnected() -> None:
    client = a_joined_client()
    client.tick(25.0)
    client.tick(50.0)
    client.events()

    client.socket_closed(1000, "heartbeat timeout", "client", 50.5)

    assert client.events() == [SocketClosed(code=1000, reason="heartbeat timeout", by="client")]
    assert client.next_deadline() == 51.5


def test_a_frame_for_a_socket_that_was_given_up_is_ignored() -> None:
    client = a_joined_client()
    client.tick(25.0)
    client.tick(50.0)
    client.events()

    receive(client, None, None, "realtime:chg", "postgres_changes", CHANGE, now=50.1)

    assert client.events() == []
    assert client.ignored == {"after the end": 1}


def test_a_late_heartbeat_reply_is_ignored() -> None:
    client = an_open_client()

    receive(client, None, "9", "phoenix", "phx_reply", {"status": "ok", "response": {}}, now=3.0)

    assert client.ignored == {"heartbeat reply nobody waits for": 1}
    assert client.next_deadline() == 25.0


def test_a_join_without_reply_is_left_after_10_s_and_repeated() -> None:
    client = an_open_client()
    client.subscribe("chg", [BINDING], 0.0)
    (first,) = sent(client)

    client.tick(10.0)
    left = sent(client)
    client.tick(11.0)
    (again,) = sent(client)

    assert left == [["1", "2", "realtime:chg", "phx_leave", {}]]
    assert again == ["3", "3", *first[2:]]
    assert client.events() == [moved(ChannelMove.REFUSED, "timed out")]


def test_the_answers_to_a_join_that_timed_out_are_stale() -> None:
    client = an_open_client()
    client.subscribe("chg", [BINDING], 0.0)
    client.tick(10.0)
    client.events()

    receive(client, join_reply("1"), now=10.5)
    receive(client, "1", "2", "realtime:chg", "phx_reply", {"status": "ok", "response": {}}, now=10.5)
    receive(client, "1", "1", "realtime:chg", "phx_close", {}, now=10.5)

    assert client.events() == []
    assert client.ignored == {"stale join_ref": 3}
    assert client.next_deadline() == 11.0


def test_a_refused_join_is_repeated_after_1_2_5_10_10_s_with_the_newest_token() -> None:
    client = an_open_client()
    client.subscribe("chg", [BINDING], 0.0)
    now, delays = 0.0, []
    for ref in range(1, 6):
        answer = {"status": "error", "response": {"reason": "PrivateOnly: no"}}
        receive(client, str(ref), str(ref), "realtime:chg", "phx_reply", answer, now=now)
        due = client.next_deadline()
        assert due is not None
        delays.append(due - now)
        now = due
        client.set_token("newer", now)
        client.tick(now)

    assert delays == [1.0, 2.0, 5.0, 10.0, 7.0]  # the last one is the heartbeat, due at 25 s
    assert client.events() == [moved(ChannelMove.REFUSED, "PrivateOnly: no")] * 5
    assert sent(client)[-2][4]["access_token"] == "newer"


def test_a_join_that_worked_starts_the_delays_anew() -> None:
    client = an_open_client()
    client.subscribe("chg", [BINDING], 0.0)
    receive(client, "1", "1", "realtime:chg", "phx_reply", {"status": "error", "response": {"reason": "no"}})
    client.tick(1.0)
    receive(client, join_reply("2"), now=1.0)

    receive(client, "2", "2", "realtime:chg", "phx_error", {"reason": "channel_crash"}, now=2.0)

    assert client.next_deadline() == 3.0
    assert client.events()[-1] == moved(ChannelMove.CRASHED, "channel_crash")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"status": "error", "response": "payload_size_exceeded"}, "payload_size_exceeded"),
        ({"status": "error", "response": {"code": 5}}, '{"code": 5}'),
        ({"status": "error"}, "null"),
        (None, "null"),
    ],
)
def test_a_refusal_of_any_shape_has_words(answer: Any, reason: str) -> None:
    client = an_open_client()
    client.subscribe("chg", [BINDING], 0.0)

    receive(client, "1", "1", "realtime:chg", "phx_reply", answer)

    assert client.events() == [moved(ChannelMove.REFUSED, reason)]


def test_other_bindings_in_the_reply_end_the_channel() -> None:
    client = an_open_client()
    client.subscribe("chg", [BINDING], 0.0)
    sent(client)

    receive(client, join_reply("1", bindings=[{**BINDING, "id": 64, "filter": "process_id=eq.8"}]))
    left = sent(client)
    receive(client, "1", "2", "realtime:chg", "phx_reply", {"status": "ok", "response": {}})

    assert left == [["1", "2", "realtime:chg", "phx_leave", {}]]
    assert client.events() == [moved(ChannelMove.REFUSED, MISMATCH), ENDED]


def test_a_second_reply_to_a_join_is_ignored() -> None:
    client = a_joined_client()

    receive(client, join_reply("1"))

    assert client.events() == []
    assert client.ignored == {"reply nobody waits for": 1}


def test_a_close_from_the_server_is_final() -> None:
    client = a_joined_client()

    receive(client, "1", "1", "realtime:chg", "phx_close", {}, now=1.0)
    client.tick(24.0)

    assert client.events() == [ENDED]
    assert sent(client) == []
    assert client.next_deadline() == 25.0


def test_a_second_close_is_ignored() -> None:
    client = a_joined_client()

    receive(client, "1", "1", "realtime:chg", "phx_close", {})
    receive(client, "1", "1", "realtime:chg", "phx_close", {})

    assert client.events() == [ENDED]
    assert client.ignored == {"for no channel": 1}


@pytest.mark.parametrize(
    ("vsn", "old_close"),
    [
        (V1, {"ref": "1", "topic": "realtime:chg", "event": "phx_close", "payload": {}}),
        (V2, ["1", "1", "realtime:chg", "phx_close", {}]),
    ],
)
def test_the_close_of_an_older_join_does_not_end_the_new_one(vsn: str, old_close: Any) -> None:
    client = an_open_client(vsn=vsn)
    client.subscribe("chg", [], 0.0)
    client.unsubscribe("chg", 0.0)
    client.subscribe("chg", [], 0.0)
    client.events()

    receive(client, old_close)

    assert client.events() == []
    assert client.ignored == {"stale join_ref": 1}


def test_what_carries_a_stale_join_ref_is_ignored() -> None:
    client = a_joined_client()

    receive(client, "0", None, "realtime:chg", "system", SYSTEM_OK)

    assert client.events() == []
    assert client.ignored == {"stale join_ref": 1}


def test_leaving_ends_with_the_reply_and_the_close_after_it_is_for_nobody() -> None:
    client = a_joined_client()

    client.unsubscribe("chg", 1.0)
    client.unsubscribe("chg", 1.0)
    left = sent(client)
    receive(client, "1", "2", "realtime:chg", "phx_reply", {"status": "ok", "response": {}}, now=1.1)
    receive(client, "1", "1", "realtime:chg", "phx_close", {}, now=1.1)

    assert left == [["1", "2", "realtime:chg", "phx_leave", {}]]
    assert client.events() == [ENDED]
    assert client.ignored == {"for no channel": 1}


def test_leaving_without_an_answer_ends_after_10_s() -> None:
    client = a_joined_client()

    client.unsubscribe("chg", 1.0)
    client.tick(10.9)
    before = events_of_leaving(client)
    client.tick(11.0)

    assert before == []
    assert events_of_leaving(client) == [ENDED]


def test_a_crash_while_leaving_is_the_end() -> None:
    client = a_joined_client()
    client.unsubscribe("chg", 1.0)

    receive(client, "1", "1", "realtime:chg", "phx_error", {}, now=1.0)

    assert client.events() == [ENDED]


def test_leaving_a_channel_that_is_errored_ends_at_once() -> None:
    client = a_joined_client()
    receive(client, "1", "1", "realtime:chg", "phx_error", {"reason": "channel_crash"})
    client.events()

    client.unsubscribe("chg", 0.5)

    assert client.events() == [ENDED]
    assert sent(client) == []


def test_a_second_crash_of_an_errored_channel_is_ignored() -> None:
    client = a_joined_client()
    receive(client, None, None, "realtime:chg", "phx_error", {"reason": "channel_crash"})
    client.events()

    receive(client, None, None, "realtime:chg", "phx_error", {"reason": "channel_crash"})

    assert client.events() == []
    assert client.ignored == {"phx_error for an errored channel": 1}


def test_the_loss_of_the_socket_fails_its_channels_and_the_next_one_joins_them() -> None:
    client = a_joined_client()

    client.socket_closed(1006, "", "server", 5.0)
    lost = client.events()
    client.tick(6.0)
    wanted = client.wants()
    client.opened(6.1)

    assert lost == [
        SocketClosed(code=1006, reason="", by="server"),
        moved(ChannelMove.CRASHED, "socket closed: 1006"),
    ]
    assert wanted == Connect()
    assert [frame[:4] for frame in sent(client)] == [["2", "2", "realtime:chg", "phx_join"]]


def test_a_channel_that_was_leaving_has_left_when_the_socket_is_lost() -> None:
    client = a_joined_client()
    client.unsubscribe("chg", 1.0)

    client.socket_closed(1001, "going away", "server", 2.0)

    assert client.events() == [SocketClosed(code=1001, reason="going away", by="server"), ENDED]


def test_nothing_is_sent_while_there_is_no_socket() -> None:
    client = a_joined_client()
    client.socket_closed(1006, "", "server", 5.0)

    client.subscribe("other", [], 5.0)
    client.set_token("newer", 5.0)

    assert sent(client) == []
    assert client.next_deadline() == 6.0


def test_reconnects_are_tried_after_1_2_5_10_10_s_for_ever() -> None:
    client = an_open_client()
    now, delays = 0.0, []
    for _ in range(6):
        client.socket_closed(1006, "refused", "server", now)
        due = client.next_deadline()
        assert due is not None
        delays.append(due - now)
        now = due
        client.tick(now)

    assert delays == [1.0, 2.0, 5.0, 10.0, 10.0, 10.0]


def test_a_socket_that_stood_starts_the_delays_anew() -> None:
    client = an_open_client()
    client.socket_closed(1006, "", "server", 0.0)
    client.tick(1.0)
    client.socket_closed(1006, "", "server", 1.0)
    client.tick(3.0)

    client.opened(3.0)
    client.socket_closed(1006, "", "server", 4.0)

    assert client.next_deadline() == 5.0


def test_jitter_spreads_the_reconnects_of_a_crowd_and_a_seed_repeats_them() -> None:
    def first_delay(seed: int) -> float:
        client = a_client(jitter=1.0, seed=seed)
        client.opened(0.0)
        client.socket_closed(1006, "", "server", 0.0)
        return client.next_deadline() or -1.0

    delays = [first_delay(seed) for seed in range(50)]

    assert all(0.0 < delay <= 1.0 for delay in delays)
    assert max(delays) - min(delays) > 0.8
    assert delays == [first_delay(seed) for seed in range(50)]


def test_a_new_token_is_pushed_to_joined_channels_once() -> None:
    client = a_joined_client()

    client.set_token("newer", 1.0)
    client.set_token("newer", 1.0)

    assert sent(client) == [["1", "2", "realtime:chg", "access_token", {"access_token": "newer"}]]


def test_closing_leaves_every_channel_and_ends_when_the_socket_is_gone() -> None:
    client = a_joined_client()

    client.close(3.0)
    left, wanted, told = sent(client), client.wants(), client.events()
    client.close(3.0)
    client.socket_closed(1000, "", "client", 3.1)

    assert left == [["1", "2", "realtime:chg", "phx_leave", {}]]
    assert wanted == Disconnect(code=1000, reason="")
    assert told == [ENDED]
    assert client.events() == [SocketClosed(code=1000, reason="", by="client")]
    assert client.ended
    assert (client.wants(), client.next_deadline()) == (None, None)


def test_closing_while_there_is_no_socket_ends_at_once() -> None:
    client = a_joined_client()
    client.socket_closed(1006, "", "server", 1.0)

    client.close(1.5)

    assert client.ended
    with pytest.raises(IllegalMove):
        client.opened(2.0)


def test_a_closed_client_joins_nothing() -> None:
    client = an_open_client()
    client.close(1.0)

    with pytest.raises(ClientError, match="the client was closed"):
        client.subscribe("chg", [], 2.0)


def test_a_topic_is_subscribed_once() -> None:
    client = a_joined_client()

    with pytest.raises(ClientError, match="chg is subscribed to already"):
        client.subscribe("chg", [], 1.0)
    with pytest.raises(ClientError, match="other is not subscribed to"):
        client.unsubscribe("other", 1.0)


def test_frames_that_cannot_be_read_are_counted_and_change_nothing() -> None:
    client = a_joined_client()

    client.received("hello", 1.0)
    client.received(b"\x04\x00", 1.0)
    receive(client, None, None, "realtime:chg", "presence_diff", {})
    receive(client, None, None, "realtime:elsewhere", "system", {})

    assert client.events() == []
    assert sum(client.ignored.values()) == 4
    assert client.ignored["a binary frame is shorter than its header says"] == 1


@pytest.mark.parametrize(("remembers", "asked"), [(True, [BINDING]), (False, [])])
def test_a_client_with_the_bug_asks_for_changes_at_its_first_join_alone(remembers: bool, asked: list[Any]) -> None:
    client = ClientConnection(rng=Random(1), timing=Timing(jitter=0.0), rejoin_with_bindings=remembers)
    client.opened(0.0)
    client.subscribe("chg", [BINDING], 0.0)
    (first,) = sent(client)
    receive(client, join_reply(first[0]))
    client.socket_closed(1006, "", "server", 1.0)
    client.tick(2.0)
    client.opened(2.0)
    (second,) = sent(client)
    client.events()
    receive(client, join_reply(second[0], bindings=[{**one, "id": 64} for one in asked]), now=2.0)
    joined = client.events()
    receive(client, None, None, "realtime:chg", "postgres_changes", CHANGE, now=3.0)

    assert [join[4]["config"]["postgres_changes"] for join in (first, second)] == [[BINDING], asked]
    assert joined == [ACCEPTED]
    assert [event.handlers for event in client.events() if isinstance(event, Delivered)] == (
        [(0,)] if remembers else []
    )
    assert client.ignored["postgres_changes for no binding"] == (0 if remembers else 1)


def test_a_first_join_that_was_refused_is_not_forgotten_by_a_client_with_the_bug() -> None:
    client = ClientConnection(rng=Random(1), timing=Timing(jitter=0.0), rejoin_with_bindings=False)
    client.opened(0.0)
    client.subscribe("chg", [BINDING], 0.0)
    sent(client)
    receive(client, ["1", "1", "realtime:chg", "phx_reply", {"status": "error", "response": {"reason": "no"}}])
    client.tick(1.0)

    (again,) = sent(client)
    assert again[4]["config"]["postgres_changes"] == [BINDING]


BROADCAST = {"type": "broadcast", "event": "INSERT", "payload": {"n": 1}, "meta": {"id": "a"}}
BROADCAST_FRAME = encode_user_broadcast("realtime:chg", "INSERT", {"id": "a"}, JSON_ENCODED, b'{"n": 1}')


def a_client_of_broadcasts() -> ClientConnection:
    client = an_open_client()
    client.subscribe("chg", [], 0.0, broadcasts=True)
    receive(client, join_reply("1", bindings=[]))
    client.events()
    return client


def test_who_wants_broadcasts_joins_a_private_channel_and_asks_when_those_of_the_database_come() -> None:
    client = an_open_client()

    client.subscribe("chg", [], 0.0, broadcasts=True)

    (join,) = sent(client)
    config = join[4]["config"]
    assert (config["private"], config["broadcast"]) == (True, {"ack": False, "self": False, "replication_ready": True})


def test_a_broadcast_is_the_same_in_a_binary_frame_and_in_a_text_frame() -> None:
    client = a_client_of_broadcasts()

    client.received(BROADCAST_FRAME, 0.0)
    receive(client, None, None, "realtime:chg", "broadcast", BROADCAST)

    size = len(json.dumps([None, None, "realtime:chg", "broadcast", BROADCAST]))
    assert client.events() == [
        Delivered(topic="chg", event="broadcast", payload=BROADCAST, bytes=len(BROADCAST_FRAME)),
        Delivered(topic="chg", event="broadcast", payload=BROADCAST, bytes=size),
    ]


def test_a_channel_that_asked_for_no_broadcasts_is_told_of_none() -> None:
    client = a_joined_client()

    client.received(BROADCAST_FRAME, 0.0)

    assert client.events() == []
    assert client.ignored == {"event broadcast": 1}


@pytest.mark.parametrize(("encoding", "data"), [(RAW_ENCODED, b'{"n": 1}'), (JSON_ENCODED, b"{")])
def test_a_broadcast_that_is_no_json_is_counted_and_not_told(encoding: int, data: bytes) -> None:
    client = a_client_of_broadcasts()

    client.received(encode_user_broadcast("realtime:chg", "e", None, encoding, data), 0.0)

    assert client.events() == []
    assert client.ignored == {"broadcast without an object": 1}
