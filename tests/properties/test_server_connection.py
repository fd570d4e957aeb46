"""Whatever a client sends, its connection neither raises nor forgets its other channels."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.phoenix.message import Binary
from harness.phoenix.server import JoinAsked, ServerConnection

TOPICS = st.sampled_from(["realtime:a", "realtime:b", "realtime:", "phoenix", "foo", ""])
EVENTS = st.sampled_from(["phx_join", "phx_leave", "heartbeat", "access_token", "broadcast", "phx_close", "x"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
BINARY = st.one_of(
    st.binary(max_size=20),
    st.tuples(st.sampled_from([b"\x00", b"\x03"]), st.binary(min_size=4, max_size=50)).map(b"".join),
    st.binary(max_size=20).map(lambda data: bytes((0, 1, 1, 10, 8)) + b"12realtime:aphx_join" + data),
    st.binary(max_size=20).map(lambda data: bytes((3, 1, 1, 10, 1, 0, 1)) + b"12realtime:ae" + data),
)
FRAMES = st.one_of(
    BINARY,
    st.text(st.characters(codec=None), max_size=30),
    JSON.map(json.dumps),
    st.tuples(JSON, JSON, TOPICS | JSON, EVENTS | JSON, JSON).map(list).map(json.dumps),
    st.fixed_dictionaries({"topic": TOPICS | JSON, "event": EVENTS | JSON, "payload": JSON, "ref": JSON}).map(
        json.dumps
    ),
    st.integers(1, 5_000).map(lambda depth: '["1","1","realtime:a","phx_join",' + "[" * depth + "]" * depth + "]"),
)


@settings(max_examples=300)
@given(frames=st.lists(FRAMES, max_size=8), vsn=st.sampled_from(["1.0.0", "2.0.0"]), accepts=st.booleans())
def test_hostile_frames_never_raise_and_leave_other_topics_alone(
    frames: list[str | bytes], vsn: str, accepts: bool
) -> None:
    connection = ServerConnection(vsn=vsn, now=0.0)
    connection.received(json.dumps(_join("realtime:kept", vsn)), 0.0)
    connection.accept(1, {})
    connection.requests()

    for frame in frames:
        connection.received(frame, 1.0)
        _answer(connection, accepts=accepts)
    connection.frames_to_send()
    connection.push(1, "system", {"still": "here"})

    (kept,) = connection.frames_to_send()
    assert '"still":"here"' in str(kept)


def _join(topic: str, vsn: str) -> object:
    if vsn == "2.0.0":
        return ["k", "k", topic, "phx_join", {}]
    return {"topic": topic, "event": "phx_join", "payload": {}, "ref": "k", "join_ref": "k"}


def _answer(connection: ServerConnection, *, accepts: bool) -> None:
    for request in connection.requests():
        if isinstance(request, JoinAsked):
            if accepts:
                connection.accept(request.channel, None if isinstance(request.payload, Binary) else [request.payload])
            else:
                connection.refuse(request.channel, "no", at=0.0)
                connection.tick(1.0)
