"""Percentiles by nearest rank: always a value that was measured."""

import math
from collections.abc import Sequence


def percentile(ordered: Sequence[float], share: float) -> float:
    """The smallest of the ascending values that at least `share` of them do not exceed; of at least one value."""
    return ordered[place(len(ordered), share)]


def place(count: int, share: float) -> int:
    """Where that value is among `count` ascending ones."""
    return max(0, math.ceil(share * count) - 1)
