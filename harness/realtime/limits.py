"""Which limit refuses, ends or silently drops: the counters of one tenant (realtime-facts 6; recordings p09, p09b).

Nothing here waits or sends. Whoever is told of a `Bite` acts on it with its words, and records it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from harness.realtime.external_size import external_size
from harness.realtime.plans import Limits
from harness.realtime.quirks import Quirks
from harness.realtime.rate import Rate

_PADDING_BYTES: Final = 500
_REQUEST_TICK_S: Final = 1.0
_REQUEST_TICKS: Final = 60
_TOO_MANY: Final = 429

_AT_CONNECT: Final = {
    "max_concurrent_users": "Too many connected users",
    "max_joins_per_second": "Too many joins per second",
}
_AT_JOIN: Final = {
    "max_concurrent_users": "ConnectionRateLimitReached: Too many connected users",
    "max_joins_per_second": "ClientJoinRateLimitReached: Too many joins per second",
    "max_channels_per_client": "ChannelRateLimitReached: Too many channels",
}
_IN_CHANNEL: Final = {
    "max_events_per_second": "Too many messages per second",
    "max_presence_events_per_second": "Too many presence messages per second",
    "max_client_presence_events_per_window": "Client presence rate limit exceeded",
    "max_payload_size_in_kb": "Track message size exceeded",
}
_OVER_HTTP: Final = {
    "requests_per_second": "Too many requests",
    "max_events_per_second": "You have exceeded your rate limit",
    "batch": "Too many messages to broadcast, please reduce the batch size",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bite:
    """A limit bit: which, what it allows and what was measured (per second, in number or in bytes).

    `limit` is the tenant's column, but for those that have none of their own: `requests_per_second`, `batch` and
    `db_events_per_second`, which are all held against `max_events_per_second`.
    """

    limit: str
    allowed: float
    measured: float

    def at_connect(self) -> tuple[int, str]:
        """HTTP status and text for the upgrade."""
        return _TOO_MANY, _AT_CONNECT[self.limit]

    def at_join(self) -> str:
        """The reason in the error reply to a join."""
        return _AT_JOIN[self.limit]

    def in_channel(self) -> str:
        """The message of the `system` error before the channel is closed."""
        return _IN_CHANNEL[self.limit]

    def over_http(self) -> tuple[int, str]:
        """HTTP status and message."""
        return _TOO_MANY, _OVER_HTTP[self.limit]

    def told(self, where: Mapping[str, Any]) -> dict[str, Any]:
        """The value of the op `limit` in the history; `where` says link, topic or what else is known."""
        return {"limit": self.limit, "allowed": self.allowed, "measured": self.measured, **where}


class EventLimit:
    """The silent limit on changes of the database: whole batches are dropped while it is tripped.

    Nothing is counted then, so that it falls below the limit by itself; no client is told (realtime-facts 6.2,
    11.4). `measured` is the mean when it was last asked. With the quirk `db_events_dropped_silently` off it counts
    and drops nothing.
    """

    def __init__(self, rate: Rate, *, drops: bool) -> None:
        self._rate = rate
        self._drops = drops
        self.measured = 0.0

    def start(self, now: float) -> None:
        """The reader of the slot begins: from here on the ticks are counted."""
        self.measured = self._rate.mean(now)

    def events(self, now: float, subscriptions: int) -> bool:
        """Whether a batch that `subscriptions` rows may see is sent; if so it is counted."""
        self.measured = self._rate.mean(now)
        if self._drops and self._rate.tripped(now):
            return False
        self._rate.add(now, subscriptions)
        return True

    def bite(self) -> Bite:
        """What to record when `events` has said no."""
        return Bite(limit="db_events_per_second", allowed=self._rate.limit or 0, measured=self.measured)


class ClientWindow:
    """The presence calls of one channel: so many in a window that begins with the first call."""

    def __init__(self, limits: Limits) -> None:
        self._allowed = limits.max_client_presence_events_per_window
        self._window_s = limits.client_presence_window_ms / 1000
        self._ends = float("-inf")
        self._calls = 0

    def call(self, now: float) -> Bite | None:
        """Count a call, or say that it is one too many; one too many is not counted."""
        if self._allowed is None:
            return None
        if now > self._ends:
            self._ends, self._calls = now + self._window_s, 0
        if self._calls and self._calls >= self._allowed:
            name = "max_client_presence_events_per_window"
            return Bite(limit=name, allowed=self._allowed, measured=self._calls + 1)
        self._calls += 1
        return None


class TenantLimits:
    """The limits of a tenant with what was counted against them. `now` is seconds on any clock that goes forward.

    Sockets are told apart by whatever stands for them.
    """

    def __init__(self, limits: Limits, *, quirks: Quirks | None = None) -> None:
        self.quirks = quirks or Quirks()
        self.limits = limits
        self._users: set[object] = set()
        self._joins = self._rate(limits.max_joins_per_second)
        self._events = self._rate(limits.max_events_per_second)
        self._presence = self._rate(limits.max_presence_events_per_second)
        self._requests = Rate(limit=None, tick_s=_REQUEST_TICK_S, kept=_REQUEST_TICKS)
        self._database_rate = self._rate(limits.max_events_per_second)

    def replace(self, limits: Limits) -> None:
        """The tenant was changed: a counter whose limit is another one now begins anew.

        The limit on changes of the database is frozen until its reader starts again (realtime-facts 11.3), unless
        the quirk `db_limit_frozen_at_start` is off.
        """
        old, self.limits = self.limits, limits
        if limits.max_joins_per_second != old.max_joins_per_second:
            self._joins = self._rate(limits.max_joins_per_second)
        if limits.max_events_per_second != old.max_events_per_second:
            self._events = self._rate(limits.max_events_per_second)
            if not self.quirks.db_limit_frozen_at_start:
                self._database_rate.limit = limits.max_events_per_second
        if limits.max_presence_events_per_second != old.max_presence_events_per_second:
            self._presence = self._rate(limits.max_presence_events_per_second)

    # Sockets and joins

    def connect(self, now: float) -> Bite | None:
        """A socket wants in: refused while there are too many, or while joins are."""
        return self._users_bite() or self._joins_bite(now)

    def join(self, now: float, socket: object, channels: int) -> Bite | None:
        """A socket with so many channels wants one more. A join that is refused for its channels was counted."""
        users = None if socket in self._users else self._users_bite()
        bite = users or self._joins_bite(now)
        if bite is not None:
            return bite
        self._joins.add(now)
        allowed = self.limits.max_channels_per_client
        if allowed is not None and channels >= allowed:
            return Bite(limit="max_channels_per_client", allowed=allowed, measured=channels + 1)
        return None

    def joined(self, now: float, socket: object) -> None:
        """A join was let in: from its first one on a socket counts as a user, and messages are measured."""
        self._users.add(socket)
        self._events.mean(now)
        self._presence.mean(now)

    def gone(self, socket: object) -> None:
        """The socket is closed."""
        self._users.discard(socket)

    @property
    def users(self) -> int:
        """How many sockets count as users."""
        return len(self._users)

    # Messages

    def sent(self, now: float, count: int = 1) -> Bite | None:
        """A channel, or an HTTP request, sent so many messages.

        A sender is never told (realtime-facts 11.1), unless the quirk `sender_escapes_rate_limit` is off.
        """
        self._events.add(now, count)
        return None if self.quirks.sender_escapes_rate_limit else self._events_bite(now)

    def received(self, now: float) -> Bite | None:
        """A channel was sent a broadcast: counted, and the end of that channel while the limit is tripped."""
        self._events.add(now)
        return self._events_bite(now)

    def payload(self, value: Any) -> Bite | None:
        """Whether a payload (JSON) is too large, measured as the real server measures it."""
        return None if self.limits.max_payload_size_in_kb is None else self.payload_size(external_size(value))

    def payload_size(self, size: int) -> Bite | None:
        """The same for a payload that was measured already, in bytes of Erlang's external term format."""
        kilobytes = self.limits.max_payload_size_in_kb
        allowed = float("inf") if kilobytes is None else kilobytes * 1000 + _PADDING_BYTES
        return Bite(limit="max_payload_size_in_kb", allowed=allowed, measured=size) if size > allowed else None

    # HTTP

    def request(self, now: float) -> tuple[dict[str, str], Bite | None]:
        """An HTTP request came: the headers of its answer, and whether it is one too many (realtime-facts 11.2).

        The headers tell of requests, held against the limit of messages. Without a limit there are none.
        """
        self._requests.add(now)
        allowed = self.limits.max_events_per_second
        if allowed is None:
            return {}, None
        mean = self._requests.mean(now)
        headers = {
            "x-rate-rolling": str(int(mean)),
            "x-rate-limit": str(allowed),
            "x-rate-limit-remaining": str(allowed - int(mean)),
        }
        return headers, Bite(limit="requests_per_second", allowed=allowed, measured=mean) if mean > allowed else None

    def batch(self, now: float, messages: int) -> Bite | None:
        """An HTTP request wants to broadcast so many messages; they are not counted yet."""
        allowed = self.limits.max_events_per_second
        mean = self._events.mean(now)
        if allowed is None or mean + messages <= allowed:
            return None
        if mean > allowed:
            return Bite(limit="max_events_per_second", allowed=allowed, measured=mean)
        return Bite(limit="batch", allowed=allowed, measured=mean + messages)

    # Presence

    def presence(self, now: float) -> Bite | None:
        """A presence is tracked, or its state is sent: counted, unless the limit is passed already."""
        if self._presence.exceeded(now):
            return _bite("max_presence_events_per_second", self._presence, now)
        self._presence.add(now)
        return None

    def presence_sent(self, now: float, receivers: int) -> None:
        """A diff went to so many channels."""
        self._presence.add(now, receivers)

    def window(self) -> ClientWindow:
        """The window of a new channel, with the limits of this moment."""
        return ClientWindow(self.limits)

    # Changes of the database

    def database(self, now: float) -> EventLimit:
        """The limit for a reader of the slot that starts now."""
        self._database_rate = self._rate(self.limits.max_events_per_second)
        limit = EventLimit(self._database_rate, drops=self.quirks.db_events_dropped_silently)
        limit.start(now)
        return limit

    def _rate(self, limit: int | None) -> Rate:
        return Rate(limit=limit, at_ticks=self.quirks.rates_seen_at_ticks)

    def _users_bite(self) -> Bite | None:
        allowed = self.limits.max_concurrent_users
        if allowed is None or len(self._users) < allowed:
            return None
        return Bite(limit="max_concurrent_users", allowed=allowed, measured=len(self._users) + 1)

    def _joins_bite(self, now: float) -> Bite | None:
        return _bite("max_joins_per_second", self._joins, now) if self._joins.tripped(now) else None

    def _events_bite(self, now: float) -> Bite | None:
        return _bite("max_events_per_second", self._events, now) if self._events.tripped(now) else None


def _bite(limit: str, rate: Rate, now: float) -> Bite:
    return Bite(limit=limit, allowed=rate.limit or 0, measured=rate.mean(now))
