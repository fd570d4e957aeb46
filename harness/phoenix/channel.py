"""One channel as its client sees it: its states as a table, its join payload, and which changes are its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeVar

from harness.errors import IllegalMove


class ChannelState(Enum):
    """The five states of Phoenix's clients; the words are those of phoenix.js."""

    CLOSED = "closed"
    JOINING = "joining"
    JOINED = "joined"
    LEAVING = "leaving"
    ERRORED = "errored"


class ChannelMove(Enum):
    """What can happen to a channel."""

    JOIN = "join"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    CRASHED = "crashed"
    LEAVE = "leave"
    ENDED = "ended"


CHANNEL_TABLE: Mapping[tuple[ChannelState, ChannelMove], ChannelState] = {
    (ChannelState.CLOSED, ChannelMove.JOIN): ChannelState.JOINING,
    (ChannelState.ERRORED, ChannelMove.JOIN): ChannelState.JOINING,
    (ChannelState.JOINING, ChannelMove.ACCEPTED): ChannelState.JOINED,
    (ChannelState.JOINING, ChannelMove.REFUSED): ChannelState.ERRORED,
    (ChannelState.JOINING, ChannelMove.CRASHED): ChannelState.ERRORED,
    (ChannelState.JOINED, ChannelMove.CRASHED): ChannelState.ERRORED,
    (ChannelState.JOINING, ChannelMove.LEAVE): ChannelState.LEAVING,
    (ChannelState.JOINED, ChannelMove.LEAVE): ChannelState.LEAVING,
    (ChannelState.CLOSED, ChannelMove.ENDED): ChannelState.CLOSED,
    (ChannelState.JOINING, ChannelMove.ENDED): ChannelState.CLOSED,
    (ChannelState.JOINED, ChannelMove.ENDED): ChannelState.CLOSED,
    (ChannelState.LEAVING, ChannelMove.ENDED): ChannelState.CLOSED,
    (ChannelState.ERRORED, ChannelMove.ENDED): ChannelState.CLOSED,
}
"""Every move there is. REFUSED is an error reply or no reply; CRASHED is phx_error or the loss of the socket."""

S = TypeVar("S", bound=Enum)
M = TypeVar("M", bound=Enum)


def step(table: Mapping[tuple[S, M], S], state: S, move: M) -> S:
    """The state after `move`; raises `IllegalMove` for a pair that is not in the table."""
    try:
        return table[state, move]
    except KeyError:
        raise IllegalMove(str(state.value), str(move.value)) from None


@dataclass(slots=True, kw_only=True)
class Channel:
    """A channel that its client wants to be in.

    `deadline` belongs to the state: the end of patience while joining or leaving, the time to rejoin while
    errored. `join_ref` is None where no join is valid, so that whatever an old join brings is stale. A `forgetful`
    one has been joined and asks for nothing when it joins again, as in realtime-py#213. One with `broadcasts` is
    private: it hears what is sent to its topic, and asks to be told when that of the database comes.
    """

    topic: str
    bindings: tuple[Mapping[str, Any], ...]
    state: ChannelState = ChannelState.CLOSED
    join_ref: str | None = None
    leave_ref: str | None = None
    deadline: float | None = None
    failures: int = 0
    ids: tuple[Any, ...] = ()
    forgetful: bool = False
    broadcasts: bool = False

    def move(self, move: ChannelMove) -> None:
        """Go where the table says, or raise `IllegalMove` and stay."""
        self.state = step(CHANNEL_TABLE, self.state, move)

    def join_payload(self, token: str | None) -> dict[str, Any]:
        """What phx_join carries: the same at every rejoin but for the newest token (realtime-facts 7.1)."""
        broadcast = {"ack": False, "self": False}
        config = {
            "broadcast": {**broadcast, "replication_ready": True} if self.broadcasts else broadcast,
            "presence": {"key": "", "enabled": False},
            "postgres_changes": [] if self.forgetful else [dict(binding) for binding in self.bindings],
            "private": self.broadcasts,
        }
        return {"config": config} if token is None else {"config": config, "access_token": token}

    def accept(self, granted: Any) -> bool:
        """Take the ids of the reply's bindings; False if they are not those that were asked for.

        The rule of both official clients: element by element, event, schema, table and filter must be equal,
        a missing filter being a null one (realtime-facts 7.1).
        """
        if self.forgetful:
            self.ids = ()
            return True
        if not isinstance(granted, Sequence) or len(granted) < len(self.bindings):
            return not self.bindings
        pairs = list(zip(self.bindings, granted, strict=False))
        if not all(isinstance(element, dict) and _same(asked, element) for asked, element in pairs):
            return False
        self.ids = tuple(element.get("id") for _, element in pairs)
        return True

    def handlers(self, ids: Sequence[Any], action: Any) -> tuple[int, ...]:
        """The places of the bindings of this channel that asked for a change with these ids and this action."""
        return tuple(
            place
            for place, (own, binding) in enumerate(zip(self.ids, self.bindings, strict=False))
            if own in ids and binding["event"] in ("*", action)
        )


def _same(asked: Mapping[str, Any], granted: Mapping[str, Any]) -> bool:
    return all(asked.get(key) == granted.get(key) for key in ("event", "schema", "table", "filter"))
