"""The specification's collector of metrics, to the letter: what it says of itself is not what happens (D-75).

Beside the publisher, which could tell it how long an insert took, but never how long a delivery did. Nothing in the
specification calls it, so nothing here does; the harness measures at receipt.
"""

from collections.abc import Mapping
from typing import Any, Final

_KEPT: Final = 100


class MetricsCollector:
    """Counts published events. `events_failed` and `active_connections` are never moved by anybody."""

    def __init__(self) -> None:
        self.events_published = 0
        self.events_failed = 0
        self.active_connections = 0
        self.average_event_size = 0.0
        self.event_delivery_time: list[float] = []

    async def record_event_published(self, event_size: int, delivery_time: float) -> None:
        """Count one event of so many bytes; `delivery_time` is what the publisher takes for it. The last 100 stay."""
        self.events_published += 1
        before = self.average_event_size * (self.events_published - 1)
        self.average_event_size = (before + event_size) / self.events_published
        self.event_delivery_time.append(delivery_time)
        if len(self.event_delivery_time) > _KEPT:
            self.event_delivery_time.pop(0)

    def get_performance_summary(self) -> Mapping[str, Any]:
        """As the specification computes it: a success rate of failures that nobody counts, and a p95 one too far."""
        times = self.event_delivery_time
        succeeded = self.events_published - self.events_failed
        return {
            "total_events": self.events_published,
            "failed_events": self.events_failed,
            "success_rate": succeeded / max(self.events_published, 1) * 100,
            "average_event_size_bytes": self.average_event_size,
            "average_delivery_time_ms": sum(times) / len(times) if times else 0,
            "p95_delivery_time_ms": sorted(times)[int(len(times) * 0.95)] if times else 0,
        }
