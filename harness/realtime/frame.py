"""A message as the bytes of one WebSocket frame from a server (RFC 6455, 5.2): made once, written to many."""

from functools import lru_cache
from typing import Final

_TEXT: Final = b"\x81"
_BINARY: Final = b"\x82"


def text_frame(text: str | bytes) -> bytes:
    """One final, unmasked text frame of a text, or of its UTF-8."""
    payload = text.encode() if isinstance(text, str) else text
    return b"".join((_TEXT, _length(len(payload)), payload))


def text_frame_around(before: bytes, data: bytes, after: bytes) -> bytes:
    """The text frame of a text whose UTF-8 comes in three parts: they are copied once, for one socket of many."""
    return b"".join((_TEXT, _length(len(before) + len(data) + len(after)), before, data, after))


def binary_frame(payload: bytes) -> bytes:
    """One final, unmasked binary frame (of `serializer.encode_user_broadcast`)."""
    return b"".join((_BINARY, _length(len(payload)), payload))


@lru_cache(maxsize=1 << 12)
def _length(size: int) -> bytes:
    if size < 126:
        return bytes((size,))
    if size < 1 << 16:
        return b"\x7e" + size.to_bytes(2, "big")
    return b"\x7f" + size.to_bytes(8, "big")
