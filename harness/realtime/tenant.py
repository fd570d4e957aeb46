"""The settings of the one tenant that a server serves: secret, publication, times, quirks."""

from dataclasses import dataclass, field

from harness.realtime.quirks import Quirks


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """Times are seconds; the defaults are those of a self-hosted server (realtime-facts 1.3-1.5, 2.4, 3.4, 11.25).

    `external_id` is the first label that the Host header must have, as behind the real gateway; None serves
    every Host. A socket that does not read is dropped when `max_backlog_bytes` wait for it, as the heap limit of
    the real server does (realtime-facts 1.5).
    """

    jwt_secret: str = field(repr=False)
    publication: str = "supabase_realtime"
    external_id: str | None = None
    idle_timeout_s: float = 66.0
    connect_error_backoff_s: float = 2.0
    channel_error_backoff_s: float = 5.0
    token_check_s: float = 300.0
    subscribe_retry_s: tuple[float, float] = (1.0, 3.0)
    max_frame_bytes: int = 5_000_000
    max_backlog_bytes: int = 50_000_000
    quirks: Quirks = field(default_factory=Quirks)
