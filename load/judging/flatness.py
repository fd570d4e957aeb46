"""Whether memory is flat once everything is warm: a claim of a soak over samples of a process, without a run.

Compared are medians of the first and the last fifth of what was sampled after the warm-up, so that neither a peak nor
where in a generation the run ends decides; the slope by Theil and Sen, the median of all slopes between two samples,
says how fast it went.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from harness.checkers.checker import Finding, Valid, Verdict

MOST: Final = 5.0
"""By how many per cent memory may grow, if nothing else is said."""
_FIFTHS: Final = 5
_FEWEST: Final = 3
"""Samples of a fifth; of fewer, one peak would decide."""
_PAIRS_OF: Final = 400
"""So many samples, evenly taken, give the slope: all pairs of a long run would be millions."""

Sample = tuple[float, float]
"""When it was taken, in seconds, and the memory then, in MiB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flatness:
    """Of one process: `first` and `last` are medians in MiB, `growth` is in per cent of `first`, `slope` in MiB/min.

    All are None where there were too few of the `samples` to say.
    """

    samples: int
    first: float | None = None
    last: float | None = None
    growth: float | None = None
    slope: float | None = None

    def verdict(self, most: float = MOST) -> Verdict:
        """Whether it grew by no more than `most` per cent; unknown if too little was seen. Who shrinks is flat."""
        if self.growth is None:
            return Verdict.unknown(f"{self.samples} samples after the warm-up are too few, {_FIFTHS * _FEWEST} are not")
        if self.growth <= most:
            return Verdict(valid=Valid.YES, looked_at=self.samples)
        told = f"from {self.first:.1f} to {self.last:.1f} MiB is {self.growth:+.1f} %, and must be at most {most:g} %"
        return Verdict.invalid(Finding(told), looked_at=self.samples)


def flatness(samples: Sequence[Sample], *, warm: float) -> Flatness:
    """Of samples in the order of time; those before second `warm` do not count."""
    after = [sample for sample in samples if sample[0] >= warm]
    size = len(after) // _FIFTHS
    if size < _FEWEST:
        return Flatness(samples=len(after))
    first = median(mib for _, mib in after[:size])
    last = median(mib for _, mib in after[-size:])
    return Flatness(
        samples=len(after),
        first=first,
        last=last,
        growth=100 * (last - first) / first,
        slope=60 * _slope(after[:: max(1, len(after) // _PAIRS_OF)]),
    )


def _slope(samples: Sequence[Sample]) -> float:
    """The median of the slopes between any two, per second."""
    return median(
        (mib - earlier_mib) / (at - earlier)
        for place, (at, mib) in enumerate(samples)
        for earlier, earlier_mib in samples[:place]
        if at > earlier
    )
