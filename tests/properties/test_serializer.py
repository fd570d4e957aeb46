"""Whatever JSON says survives framing and reading, in both framings."""

import json

from hypothesis import given
from hypothesis import strategies as st

from harness.errors import FrameError
from harness.phoenix.message import Message, UserBroadcast
from harness.phoenix.serializer import V1, V2, decode, decode_user_broadcast, encode, encode_user_broadcast

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=12)
MESSAGES = st.builds(Message, topic=TEXTS, event=TEXTS, payload=VALUES, ref=VALUES, join_ref=VALUES)


@given(message=MESSAGES, vsn=st.sampled_from([V1, V2]))
def test_a_message_comes_back_as_it_was_sent(message: Message, vsn: str) -> None:
    assert decode(encode(message, vsn, join_ref=True), vsn) == message


@given(frame=st.text(max_size=40) | st.binary(max_size=40) | VALUES.map(str), vsn=st.sampled_from([V1, V2]))
def test_any_frame_is_a_message_or_a_frame_error(frame: str | bytes, vsn: str) -> None:
    try:
        message = decode(frame, vsn)
    except FrameError:
        return

    assert isinstance(message, Message)


@given(topic=TEXTS, event=TEXTS, metadata=VALUES, encoding=st.integers(0, 255), data=st.binary(max_size=40))
def test_a_user_broadcast_comes_back_or_its_header_is_too_long(
    topic: str, event: str, metadata: object, encoding: int, data: bytes
) -> None:
    try:
        frame = encode_user_broadcast(topic, event, metadata, encoding, data)
    except FrameError:
        assert len(json.dumps(metadata, ensure_ascii=False, separators=(",", ":")).encode()) > 255
        return

    payload = UserBroadcast(user_event=event, encoding=encoding, data=data, metadata=metadata)
    assert decode_user_broadcast(frame) == Message(topic=topic, event="broadcast", payload=payload)
