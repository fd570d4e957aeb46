"""A link that swallows everything and says nothing."""

from dataclasses import dataclass
from random import Random
from typing import ClassVar

from harness.faults.fault import Admission, Fate, Frame


@dataclass(frozen=True, slots=True, kw_only=True)
class BlackHole:
    """Drops all frames of a link, both ways, pings and close frames too, and keeps the sockets open.

    What a client sees when a mobile network forgets its NAT entry: only a heartbeat that is not answered can tell
    (delivery-bugs B2, B18). A new connection is taken and never answered, HTTP is swallowed; neither side learns
    that the other one has gone. A frame that another fault delays already still arrives.
    """

    link: str
    at: float = 0.0
    lasts: float | None = None

    admission: ClassVar[Admission] = Admission.SILENT
    onset: ClassVar[Fate] = Fate.PASS
    bytes_per_s: ClassVar[float | None] = None

    def fate(self, frame: Frame, rng: Random) -> Fate:
        return Fate.DROP
