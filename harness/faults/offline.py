"""A machine without network."""

from dataclasses import dataclass
from random import Random
from typing import ClassVar

from harness.faults.fault import Admission, Fate, Frame


@dataclass(frozen=True, slots=True, kw_only=True)
class Offline:
    """Breaks the connections of a link that stand and refuses new ones, HTTP too, until it ends.

    The machine knows it: whatever it tries fails at once. Where it does not know, see `BlackHole`.
    """

    link: str
    at: float = 0.0
    lasts: float | None = None

    admission: ClassVar[Admission] = Admission.REFUSE
    onset: ClassVar[Fate] = Fate.CUT
    bytes_per_s: ClassVar[float | None] = None

    def fate(self, frame: Frame, rng: Random) -> Fate:
        return Fate.PASS
