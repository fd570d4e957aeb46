"""A connection that breaks."""

from dataclasses import dataclass
from random import Random
from typing import ClassVar

from harness.faults.fault import Admission, Fate, Frame


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """Breaks the connections of a link that stand, HTTP too, without a close frame; new ones are let in.

    One interruption, as when a phone goes from one network to the next: that it `lasts` changes nothing.
    """

    link: str
    at: float = 0.0
    lasts: float | None = None

    admission: ClassVar[Admission] = Admission.PASS
    onset: ClassVar[Fate] = Fate.CUT
    bytes_per_s: ClassVar[float | None] = None

    def fate(self, frame: Frame, rng: Random) -> Fate:
        return Fate.PASS
