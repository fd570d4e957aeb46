"""What a reader says of its connection, as a table: status × signal → status; recovery moves along it.

`docs/workflow.md` is drawn from it.
"""

from collections.abc import Mapping
from enum import Enum, StrEnum
from typing import Final


class Status(StrEnum):
    """What the reader believes of its connection and shows; only `live` and `ended` promise to be up to date."""

    OFFLINE = "offline"
    CONNECTING = "connecting"
    CATCHING_UP = "catching_up"
    LIVE = "live"
    STALE = "stale"
    ENDED = "ended"
    LEFT = "left"


class Signal(Enum):
    """What moves the status."""

    CONNECTING = "the socket stands"
    JOINED = "a channel is joined"
    READY = "all channels are ready"
    ANSWERED = "a fetch was answered"
    CAUGHT_UP = "nothing is known to be missing"
    OVERDUE = "a hole or a silence lasted too long"
    FAILED = "a fetch failed"
    DISCONNECTED = "the socket or a channel is gone"
    TERMINAL = "the process has ended"
    CLOSED = "the reader has left"


_EVER: Final = {Signal.TERMINAL: Status.ENDED, Signal.CLOSED: Status.LEFT}
_LOST: Final = {Signal.CONNECTING: Status.CONNECTING, Signal.DISCONNECTED: Status.OFFLINE, **_EVER}

TRANSITIONS: Final[Mapping[Status, Mapping[Signal, Status]]] = {
    Status.OFFLINE: {
        Signal.CONNECTING: Status.CONNECTING,
        Signal.JOINED: Status.CONNECTING,
        Signal.READY: Status.CATCHING_UP,
        **_EVER,
    },
    Status.CONNECTING: {Signal.READY: Status.CATCHING_UP, Signal.DISCONNECTED: Status.OFFLINE, **_EVER},
    Status.CATCHING_UP: {Signal.CAUGHT_UP: Status.LIVE, Signal.FAILED: Status.STALE, **_LOST},
    Status.LIVE: {Signal.READY: Status.CATCHING_UP, Signal.OVERDUE: Status.CATCHING_UP, **_LOST},
    Status.STALE: {Signal.READY: Status.CATCHING_UP, Signal.ANSWERED: Status.CATCHING_UP, **_LOST},
    Status.ENDED: {Signal.CLOSED: Status.LEFT},
    Status.LEFT: {},
}
"""A signal that a status does not list changes nothing: the network may report anything at any time."""
