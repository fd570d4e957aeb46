"""`Metrics`: what the specification's collector promises, measured where it can be known (D-75).

Beside the line: the publisher knows what was published, failed and how big it was; how long delivery took is known
only where something is received.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, log
from typing import Final

_STEP: Final = 1.01
"""Delivery times are kept in classes that are one per cent wide, so that any number of them takes little room."""
_SHORTEST_S: Final = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Seconds and bytes. What was not measured yet is None.

    `success_rate` is the share of the events that were published, of all that were to be. `skewed` counts receipts
    that came before they were sent, as clocks have it: they are in no percentile.
    """

    published: int
    failed: int
    received: int
    skewed: int
    success_rate: float | None
    average_bytes: float | None
    p50_s: float | None
    p95_s: float | None
    p99_s: float | None
    longest_s: float | None

    def of_publisher(self) -> Mapping[str, int | float | None]:
        """What a publisher can know."""
        return {
            "published": self.published,
            "failed": self.failed,
            "success_rate": self.success_rate,
            "average_bytes": self.average_bytes,
        }

    def of_reader(self) -> Mapping[str, int | float | None]:
        """What a reader can know."""
        return {
            "received": self.received,
            "skewed": self.skewed,
            "p50_s": self.p50_s,
            "p95_s": self.p95_s,
            "p99_s": self.p99_s,
            "longest_s": self.longest_s,
        }


class Metrics:
    """Counts from its making on; every receipt counts, not just the last hundred."""

    def __init__(self) -> None:
        self._published = 0
        self._failed = 0
        self._bytes = 0
        self._skewed = 0
        self._times: Counter[int] = Counter()  # class → how many
        self._longest_s: float | None = None

    def published(self, size_bytes: int) -> None:
        """An event was committed."""
        self._published += 1
        self._bytes += size_bytes

    def failed(self) -> None:
        """An event was given up."""
        self._failed += 1

    def received(self, delivery_s: float) -> None:
        """An event came to a reader that long after it was emitted."""
        if delivery_s < 0:
            self._skewed += 1
            return
        self._times[_class_of(delivery_s)] += 1
        self._longest_s = max(delivery_s, self._longest_s or 0.0)

    def percentile(self, share: float) -> float | None:
        """The time within which that share (0 < share ≤ 1) of the receipts came, at most one per cent too long."""
        wanted = ceil(share * self._times.total())
        seen = 0
        for number in sorted(self._times):
            seen += self._times[number]
            if seen >= wanted:
                return min(_SHORTEST_S * _STEP**number, self._longest_s or 0.0)
        return None

    def summary(self) -> Summary:
        """Everything so far."""
        asked = self._published + self._failed
        return Summary(
            published=self._published,
            failed=self._failed,
            received=self._times.total(),
            skewed=self._skewed,
            success_rate=self._published / asked if asked else None,
            average_bytes=self._bytes / self._published if self._published else None,
            p50_s=self.percentile(0.50),
            p95_s=self.percentile(0.95),
            p99_s=self.percentile(0.99),
            longest_s=self._longest_s,
        )


def _class_of(seconds: float) -> int:
    """The number of the narrowest class whose upper end is not below."""
    return max(0, ceil(log(max(seconds, _SHORTEST_S) / _SHORTEST_S, _STEP)))
