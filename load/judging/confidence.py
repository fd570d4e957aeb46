"""How sure a percentile is: its 95 % interval, by drawing the seconds of a run again and again.

From the histograms of the seconds to two numbers. Deliveries of one second are not independent (one poll, one stall
makes all of them late together), so that whole seconds are drawn and never single deliveries: a block bootstrap. The
interval says what other seconds of the same kind would have given, not what another machine would.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from random import Random
from typing import Final

from harness.history.percentile import percentile
from load.judging.histogram import Times

_ROUNDS: Final = 400
_OUTSIDE: Final = 0.05
_FEWEST: Final = 2


def interval(
    seconds: Sequence[Times], share: float, rng: Random, *, rounds: int = _ROUNDS
) -> tuple[float, float] | None:
    """Between which times in seconds the percentile lies with 95 % confidence; None if fewer than two seconds have
    any."""
    blocks = [_Block.of(times) for times in seconds if times.count]
    if len(blocks) < _FEWEST:
        return None
    values = sorted({value for block in blocks for value in block.values})
    found = sorted(_percentile(rng.choices(blocks, k=len(blocks)), values, share) for _ in range(rounds))
    return percentile(found, _OUTSIDE / 2), percentile(found, 1 - _OUTSIDE / 2)


@dataclass(frozen=True, slots=True)
class _Block:
    """The times of one second, ascending, and how many there are up to each."""

    values: Sequence[float]
    up_to: Sequence[int]

    @classmethod
    def of(cls, times: Times) -> "_Block":
        counted = times.counted()
        return cls([value for value, _ in counted], list(accumulate(count for _, count in counted)))

    def at_most(self, value: float) -> int:
        """How many of its times do not exceed that one."""
        place = bisect_right(self.values, value)
        return self.up_to[place - 1] if place else 0


def _percentile(drawn: Sequence[_Block], values: Sequence[float], share: float) -> float:
    """The least of the ascending `values` that this share of all that was drawn does not exceed."""
    wanted = share * sum(block.up_to[-1] for block in drawn)
    place = bisect_left(values, wanted, key=lambda value: sum(block.at_most(value) for block in drawn))
    return values[min(place, len(values) - 1)]
