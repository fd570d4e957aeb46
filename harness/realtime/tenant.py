"""The settings of the one tenant that a server serves: secret, publication, times, quirks."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.realtime.auth import Claims, Refusal, verify
from harness.realtime.keys import Jwk
from harness.realtime.plans import Limits
from harness.realtime.quirks import Quirks


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """Times are seconds; the defaults are those of a self-hosted server (realtime-facts 1.3-1.5, 2.4, 3.4, 11.25).

    `external_id` is the first label that the Host header must have, as behind the real gateway; None serves
    every Host. `jwks` are the keys of its key set, `claim_validators` the claims that must have a certain value
    where they are present (`JWT_CLAIM_VALIDATORS`). `private_only` refuses public channels, `suspended` everybody.
    A socket that does not read is dropped when `max_backlog_bytes` wait for it, as the heap limit of the real server
    does (realtime-facts 1.5).
    """

    jwt_secret: str = field(repr=False)
    jwks: tuple[Jwk, ...] = field(default=(), repr=False)
    claim_validators: Mapping[str, Any] = field(default_factory=dict)
    publication: str = "supabase_realtime"
    external_id: str | None = None
    name: str = "realtime-dev"
    private_only: bool = False
    suspended: bool = False
    presence_enabled: bool = False
    idle_timeout_s: float = 66.0
    connect_error_backoff_s: float = 2.0
    channel_error_backoff_s: float = 5.0
    token_check_s: float = 300.0
    subscribe_retry_s: tuple[float, float] = (1.0, 3.0)
    subscribe_error_retry_s: tuple[float, float] = (5.0, 10.0)
    max_frame_bytes: int = 5_000_000
    max_backlog_bytes: int = 50_000_000
    max_record_bytes: int = 1 << 20
    poll_interval_s: float = 0.1
    idle_poll_interval_s: float = 0.5
    poll_timeout_s: float = 15.0
    reconnect_s: tuple[float, float] = (1.4, 2.2)
    publication_check_s: float = 60.0
    row_removal_s: float = 15.0
    idle_stop_s: float = 600.0
    limits: Limits = field(default_factory=Limits)
    quirks: Quirks = field(default_factory=Quirks)

    @property
    def feed(self) -> str:
        """The publication from which changes are read."""
        return feed(self.publication, self.quirks)

    def verify(self, token: str | None, *, wall: float) -> Claims | Refusal:
        """The claims of a token that is good for this tenant at `wall`."""
        return verify(token, self.jwt_secret, wall=wall, jwks=self.jwks, validators=self.claim_validators)


def feed(publication: str, quirks: Quirks) -> str:
    """The publication from which changes are read: our own copy of the tenant's (`harness_mirror`), which gives what
    wal2json gives; with the quirk off the tenant's itself, whose row filters and column lists then hold.
    """
    return f"harness_{publication}" if quirks.publication_filters_ignored else publication


Watcher = Callable[[Tenant, Tenant], None]
"""Is told the tenant as it was and as it is."""


class LiveTenant:
    """The tenant as it is now: it may be changed while sockets are open. `deleted`: there is none any more.

    Whoever keeps something of its settings registers with `watch`, whoever must start anew with `on_reload`.
    """

    def __init__(self, tenant: Tenant) -> None:
        self.now = tenant
        self.deleted = False
        self._watchers: list[Watcher] = []
        self._reloads: list[Callable[[], Awaitable[None]]] = []

    def watch(self, watcher: Watcher) -> None:
        """Call `watcher` after every change, and after the tenant was deleted."""
        self._watchers.append(watcher)

    def on_reload(self, action: Callable[[], Awaitable[None]]) -> None:
        """Call `action` when the tenant is reloaded (`POST /api/tenants/:id/reload`)."""
        self._reloads.append(action)

    def change(self, tenant: Tenant) -> None:
        """Put other settings in force; a tenant that was deleted is there again."""
        self._replace(tenant, deleted=False)

    def delete(self) -> None:
        """Nobody is let in any more."""
        self._replace(self.now, deleted=True)

    async def reload(self) -> None:
        """Stop what serves the tenant, to be started anew by whoever needs it."""
        for action in self._reloads:
            await action()

    def _replace(self, tenant: Tenant, *, deleted: bool) -> None:
        before, self.now, self.deleted = self.now, tenant, deleted
        for watcher in self._watchers:
            watcher(before, tenant)
