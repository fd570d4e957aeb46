"""`Times`: many durations as one HdrHistogram, whose percentiles are counted and never averaged.

Microseconds inside, three digits kept, from 1 µs to an hour. What figures of latency are made of.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

from hdrh.histogram import HdrHistogram  # type: ignore[import-untyped]

_LOWEST_US: Final = 1
_HIGHEST_US: Final = 3_600_000_000
_DIGITS: Final = 3


def _empty() -> Any:
    return HdrHistogram(_LOWEST_US, _HIGHEST_US, _DIGITS)


@dataclass(slots=True)
class Times:
    """Durations in seconds. `negative` counts those below zero, as two clocks may have it: they are in as 1 µs."""

    negative: int = 0
    _histogram: Any = field(default_factory=_empty)

    @classmethod
    def of(cls, seconds: Iterable[float]) -> Self:
        times = cls()
        for each in seconds:
            times.add(each)
        return times

    @classmethod
    def decoded(cls, text: str) -> Self:
        """What `encoded` gave; how many were negative is not in it."""
        return cls(_histogram=HdrHistogram.decode(text.encode("ascii")))

    @property
    def count(self) -> int:
        return int(self._histogram.get_total_count())

    def add(self, seconds: float) -> None:
        """One more; over an hour counts as an hour."""
        self.negative += seconds < 0
        self._histogram.record_value(min(max(_LOWEST_US, round(seconds * 1e6)), _HIGHEST_US))

    def merge(self, other: "Times") -> None:
        """All of the other's as well."""
        self.negative += other.negative
        self._histogram.add(other._histogram)

    def at(self, share: float) -> float | None:
        """The time in seconds that this share (0 to 1) of them does not exceed; None if there are none."""
        if not self.count:
            return None
        return float(self._histogram.get_value_at_percentile(100 * share)) / 1e6

    def counted(self) -> Sequence[tuple[float, int]]:
        """The times in seconds that were met, ascending and as `at` gives them, each with how often."""
        found = self._histogram
        return [
            (float(found.get_highest_equivalent_value(found.get_value_from_index(index))) / 1e6, count)
            for index, count in enumerate(found.counts)
            if count
        ]

    def encoded(self) -> str:
        """HdrHistogram's compressed form, as text that its libraries decode."""
        return bytes(self._histogram.encode()).decode("ascii")
