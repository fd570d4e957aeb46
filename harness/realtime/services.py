"""What all sockets of a server share."""

from dataclasses import dataclass
from random import Random

from harness.clock import Clock, time_factor
from harness.history.recorder import Recorder
from harness.realtime.auth import Claims, Refusal
from harness.realtime.limits import TenantLimits
from harness.realtime.tenant import LiveTenant, Tenant
from harness.realtime.worker import Worker


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """`tenant` is read anew at every use: its settings may change while sockets are open (see `LiveTenant`)."""

    live: LiveTenant
    worker: Worker
    clock: Clock
    rng: Random
    recorder: Recorder
    limits: TenantLimits

    @property
    def tenant(self) -> Tenant:
        """The tenant as it is now."""
        return self.live.now

    def verify(self, token: str | None) -> Claims | Refusal:
        """The claims of a token that is good for the tenant now."""
        return self.tenant.verify(token, wall=self.wall())

    def real_seconds(self, seconds: float) -> float:
        """So many seconds of the clock for the event loop, which no time factor reaches."""
        return seconds / time_factor(self.clock)

    def wall(self) -> float:
        """Seconds since 1970."""
        return self.clock.wall().timestamp()
