"""Whatever JSON says survives framing and reading, in both framings."""

from hypothesis import given
from hypothesis import strategies as st

from harness.errors import FrameError
from harness.phoenix.message import Message
from harness.phoenix.serializer import V1, V2, decode, encode

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
