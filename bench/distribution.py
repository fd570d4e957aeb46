"""What can be said of many measured values: their percentiles, and how far two samples are apart."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence

from harness.history.percentile import percentile as nearest_rank


def percentile(values: Iterable[float], share: float) -> float:
    """The smallest value that at least `share` (0 to 1) of the values do not exceed."""
    return nearest_rank(sorted(values), share)


def ks_distance(first: Sequence[float], second: Sequence[float]) -> float:
    """The Kolmogorov–Smirnov distance of two samples, neither of them empty: from 0, alike, to 1, apart.

    The largest difference, over all values, of the shares of the samples that do not exceed it.
    """
    one, other = sorted(first), sorted(second)
    return max(abs(bisect_right(one, x) / len(one) - bisect_right(other, x) / len(other)) for x in {*one, *other})
