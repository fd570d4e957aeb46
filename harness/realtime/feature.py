"""How a feature (changes, broadcast, presence, limits …) hooks into sockets and channels.

A feature is a `Feature` value, listed in `server.RealtimeServer`; the order of that list is the order of everything
below. Sockets and channels know no feature by name.

0. A socket is opened with a good token: `connect` of each. An `UpgradeRefusal` is sent after 2 s.
1. A join came: `gate` of each, before its token is looked at. A `JoinRefusal` is answered after 5 s.
2. Payload and token are good: `admit` of each. A text refuses the join in these words.
3. The ok reply goes out. Then `follow` of each: what is sent after the reply, in order.
4. A push came: the entry of `events` with its name, of the first feature that has one. Other events are ignored.
5. The channel got a new token that is good (`channel.claims` is new already): `refresh` of each. A text ends the
   channel with a `system` error in these words.
6. The channel is over, whatever the cause: `over` of each, exactly once for each channel that `admit` was asked
   about, also if it was refused then. Nothing can be sent to it any more.
7. The socket is closed, and all its channels are over: `closed` of each.

A hook that must wait (for the database, a timer) returns an awaitable. What comes for that channel meanwhile waits
its turn, as in the mailbox of the real channel process; the socket goes on, except in step 2: a join that is being
processed blocks its socket (realtime-facts 2.4). The awaitable is cancelled when the channel is over. A hook of
steps 3 to 5 that raises crashes its channel (`phx_error`); to crash one on purpose call `channel.crash()`.
"""

import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field

from harness.phoenix.server import Pushed
from harness.realtime.channel import Channel, Socket
from harness.realtime.join import JoinRefusal

Refusal = str | None
"""The words of a refusal; None when there is nothing against it."""

Question = Callable[[Channel], Awaitable[Refusal] | Refusal]


@dataclass(frozen=True, slots=True, kw_only=True)
class UpgradeRefusal:
    """The HTTP answer to an upgrade that is refused: `{"error": words}`."""

    status: int
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """The hooks of one feature; those that it does not need stay None."""

    name: str
    connect: Callable[[], UpgradeRefusal | None] | None = None
    gate: Callable[[Socket], JoinRefusal | None] | None = None
    admit: Question | None = None
    follow: Callable[[Channel], Awaitable[None] | None] | None = None
    events: Mapping[str, Callable[[Channel, Pushed], Awaitable[None] | None]] = field(default_factory=dict)
    refresh: Question | None = None
    over: Callable[[Channel], None] | None = None
    closed: Callable[[Socket], None] | None = None


def ask(questions: Iterable[Question | None], channel: Channel) -> Awaitable[Refusal] | Refusal:
    """The first refusal, asked in order; an awaitable as soon as one of them must wait."""
    left = [each for each in questions if each is not None]
    while left:
        answer = left.pop(0)(channel)
        if inspect.isawaitable(answer):
            return _ask_rest(answer, left, channel)
        if answer is not None:
            return answer
    return None


async def _ask_rest(first: Awaitable[Refusal], left: list[Question], channel: Channel) -> Refusal:
    refusal = await first
    if refusal is not None:
        return refusal
    answer = ask(left, channel)
    return await answer if inspect.isawaitable(answer) else answer
