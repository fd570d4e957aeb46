"""A gateway that ends connections which were idle for too long."""

from dataclasses import dataclass
from random import Random
from typing import ClassVar

from harness.faults.fault import Admission, Fate, Frame


@dataclass(frozen=True, slots=True, kw_only=True)
class IdleClose:
    """Closes the connections of a link that stand with this close `code`, once, when it begins; new ones are let in.

    A server says 1000 after a minute without a byte from the client (realtime-facts 1.5); some gateways say it, or
    1001, after a quarter of an hour (supabase-flutter#388). How long is too long the story says, by when it begins:
    a fate knows no time. HTTP connections just end.
    """

    link: str
    code: int = 1000
    at: float = 0.0
    lasts: float | None = None

    admission: ClassVar[Admission] = Admission.PASS
    bytes_per_s: ClassVar[float | None] = None

    @property
    def onset(self) -> Fate:
        return Fate.close(self.code)

    def fate(self, frame: Frame, rng: Random) -> Fate:
        return Fate.PASS
