"""Read back by `websockets`, which did not write it."""

import pytest
from websockets.frames import OP_TEXT, Frame
from websockets.streams import StreamReader

from harness.realtime.frame import text_frame


@pytest.mark.parametrize("text", ["", "x" * 125, "x" * 126, "日本語", "x" * 65_535, "x" * 65_536, "x" * 70_000])
def test_a_frame_is_read_back_as_its_text(text: str) -> None:
    reader = StreamReader()
    reader.feed_data(text_frame(text))

    parsed = _finish(Frame.parse(reader.read_exact, mask=False, max_size=None))

    assert parsed == Frame(OP_TEXT, text.encode())
    assert _finish(reader.at_eof() if _eof(reader) else reader.at_eof()) is True


def _eof(reader: StreamReader) -> bool:
    reader.feed_eof()
    return True


def _finish(steps: object) -> object:
    try:
        next(steps)  # type: ignore[call-overload]
    except StopIteration as stop:
        return stop.value
    raise AssertionError("more bytes are expected")
