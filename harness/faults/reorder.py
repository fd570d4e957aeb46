"""Row changes that overtake each other."""

from dataclasses import dataclass
from random import Random
from typing import ClassVar

from harness.faults.fault import Admission, Direction, Fate, Frame


@dataclass(frozen=True, slots=True, kw_only=True)
class Reorder:
    """A random share of the row changes is held back, up to `within` seconds, so that later messages come first.

    Nothing else waits; a row that is overtaken by the end of the connection is lost with it.
    """

    link: str
    probability: float = 0.5
    within: float
    at: float = 0.0
    lasts: float | None = None

    admission: ClassVar[Admission] = Admission.PASS
    onset: ClassVar[Fate] = Fate.PASS
    bytes_per_s: ClassVar[float | None] = None

    def fate(self, frame: Frame, rng: Random) -> Fate:
        if frame.direction is not Direction.TO_CLIENT or not frame.is_change() or rng.random() >= self.probability:
            return Fate.PASS
        return Fate.delay(self.within * rng.random())
