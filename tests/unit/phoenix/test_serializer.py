import pytest

from harness.errors import FrameError, UsageError
from harness.phoenix.message import JSON_ENCODED, RAW_ENCODED, Binary, Message, RawJson, UserBroadcast
from harness.phoenix.serializer import V1, V2, decode, decode_user_broadcast, encode, encode_user_broadcast

CHANGE_ROW = '{"n": 1000, "at": "2026-11-24T06:10:14.491223+00:00", "id": 1, "grp": "O"}'


# Frames of the recordings p01_basic, p02_changes, p14_js and p14_py.
@pytest.mark.parametrize(
    ("frame", "message"),
    [
        ('[null, "1", "phoenix", "heartbeat", {}]', Message(ref="1", topic="phoenix", event="heartbeat", payload={})),
        (
            '["2","2","realtime:test","phx_reply",{"status":"ok","response":{"postgres_changes":[]}}]',
            Message(
                join_ref="2",
                ref="2",
                topic="realtime:test",
                event="phx_reply",
                payload={"status": "ok", "response": {"postgres_changes": []}},
            ),
        ),
        (
            '["1",null,"realtime:chg","system",{"message":"Subscribed to PostgreSQL","status":"ok",'
            '"extension":"postgres_changes","channel":"chg"}]',
            Message(
                join_ref="1",
                topic="realtime:chg",
                event="system",
                payload={
                    "message": "Subscribed to PostgreSQL",
                    "status": "ok",
                    "extension": "postgres_changes",
                    "channel": "chg",
                },
            ),
        ),
        (
            '["12","12","realtime:official","phx_close",{}]',
            Message(join_ref="12", ref="12", topic="realtime:official", event="phx_close", payload={}),
        ),
        (
            f'[null,null,"realtime:official","postgres_changes",{{"data":{{"record":{CHANGE_ROW}}},"ids":[7]}}]',
            Message(
                topic="realtime:official",
                event="postgres_changes",
                payload={
                    "data": {"record": {"n": 1000, "at": "2026-11-24T06:10:14.491223+00:00", "id": 1, "grp": "O"}},
                    "ids": [7],
                },
            ),
        ),
    ],
)
def test_a_recorded_frame_of_vsn_2_is_read(frame: str, message: Message) -> None:
    assert decode(frame, V2) == message


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (
            '{"topic": "realtime:test", "event": "phx_leave", "payload": {}, "ref": "4", "join_ref": "2"}',
            Message(join_ref="2", ref="4", topic="realtime:test", event="phx_leave", payload={}),
        ),
        (
            '{"event":"heartbeat","payload":{},"topic":"phoenix","ref":null,"join_ref":null}',
            Message(topic="phoenix", event="heartbeat", payload={}),
        ),
        (
            '{"ref":"2","event":"phx_close","topic":"realtime:test","payload":{}}',
            Message(ref="2", topic="realtime:test", event="phx_close", payload={}),
        ),
        (
            '{"topic": "phoenix", "event": "heartbeat", "payload": {}, "ref": 5}',
            Message(ref=5, topic="phoenix", event="heartbeat", payload={}),
        ),
    ],
)
def test_a_recorded_frame_of_vsn_1_is_read(frame: str, message: Message) -> None:
    assert decode(frame, V1) == message


# Recording p07: all of these were dropped and the socket stayed.
@pytest.mark.parametrize("vsn", [V1, V2])
@pytest.mark.parametrize(
    "frame",
    [
        "hello",
        "",
        "{}",
        "[]",
        "5",
        '"x"',
        "null",
        '["1","2","t"]',
        '{"topic": "realtime:test", "event": "broadcast"}',
        '{"topic": "phoenix", "event": "heartbeat", "ref": "5"}',
        '[null, "5", "phoenix", "heartbeat"]',
        b"",
        b"\x00\x01",
        b"\x03\x01\x01",
        b"\xff",
    ],
)
def test_what_the_server_drops_is_a_frame_error(frame: str | bytes, vsn: str) -> None:
    with pytest.raises(FrameError):
        decode(frame, vsn)


@pytest.mark.parametrize(
    ("frame", "vsn"),
    [
        ('{"topic": "phoenix", "event": "heartbeat", "payload": {}, "ref": "1"}', V2),
        ('[null, "1", "phoenix", "heartbeat", {}]', V1),
    ],
)
def test_the_shape_of_the_other_vsn_is_malformed(frame: str, vsn: str) -> None:
    with pytest.raises(FrameError):
        decode(frame, vsn)


@pytest.mark.parametrize(
    "payload", ['"\\ud83d"', '{"a": ["\\uDE00 \\uD83D"]}', "NaN", "-Infinity", "1e999", "[" * 100_000, "1" * 5000]
)
def test_what_cannot_be_sent_on_is_refused_at_the_door(payload: str) -> None:
    with pytest.raises(FrameError):
        decode(f'[null,null,"t","e",{payload}]', V2)


def test_a_whole_surrogate_pair_and_nul_are_fine() -> None:
    message = decode('[null,null,"t","e","\\ud83d\\ude00 a\\u0000b"]', V2)

    assert message.payload == "😀 a\x00b"


def test_elements_after_the_fifth_are_ignored() -> None:
    message = decode('["1","2","realtime:test","heartbeat",{},"x"]', V2)

    assert message == Message(join_ref="1", ref="2", topic="realtime:test", event="heartbeat", payload={})


def test_a_topic_or_event_that_is_no_string_is_a_message() -> None:
    """Recorded: p07, `m_topic_num` and `m_event_null`."""
    topic = decode('[null, "9", 5, "phx_join", {}]', V2)
    event = decode('{"topic": "realtime:test", "event": null, "payload": {}, "ref": "9"}', V1)

    assert topic == Message(ref="9", topic=5, event="phx_join", payload={})
    assert event == Message(ref="9", topic="realtime:test", event=None, payload={})


@pytest.mark.parametrize(
    ("frame", "payload"),
    [
        (
            "0301020e0500013137377265616c74696d653a726f6f6d3162696e65767b227a223a317d",
            UserBroadcast(user_event="binev", encoding=JSON_ENCODED, data=b'{"z":1}'),
        ),
        (
            "0301020e0500003137377265616c74696d653a726f6f6d3162696e657600ff10",
            UserBroadcast(user_event="binev", encoding=RAW_ENCODED, data=b"\x00\xff\x10"),
        ),
    ],
)
def test_a_recorded_user_broadcast_push_is_read(frame: str, payload: UserBroadcast) -> None:
    """Recording p05, client A."""
    message = decode(bytes.fromhex(frame), V2)

    assert message == Message(join_ref="1", ref="77", topic="realtime:room1", event="broadcast", payload=payload)


def test_metadata_of_a_user_broadcast_push_is_json() -> None:
    frame = bytes((3, 0, 0, 1, 1, 7, 0)) + b"te" + b'{"a":1}' + b"rest"

    message = decode(frame, V2)

    assert message.payload == UserBroadcast(user_event="e", encoding=0, data=b"rest", metadata={"a": 1})


def test_a_binary_push_is_read() -> None:
    message = decode(b"\x00\x01\x01\x02\x0312phfoo\x00\xff", V2)

    assert message == Message(join_ref="1", ref="2", topic="ph", event="foo", payload=Binary(data=b"\x00\xff"))


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"\x00\x01\x02",  # recorded: p07, m_binary
        b"\x03\x01",  # recorded: p07, m_binary_push3_bad
        b"\x03\x01\x01\x01\x01\x00\x00ab",
        b"\x00\x00\x00\x02\x01\xff\xfee",
        bytes((3, 0, 0, 1, 1, 3, 0)) + b"te" + b"{a}",
        b"\x01\x00\x00\x00\x00",
        b"\x04\x01\x01\x00\x00te",
        b"\xff",
    ],
)
def test_a_binary_frame_that_is_no_push_is_a_frame_error(frame: bytes) -> None:
    with pytest.raises(FrameError):
        decode(frame, V2)


def test_vsn_1_reads_a_binary_frame_as_text() -> None:
    frame = '{"topic":"phoenix","event":"heartbeat","payload":{},"ref":"ü"}'

    assert decode(frame.encode(), V1) == decode(frame, V1)
    with pytest.raises(FrameError, match="UTF-8"):
        decode(b"\xff", V1)


def test_a_user_broadcast_is_framed_as_recorded() -> None:
    """Recording p05, client C2."""
    frame = encode_user_broadcast("realtime:room1", "binev", None, RAW_ENCODED, b"\x00\xff\x10")

    assert frame.hex() == "040e0500007265616c74696d653a726f6f6d3162696e657600ff10"
    assert decode_user_broadcast(frame) == Message(
        topic="realtime:room1",
        event="broadcast",
        payload=UserBroadcast(user_event="binev", encoding=RAW_ENCODED, data=b"\x00\xff\x10"),
    )


def test_the_metadata_of_a_user_broadcast_is_json() -> None:
    frame = encode_user_broadcast("t", "e", {"id": "7"}, JSON_ENCODED, b"[]")

    assert frame == b'\x04\x01\x01\x0a\x01te{"id":"7"}[]'
    with pytest.raises(FrameError):
        decode_user_broadcast(frame[:8])


def test_a_name_of_more_than_255_bytes_cannot_be_framed() -> None:
    with pytest.raises(FrameError, match="255"):
        encode_user_broadcast("ü" * 128, "e", None, JSON_ENCODED, b"")


def test_the_server_sends_no_join_ref_in_vsn_1() -> None:
    message = Message(join_ref="2", ref="2", topic="realtime:test", event="phx_close", payload={})

    frame = encode(message, V1, join_ref=False)

    assert frame == '{"ref":"2","event":"phx_close","payload":{},"topic":"realtime:test"}'


def test_a_client_sends_join_ref_in_vsn_1() -> None:
    message = Message(join_ref="2", ref="4", topic="realtime:test", event="phx_leave", payload={})

    frame = encode(message, V1, join_ref=True)

    assert frame == '{"ref":"4","event":"phx_leave","payload":{},"topic":"realtime:test","join_ref":"2"}'


@pytest.mark.parametrize("join_ref", [True, False])
def test_vsn_2_always_has_join_ref(join_ref: bool) -> None:
    message = Message(join_ref="2", ref="4", topic="realtime:test", event="phx_leave", payload={})

    assert encode(message, V2, join_ref=join_ref) == '["2","4","realtime:test","phx_leave",{}]'


def test_raw_json_is_pasted_as_it_is_at_any_depth() -> None:
    payload = {"data": {"record": RawJson('{"n": 1.500, "n": 2}'), "columns": RawJson("[ ]")}, "ids": [1]}
    message = Message(topic="t", event="postgres_changes", payload=payload)

    frame = encode(message, V2, join_ref=False)

    assert frame == (
        '[null,null,"t","postgres_changes",{"data":{"record":{"n": 1.500, "n": 2},"columns":[ ]},"ids":[1]}]'
    )


def test_a_payload_may_be_raw_json_itself() -> None:
    assert (
        encode(Message(topic="t", event="e", payload=RawJson("1.0")), V2, join_ref=False) == '[null,null,"t","e",1.0]'
    )


def test_text_is_not_escaped_to_ascii() -> None:
    assert encode(Message(topic="t", event="e", payload="日本語"), V2, join_ref=False) == '[null,null,"t","e","日本語"]'


@pytest.mark.parametrize("payload", [float("nan"), float("inf"), "\ud800", {"\udfff": 1}])
def test_what_json_cannot_hold_is_not_framed(payload: object) -> None:
    with pytest.raises(FrameError, match="e on t cannot be framed"):
        encode(Message(topic="t", event="e", payload=payload), V2, join_ref=False)


@pytest.mark.parametrize("vsn", ["", "2", "3.0.0"])
def test_an_unknown_vsn_is_wrong_usage(vsn: str) -> None:
    with pytest.raises(UsageError):
        decode("[]", vsn)
    with pytest.raises(UsageError):
        encode(Message(topic="t", event="e", payload={}), vsn, join_ref=True)
