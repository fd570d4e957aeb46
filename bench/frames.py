"""The WebSocket of a reader, as bytes: just enough of RFC 6455 to join, and to count frames without decoding them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from harness.phoenix.message import Message
from harness.phoenix.serializer import V2, encode

_TEXT: Final = 0x81
_NO_MASK: Final = bytes(4)
_SEQUENCE: Final = b'"event_sequence": '
_WIDE: Final = {126: 2, 127: 8}


def upgrade(url: str, apikey: str) -> bytes:
    """The request that opens the socket of `url`, which ends in `/socket`."""
    parts = urlsplit(url)
    query = urlencode({"apikey": apikey, "vsn": V2})
    return (
        f"GET {parts.path}/websocket?{query} HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()


def masked(text: str) -> bytes:
    """A client's text frame of up to 65,535 bytes. Its mask is zero, which is one like any other."""
    payload = text.encode()
    size = bytes((0x80 | len(payload),)) if len(payload) < 126 else b"\xfe" + len(payload).to_bytes(2, "big")
    return bytes((_TEXT,)) + size + _NO_MASK + payload


def join(topic: str, *, token: str, process_id: str) -> bytes:
    """The frame that joins `topic` with one binding on the events of a process."""
    binding = {
        "event": "*",
        "schema": "public",
        "table": "process_events",
        "filter": f"process_id=eq.{process_id}",
    }
    payload: dict[str, Any] = {"config": {"postgres_changes": [binding], "private": False}, "access_token": token}
    return masked(
        encode(Message(join_ref="1", ref="1", topic=topic, event="phx_join", payload=payload), V2, join_ref=True)
    )


def heartbeat() -> bytes:
    """The frame that keeps a socket from being given up as idle."""
    return masked(encode(Message(ref="h", topic="phoenix", event="heartbeat", payload={}), V2, join_ref=True))


class Frames:
    """Chunks in, payloads of whole text frames out. Any other frame from the server is a `ConnectionError`."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> list[bytes]:
        """The payloads that `chunk` completes."""
        data = self._rest + chunk if self._rest else chunk
        payloads: list[bytes] = []
        at, have = 0, len(data)
        while have - at >= 2:
            size, start = data[at + 1], at + 2
            if size > 125:
                start += _WIDE[size]
                if start > have:
                    break
                size = int.from_bytes(data[at + 2 : start], "big")
            if start + size > have:
                break
            if data[at] != _TEXT:
                raise ConnectionError(f"the server sent a frame of kind {data[at]:#x}: {data[start : start + size]!r}")
            payloads.append(data[start : start + size])
            at = start + size
        self._rest = data[at:]
        return payloads


def sequence_of(payload: bytes) -> int | None:
    """`event_sequence` of the row in a frame, found without decoding it; None if the frame is no change of a row."""
    at = payload.find(_SEQUENCE)
    if at < 0:
        return None
    start = at + len(_SEQUENCE)
    return int(payload[start : payload.index(b",", start)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What is wrong with what a reader got. `disordered` counts the frames that came after a later one."""

    lost: int = 0
    twice: int = 0
    disordered: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            lost=self.lost + other.lost,
            twice=self.twice + other.twice,
            disordered=self.disordered + other.disordered,
        )


def tally(sequences: Sequence[int], rows: int) -> Tally:
    """Compare what came with the sequences 1 to `rows`, which were written in this order."""
    distinct = set(sequences)
    latest = disordered = 0
    for each in sequences:
        disordered += each < latest
        latest = max(latest, each)
    lost = len(set(range(1, rows + 1)) - distinct)
    return Tally(lost=lost, twice=len(sequences) - len(distinct), disordered=disordered)
