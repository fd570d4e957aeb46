"""What the figures of the cadence `instant` should be, and how near those of `real` should come to the real server."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bench.real_server import Case


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Bounds of a value, both included; None where there is none."""

    least: float | None = None
    most: float | None = None

    def reached(self, value: float) -> bool:
        """Whether a value is within the bounds."""
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)

    def words(self) -> str:
        """As the table tells it."""
        if self.least is None:
            return f"≤ {self.most:,g}"
        return f"≥ {self.least:,g}" if self.most is None else f"{self.least:,g} to {self.most:,g}"


_KEPT_UP: Final = Target(most=100)
"""Milliseconds behind the last commit: what a server that keeps up is behind, and one that does not is soon past."""

TARGETS: Final[Mapping[Case, Target]] = {
    ("deliveries_per_s", "instant", "10", "off"): Target(least=15_000),
    ("deliveries_per_s", "instant", "50", "off"): Target(least=80_000),
    ("deliveries_per_s", "instant", "200", "off"): Target(least=120_000),
    ("deliveries_per_s", "instant", "10", "on"): Target(least=12_000),
    ("deliveries_per_s", "instant", "50", "on"): Target(least=40_000),
    ("at_rate_ms", "1", "off", "behind"): _KEPT_UP,
    ("at_rate_ms", "1", "on", "behind"): _KEPT_UP,
    ("at_rate_ms", "10", "on", "behind"): _KEPT_UP,
    ("at_rate_ms", "50", "on", "behind"): _KEPT_UP,
    ("commit_to_client_ms", "instant", "20 per s", "p50"): Target(most=2),
    ("commit_to_client_ms", "instant", "20 per s", "p99"): Target(most=10),
    ("commit_to_client_ms", "instant", "200 per s", "p50"): Target(most=2),
    ("commit_to_client_ms", "instant", "200 per s", "p99"): Target(most=10),
    ("burst_5000_by_cadence_s", "instant", "after the last commit"): Target(most=0.5),
    **{("real_cadence", load, "ks_distance"): Target(most=0.2) for load in ("idle", "20 per s", "200 per s")},
    **{("real_cadence", load, "maximum"): Target(least=0.85, most=1.15) for load in ("idle", "20 per s", "200 per s")},
    ("joins_per_s", "reply"): Target(least=2_500),
    ("start_ready_s", "warm"): Target(most=1.5),
    ("rss_mib", "200 subscribers", "engine"): Target(most=80),
}
