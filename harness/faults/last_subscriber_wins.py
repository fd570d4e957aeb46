"""A server that gives a row to the newest of several subscribers only."""

from dataclasses import dataclass
from random import Random
from typing import ClassVar

from harness.faults.fault import EVERY, Admission, Direction, Fate, Frame


@dataclass(frozen=True, slots=True, kw_only=True)
class LastSubscriberWins:
    """Row changes reach only the last of these `links`; the others are subscribed and hear nothing.

    As with filters that overlap on the hosted service (realtime#1524, delivery-bugs B14). Links that are not named
    are let alone.
    """

    links: tuple[str, ...]
    link: str = EVERY
    at: float = 0.0
    lasts: float | None = None

    admission: ClassVar[Admission] = Admission.PASS
    onset: ClassVar[Fate] = Fate.PASS
    bytes_per_s: ClassVar[float | None] = None

    def fate(self, frame: Frame, rng: Random) -> Fate:
        beaten = frame.link in self.links[:-1] and frame.direction is Direction.TO_CLIENT
        return Fate.DROP if beaten and frame.is_change() else Fate.PASS
