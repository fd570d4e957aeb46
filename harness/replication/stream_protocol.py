"""What a replication connection says on the wire, as bytes: the core of `source_stream`.

PostgreSQL's frontend/backend protocol 3.0 and its streaming replication messages (PostgreSQL documentation,
"Message Formats" and "Streaming Replication Protocol"); only what reading a logical slot needs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from struct import Struct
from typing import Final

from harness.replication.lsn import Lsn

_HEADER: Final = Struct("!cI")
_LENGTH: Final = Struct("!I")
_DATA: Final = Struct("!QQq")
_KEEPALIVE: Final = Struct("!QqB")
_STATUS: Final = Struct("!cIcQQQqB")
_PROTOCOL: Final = 3 << 16

TERMINATE: Final = _HEADER.pack(b"X", 4)
"""The client's goodbye."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One message of the server: its letter and what follows the length."""

    kind: bytes
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """One message of the output plugin."""

    payload: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Keepalive:
    """The server has sent everything that was committed up to `end`."""

    end: Lsn


class Frames:
    """Cuts what comes from the socket into frames."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> list[Frame]:
        """The frames that are complete with this chunk."""
        data = self._rest + chunk
        frames = []
        at = 0
        while len(data) - at >= _HEADER.size:
            kind, length = _HEADER.unpack_from(data, at)
            if len(data) - at <= length:
                break
            frames.append(Frame(kind=kind, body=data[at + _HEADER.size : at + 1 + length]))
            at += 1 + length
        self._rest = data[at:]
        return frames


def startup(parameters: Mapping[str, str]) -> bytes:
    """The first packet: `user`, `database`, `replication` and settings."""
    body = b"".join(f"{name}\0{value}\0".encode() for name, value in parameters.items()) + b"\0"
    return _LENGTH.pack(8 + len(body)) + _LENGTH.pack(_PROTOCOL) + body


def query(command: str) -> bytes:
    """A simple query: the only kind that a replication connection takes."""
    body = command.encode() + b"\0"
    return _HEADER.pack(b"Q", 4 + len(body)) + body


def status(position: Lsn) -> bytes:
    """The acknowledgement: everything below `position` is handled, and its WAL may go."""
    return _STATUS.pack(b"d", _STATUS.size - 1, b"r", position, position, position, 0, 0)


def copied(body: bytes) -> Data | Keepalive | None:
    """What a CopyData frame of the server holds; None for a kind that a logical slot does not send."""
    if body[:1] == b"w":
        return Data(payload=body[1 + _DATA.size :])
    if body[:1] == b"k":
        end, _sent, _reply = _KEEPALIVE.unpack_from(body, 1)
        return Keepalive(end=Lsn(end))
    return None


def error_fields(body: bytes) -> dict[str, str]:
    """The fields of an ErrorResponse by their letter: `C` is the SQLSTATE, `M` the message."""
    fields = (field.decode(errors="replace") for field in body.split(b"\0") if field)
    return {field[0]: field[1:] for field in fields}
