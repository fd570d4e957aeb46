"""How the offered rate goes with time: an even schedule, warped.

Between the plan and the schedule. A shape moves the events of an even schedule and changes none of them; how many there
are follows from the area under its rate.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Final

_NEARLY_NOTHING: Final = 0.05
_STEPS: Final = 5
_SPIKE: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """For this `share` of the run the rate goes evenly from `begins` to `ends`, both in units of the plan's rate and
    above 0."""

    share: float
    begins: float
    ends: float

    @property
    def work(self) -> float:
        """How much of the run it would take to say as much at the plan's rate."""
        return self.share * (self.begins + self.ends) / 2

    def after(self, work: float, seconds: float) -> float:
        """How many seconds of a run of so many it takes to say what takes `work` seconds at the plan's rate."""
        slope = (self.ends - self.begins) / (self.share * seconds)
        return 2 * work / (self.begins + sqrt(self.begins**2 + 2 * slope * work))


@dataclass(frozen=True, slots=True)
class Shape:
    """Stretches that are the whole run together; the rate of the last one stays as it is."""

    stretches: Sequence[Stretch]

    @property
    def mean(self) -> float:
        """The mean rate, in units of the plan's."""
        return sum(stretch.work for stretch in self.stretches)

    def warped(self, at: float, seconds: float) -> float:
        """When that is said which an even schedule of the same mean rate says `at` so many seconds of the run."""
        work, begun = at * self.mean, 0.0
        *before, last = self.stretches
        for stretch in before:
            whole = stretch.work * seconds
            if work <= whole:
                return begun + stretch.after(work, seconds)
            work -= whole
            begun += stretch.share * seconds
        return begun + last.after(work, seconds)


def _level(share: float, rate: float) -> Stretch:
    return Stretch(share=share, begins=rate, ends=rate)


SHAPES: Final[Mapping[str, Shape]] = {
    "plateau": Shape([_level(1.0, 1.0)]),
    "ramp": Shape([Stretch(share=0.5, begins=_NEARLY_NOTHING, ends=1.0), _level(0.5, 1.0)]),
    "steps": Shape([_level(1 / _STEPS, step / _STEPS) for step in range(1, _STEPS + 1)]),
    "spike": Shape([_level(0.45, 1.0), _level(0.1, _SPIKE), _level(0.45, 1.0)]),
}
"""By the names of the plan: the rate all the time; up to it in the first half; in five equal steps; five times it for a
tenth of the time in the middle."""
