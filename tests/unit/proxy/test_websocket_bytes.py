"""Frames are found in a stream however it is cut, and nothing of it is lost or changed."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame as PeerFrame
from websockets.frames import Opcode

from harness.proxy.websocket_bytes import Gatherer, Parcel, Splitter, WireFrame, close_frame, encode

KEYS = st.none() | st.binary(min_size=4, max_size=4)
SIZES = st.sampled_from([0, 1, 125, 126, 127, 65_535, 65_536])
PAYLOADS = st.binary(max_size=40) | SIZES.map(lambda size: bytes(range(256)) * (size // 256) + bytes(size % 256))
FRAMES = st.builds(
    lambda opcode, payload, key, fin: _without_fin(encode(opcode, payload, key=key), fin),
    st.sampled_from([0, 1, 2, 8, 9, 10]),
    PAYLOADS,
    KEYS,
    st.booleans(),
)
TEXT = 1
PING = 9


def _without_fin(frame: bytes, fin: bool) -> bytes:
    return frame if fin else bytes((frame[0] & 0x7F,)) + frame[1:]


def a_frame(opcode: int, payload: bytes = b"", *, fin: bool = True, key: bytes | None = None) -> WireFrame:
    (frame,) = Splitter().feed(_without_fin(encode(opcode, payload, key=key), fin))
    return frame


@given(data=st.data(), frames=st.lists(FRAMES, max_size=6), tail=st.binary(max_size=1))
def test_any_cutting_of_a_stream_gives_the_same_frames(data: st.DataObject, frames: list[bytes], tail: bytes) -> None:
    stream = b"".join(frames) + tail
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    splitter = Splitter()

    found = [
        frame.raw for begin, end in pairwise([0, *cuts, len(stream)]) for frame in splitter.feed(stream[begin:end])
    ]

    assert found == frames
    assert splitter.rest() == tail
    assert splitter.rest() == b""


@given(stream=st.binary(max_size=200), chunk=st.integers(1, 50))
def test_no_byte_of_any_stream_is_lost(stream: bytes, chunk: int) -> None:
    splitter = Splitter()

    frames = [frame for at in range(0, len(stream), chunk) for frame in splitter.feed(stream[at : at + chunk])]

    assert b"".join(frame.raw for frame in frames) + splitter.rest() == stream


@given(payload=PAYLOADS, key=KEYS, opcode=st.sampled_from([1, 2, 8, 9, 10]))
def test_a_frame_that_was_made_is_read_as_it_was_meant(payload: bytes, key: bytes | None, opcode: int) -> None:
    (frame,) = Splitter().feed(encode(opcode, payload, key=key))

    assert (frame.opcode, frame.payload, frame.key, frame.fin) == (opcode, payload, key, True)


@given(payload=PAYLOADS, mask=st.booleans())
def test_frames_of_another_implementation_are_understood(payload: bytes, mask: bool) -> None:
    theirs = PeerFrame(Opcode.BINARY, payload).serialize(mask=mask)

    (frame,) = Splitter().feed(theirs)

    assert (frame.payload, frame.key is not None) == (payload, mask)
    assert encode(frame.opcode, frame.payload, key=frame.key) == theirs


def test_a_length_that_is_written_longer_than_need_be_is_kept() -> None:
    raw = b"\x81\x7e\x00\x02ab"

    (frame,) = Splitter().feed(raw)

    assert (frame.raw, frame.payload) == (raw, b"ab")


@pytest.mark.parametrize("key", [None, b"\x01\x02\x03\x04"])
def test_a_close_frame_carries_its_code(key: bytes | None) -> None:
    (frame,) = Splitter().feed(close_frame(1001, key=key))

    assert (frame.opcode, frame.payload) == (8, b"\x03\xe9")


# -- messages


def test_fragments_are_gathered_to_one_message_and_a_ping_between_them_goes_ahead() -> None:
    gatherer, key = Gatherer(), b"abcd"
    frames = [a_frame(TEXT, b"a", fin=False, key=key), a_frame(0, b"b", fin=False), a_frame(PING), a_frame(0, b"c")]

    told = [gatherer.add(frame, whole=True) for frame in frames]

    whole = Parcel(frames=(frames[0], frames[1], frames[3]))
    assert told == [None, None, Parcel(frames=(frames[2],)), whole]
    assert (whole.opcode, whole.payload, whole.key, whole.loose, whole.begins) == (TEXT, b"abc", key, False, True)
    assert whole.raw == frames[0].raw + frames[1].raw + frames[3].raw


def test_a_message_goes_on_as_it_began() -> None:
    first, second, third = a_frame(TEXT, b"a", fin=False), a_frame(0, b"b"), a_frame(TEXT, b"c")
    loose, whole = Gatherer(), Gatherer()

    told = [loose.add(first, whole=False), loose.add(second, whole=True), loose.add(third, whole=True)]
    held = [whole.add(first, whole=True), whole.add(second, whole=False)]

    assert told == [Parcel(frames=(first,)), Parcel(frames=(second,)), Parcel(frames=(third,))]
    assert [parcel.loose for parcel in told if parcel] == [True, True, False]
    assert [parcel.begins for parcel in told if parcel] == [True, False, True]
    assert held == [None, Parcel(frames=(first, second))]


def test_a_control_frame_is_never_loose() -> None:
    parcel = Gatherer().add(a_frame(PING), whole=False)

    assert parcel is not None
    assert not parcel.loose
    assert parcel.begins
