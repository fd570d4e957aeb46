"""A Realtime client as the application uses it: the interface of the native and the official ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """What a channel asks of postgres_changes: one element of the join payload."""

    event: str
    schema: str
    table: str
    filter: str | None = None

    def as_json(self) -> dict[str, str]:
        """The element as the official clients send it; no `filter` key when there is none."""
        element = {"event": self.event, "schema": self.schema, "table": self.table}
        return element if self.filter is None else {**element, "filter": self.filter}


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The socket stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """The socket is gone. `code` is 1006 where no close frame came; `by` is `client` or `server`."""

    code: int
    reason: str = ""
    by: str = "server"


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """The join reply came: what the official clients call SUBSCRIBED. Not yet ready."""

    topic: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The join was answered with an error, or timed out; the client may try again by itself."""

    topic: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemNotice:
    """A `system` message. Ready is `extension == "postgres_changes"` and `status == "ok"`; it may repeat."""

    topic: str
    extension: str
    status: str
    message: str

    @property
    def ready(self) -> bool:
        return self.extension == "postgres_changes" and self.status == "ok"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeReceived:
    """A row change arrived on a topic. `bytes` is the frame's size, 0 where the client hides it.

    `handlers` are the places, in the subscription, of the bindings that it is for; empty where the client hides them.
    """

    topic: str
    schema: str
    table: str
    action: str
    commit_timestamp: str | None
    record: Mapping[str, Any]
    old_record: Mapping[str, Any] = field(default_factory=dict)
    errors: Sequence[str] | None = None
    ids: Sequence[int] = ()
    handlers: Sequence[int] = field(default=(), compare=False)
    bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelClosed:
    """phx_close came, or the client left: the channel is over and is not rejoined by itself."""

    topic: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelErrored:
    """phx_error came, or the socket went away under the channel; the client will rejoin by itself."""

    topic: str
    reason: str = ""


ClientEvent = Opened | Closed | Joined | Refused | SystemNotice | ChangeReceived | ChannelClosed | ChannelErrored


class Client(Protocol):
    """One socket with its channels. Topics are given without the prefix `realtime:`.

    A client that loses its socket reconnects and rejoins by itself, as the official ones do, until `close`.
    """

    async def connect(self) -> None:
        """Open the socket; raises `ConnectRefused` if the server refuses the upgrade, `ClientError` otherwise."""
        ...

    async def subscribe(self, topic: str, bindings: Sequence[Binding]) -> None:
        """Ask to join; the outcome comes as `Joined` or `Refused`, and later `SystemNotice`."""
        ...

    async def unsubscribe(self, topic: str) -> None:
        """Leave the topic; `ChannelClosed` follows."""
        ...

    async def set_token(self, token: str) -> None:
        """Use this token from now on, on joined channels too; before `connect`, in place of the first one."""
        ...

    async def next_event(self) -> ClientEvent:
        """The next thing that happened, in order; waits for it. After `close` it raises `ClientError`."""
        ...

    async def drop(self) -> None:
        """Break the TCP connection without a close frame, as a lost network does; the client may reconnect."""
        ...

    async def close(self) -> None:
        """Leave everything and end. Safe to call twice."""
        ...
