"""Read back by `websockets`, which did not write it."""

from collections.abc import Generator
from typing import Any

import pytest
from websockets.frames import OP_BINARY, OP_TEXT, Frame
from websockets.streams import StreamReader

from harness.realtime.frame import binary_frame, text_frame, text_frame_around


@pytest.mark.parametrize("text", ["", "x" * 125, "x" * 126, "日本語", "x" * 65_535, "x" * 65_536, "x" * 70_000])
def test_a_frame_is_read_back_as_its_text(text: str) -> None:
    reader = StreamReader()
    reader.feed_data(text_frame(text))
    reader.feed_eof()

    read = finished(Frame.parse(reader.read_exact, mask=False, max_size=None))

    assert read == Frame(OP_TEXT, text.encode())
    assert finished(reader.at_eof()) is True


@pytest.mark.parametrize("payload", [b"", b"\xff" * 125, b"\x00" * 126, b"\xfe" * 70_000])
def test_a_binary_frame_is_read_back_as_its_bytes(payload: bytes) -> None:
    reader = StreamReader()
    reader.feed_data(binary_frame(payload))

    read = finished(Frame.parse(reader.read_exact, mask=False, max_size=None))

    assert read == Frame(OP_BINARY, payload)


def test_a_frame_of_parts_is_that_of_the_whole_text() -> None:
    assert text_frame_around(b"x" * 70, "日本".encode(), b"") == text_frame("x" * 70 + "日本")


def finished(steps: Generator[None, None, Any]) -> Any:
    """What a reader of `websockets` returns when it has all the bytes that it wants."""
    with pytest.raises(StopIteration) as stop:
        next(steps)
    return stop.value.value
