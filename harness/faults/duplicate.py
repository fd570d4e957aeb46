"""Messages that arrive more than once."""

from dataclasses import dataclass
from random import Random
from typing import ClassVar

from harness.faults.fault import BINARY, TEXT, Admission, Direction, Fate, Frame


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicate:
    """Messages with this Phoenix `event`, or all if None, arrive again at once, each with this `probability`.

    As when two roles were connected and everybody got each row twice (realtime#236), and for a while whenever
    (realtime#287).
    """

    link: str
    probability: float = 1.0
    copies: int = 1
    event: str | None = "postgres_changes"
    at: float = 0.0
    lasts: float | None = None

    admission: ClassVar[Admission] = Admission.PASS
    onset: ClassVar[Fate] = Fate.PASS
    bytes_per_s: ClassVar[float | None] = None

    def fate(self, frame: Frame, rng: Random) -> Fate:
        return Fate.duplicate(self.copies) if self._meant(frame) and rng.random() < self.probability else Fate.PASS

    def _meant(self, frame: Frame) -> bool:
        if frame.direction is not Direction.TO_CLIENT or frame.opcode not in (TEXT, BINARY):
            return False
        return self.event in (None, frame.message().get("event"))
