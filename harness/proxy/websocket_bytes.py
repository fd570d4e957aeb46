"""RFC 6455 in bytes: frames taken out of a stream without loss, gathered to messages, and made.

Beside the straight line. Nothing is checked: what a peer says wrongly must reach the other one as it is.
"""

from dataclasses import dataclass
from typing import Final

CLOSE: Final = 8
"""The first opcode of control frames, too."""

_CONTINUATION: Final = 0
_FIN: Final = 0x80
_MASKED: Final = 0x80
_LENGTH: Final = 0x7F
_EXTENDED: Final = {126: 2, 127: 8}
"""How many bytes of length follow these two lengths."""
_KEY: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class WireFrame:
    """One frame as it stands on the wire; its payload begins after `head` bytes of `raw`."""

    raw: bytes
    head: int

    @property
    def fin(self) -> bool:
        return bool(self.raw[0] & _FIN)

    @property
    def opcode(self) -> int:
        return self.raw[0] & 0x0F

    @property
    def key(self) -> bytes | None:
        """What the payload is masked with: every frame of a client has a key, none of a server."""
        return self.raw[self.head - _KEY : self.head] if self.raw[1] & _MASKED else None

    @property
    def payload(self) -> bytes:
        """Unmasked."""
        data, key = self.raw[self.head :], self.key
        return data if key is None else _masked(data, key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """What meets one fate: a control frame, or a message with all its fragments.

    A fragment that goes alone is `loose`, and has no fate: its message could not be read.
    """

    frames: tuple[WireFrame, ...]

    @property
    def loose(self) -> bool:
        return self.opcode == _CONTINUATION or not self.frames[-1].fin

    @property
    def begins(self) -> bool:
        """Whether it is the first, or all, of a message."""
        return self.opcode != _CONTINUATION

    @property
    def opcode(self) -> int:
        return self.frames[0].opcode

    @property
    def key(self) -> bytes | None:
        return self.frames[0].key

    @property
    def raw(self) -> bytes:
        return b"".join(frame.raw for frame in self.frames)

    @property
    def payload(self) -> bytes:
        return b"".join(frame.payload for frame in self.frames)


class Splitter:
    """Cuts a stream into frames, however it arrives."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> list[WireFrame]:
        """The frames that are complete now."""
        self._held += data
        frames, start = [], 0
        while (measured := _measure(self._held, start)) is not None:
            head, size = measured
            if start + head + size > len(self._held):
                break
            end = start + head + size
            frames.append(WireFrame(raw=bytes(self._held[start:end]), head=head))
            start = end
        del self._held[:start]
        return frames

    def rest(self) -> bytes:
        """What is held of a frame that never became complete; once."""
        rest = bytes(self._held)
        self._held.clear()
        return rest


class Gatherer:
    """Gathers the fragments of messages; control frames may come between them (RFC 6455 5.4)."""

    def __init__(self) -> None:
        self._parts: list[WireFrame] = []
        self._whole = True

    def add(self, frame: WireFrame, *, whole: bool) -> Parcel | None:
        """The parcel that is complete now. How a message begins, `whole` or in loose fragments, it goes on."""
        if frame.opcode >= CLOSE:
            return Parcel(frames=(frame,))
        if frame.opcode != _CONTINUATION:
            self._whole = whole
        if not self._whole:
            return Parcel(frames=(frame,))
        self._parts.append(frame)
        if not frame.fin:
            return None
        parts, self._parts = self._parts, []
        return Parcel(frames=tuple(parts))


def encode(opcode: int, payload: bytes, *, key: bytes | None) -> bytes:
    """One unfragmented frame, masked if there is a `key`."""
    mask = 0 if key is None else _MASKED
    size = len(payload)
    if size < 126:
        length = bytes((mask | size,))
    elif size < 65_536:
        length = bytes((mask | 126,)) + size.to_bytes(2, "big")
    else:
        length = bytes((mask | 127,)) + size.to_bytes(8, "big")
    head = bytes((_FIN | opcode,)) + length
    return head + payload if key is None else head + key + _masked(payload, key)


def close_frame(code: int, *, key: bytes | None) -> bytes:
    """A close frame without a reason."""
    return encode(CLOSE, code.to_bytes(2, "big"), key=key)


def _measure(held: bytearray, start: int) -> tuple[int, int] | None:
    """Sizes of the head and the payload of the frame that begins at `start`; None as long as they cannot be told."""
    if len(held) < start + 2:
        return None
    length = held[start + 1] & _LENGTH
    extended = _EXTENDED.get(length, 0)
    head = 2 + extended + (_KEY if held[start + 1] & _MASKED else 0)
    if len(held) < start + head:
        return None
    if extended:
        length = int.from_bytes(held[start + 2 : start + 2 + extended], "big")
    return head, length


def _masked(data: bytes, key: bytes) -> bytes:
    """Masking and unmasking are the same; as one number, for a byte at a time would be slow."""
    mask = (key * (len(data) // _KEY + 1))[: len(data)]
    return (int.from_bytes(data, "big") ^ int.from_bytes(mask, "big")).to_bytes(len(data), "big")
