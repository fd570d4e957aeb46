"""A slow network."""

from dataclasses import dataclass
from random import Random
from typing import ClassVar

from harness.faults.fault import Admission, Direction, Fate, Frame


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay:
    """Every frame, pings and close frames too, arrives `seconds` later, and up to `jitter` seconds later than that.

    Without jitter frames keep their order; with it they overtake each other. `direction` None: both ways.
    """

    link: str
    seconds: float
    jitter: float = 0.0
    direction: Direction | None = Direction.TO_CLIENT
    at: float = 0.0
    lasts: float | None = None

    admission: ClassVar[Admission] = Admission.PASS
    onset: ClassVar[Fate] = Fate.PASS
    bytes_per_s: ClassVar[float | None] = None

    def fate(self, frame: Frame, rng: Random) -> Fate:
        if self.direction not in (None, frame.direction):
            return Fate.PASS
        return Fate.delay(self.seconds + self.jitter * rng.random())
