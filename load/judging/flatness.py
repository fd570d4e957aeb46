"""Whether memory is flat once everything is warm: a claim of a soak over samples of a process, without a run.

Compared are medians at the beginning and the end of what was sampled after the warm-up, so that no peak decides; each
of as many whole generations as fit into a fifth of it, at least of one. Memory goes up in a generation and down at its
end: of a part of one, the median would say in which part. The slope by Theil and Sen, the median of all slopes between
two samples, says how fast it went.
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
"""Samples of each window; of fewer, one peak would decide."""
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
            least = f"{_FIFTHS * _FEWEST} of them, and two whole generations, would not be"
            return Verdict.unknown(f"{self.samples} samples after the warm-up are too few: {least}")
        if self.growth <= most:
            return Verdict(valid=Valid.YES, looked_at=self.samples)
        told = f"from {self.first:.1f} to {self.last:.1f} MiB is {self.growth:+.1f} %, and must be at most {most:g} %"
        return Verdict.invalid(Finding(told), looked_at=self.samples)


def flatness(samples: Sequence[Sample], *, warm: float, generation: float) -> Flatness:
    """Of samples in the order of time; those before second `warm` do not count. A `generation` takes so many seconds,
    with the pause after it."""
    after = [sample for sample in samples if sample[0] >= warm]
    first, last = _windows(after, generation)
    if len(after) < _FIFTHS * _FEWEST or min(len(first), len(last)) < _FEWEST:
        return Flatness(samples=len(after))
    before, now = median(first), median(last)
    return Flatness(
        samples=len(after),
        first=before,
        last=now,
        growth=100 * (now - before) / before,
        slope=60 * _slope(after[:: max(1, len(after) // _PAIRS_OF)]),
    )


def _windows(after: Sequence[Sample], generation: float) -> tuple[Sequence[float], Sequence[float]]:
    """The memory at the beginning and at the end; empty where the two would overlap."""
    if not after:
        return (), ()
    begin, end = after[0][0], after[-1][0]
    seconds = generation * max(1, int((end - begin) / _FIFTHS / generation))
    if end - begin < 2 * seconds:
        return (), ()
    return [mib for at, mib in after if at < begin + seconds], [mib for at, mib in after if at > end - seconds]


def _slope(samples: Sequence[Sample]) -> float:
    """The median of the slopes between any two, per second."""
    return median(
        (mib - earlier_mib) / (at - earlier)
        for place, (at, mib) in enumerate(samples)
        for earlier, earlier_mib in samples[:place]
        if at > earlier
    )
