"""What a client connection says and asks for, as values, and the states of its socket as a table."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from harness.phoenix.channel import ChannelMove


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Seconds; the defaults are those of realtime-js.

    The last delay repeats for ever: the client never gives up (spec-decisions D-66). `jitter` is the share of a
    reconnect's delay that is left to chance: 1.0 draws it from zero up, 0.0 is what realtime-js does. The socket itself
    is given up by who opens it after `open_timeout_s`, and not waited for longer than `close_timeout_s` at its end.
    """

    heartbeat_s: float = 25.0
    push_timeout_s: float = 10.0
    rejoin_delays_s: tuple[float, ...] = (1.0, 2.0, 5.0, 10.0)
    reconnect_delays_s: tuple[float, ...] = (1.0, 2.0, 5.0, 10.0)
    jitter: float = 1.0
    open_timeout_s: float = 10.0
    close_timeout_s: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketOpened:
    """The socket stands; every channel is being joined."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketClosed:
    """The socket is gone, or an attempt to reconnect failed."""

    code: int
    reason: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelMoved:
    """A channel was ACCEPTED, REFUSED, CRASHED or ENDED; after the middle two it is rejoined by itself."""

    topic: str
    move: ChannelMove
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """A `system`, `postgres_changes` or `broadcast` message for a channel; `bytes` is the size of its frame.

    `handlers` are the places of the bindings that a change is for.
    """

    topic: str
    event: str
    payload: Mapping[str, Any]
    bytes: int
    handlers: tuple[int, ...] = ()


ConnectionEvent = SocketOpened | SocketClosed | ChannelMoved | Delivered


@dataclass(frozen=True, slots=True, kw_only=True)
class Connect:
    """Open a socket now, then call `opened`, or `socket_closed` if that fails."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disconnect:
    """Send what is to be sent, close the socket with this, then call `socket_closed`."""

    code: int
    reason: str


class SocketState(Enum):
    """DUE: a socket should be opened. CLOSING: given up, will come back. FINISHING: closing for good."""

    DUE = "due"
    OPEN = "open"
    CLOSING = "closing"
    WAITING = "waiting"
    FINISHING = "finishing"
    ENDED = "ended"


class SocketMove(Enum):
    """What can happen to the socket."""

    OPENED = "opened"
    LOST = "lost"
    GIVE_UP = "give up"
    RETRY = "retry"
    CLOSE = "close"


SOCKET_TABLE: Mapping[tuple[SocketState, SocketMove], SocketState] = {
    (SocketState.DUE, SocketMove.OPENED): SocketState.OPEN,
    (SocketState.DUE, SocketMove.LOST): SocketState.WAITING,
    (SocketState.OPEN, SocketMove.LOST): SocketState.WAITING,
    (SocketState.OPEN, SocketMove.GIVE_UP): SocketState.CLOSING,
    (SocketState.CLOSING, SocketMove.LOST): SocketState.WAITING,
    (SocketState.WAITING, SocketMove.RETRY): SocketState.DUE,
    (SocketState.DUE, SocketMove.CLOSE): SocketState.ENDED,
    (SocketState.WAITING, SocketMove.CLOSE): SocketState.ENDED,
    (SocketState.OPEN, SocketMove.CLOSE): SocketState.FINISHING,
    (SocketState.CLOSING, SocketMove.CLOSE): SocketState.FINISHING,
    (SocketState.FINISHING, SocketMove.LOST): SocketState.ENDED,
}
