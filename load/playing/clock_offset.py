"""How far the clock of another machine is from ours, estimated from pings: the one with the least round trip tells it.

Between master and workers. No latency compares two machines; this is for putting their histories on one time line.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

PINGS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Ping:
    """One question and its answer: `sent` and `received` by our monotonic clock, `at` by that of the other; `wall` is
    the other's date and time then, `sent_wall` ours when it was sent. All in seconds."""

    sent: float
    received: float
    sent_wall: float
    at: float
    wall: float

    @property
    def round_trip(self) -> float:
        return self.received - self.sent


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockOffset:
    """`shift` is to be added to the other's monotonic clock to have ours; `wall` is by how much its date and time is
    ahead of ours. Both hold within `uncertainty`, however the way there and the way back differed."""

    shift: float
    wall: float
    uncertainty: float

    @classmethod
    def estimated(cls, pings: Sequence[Ping]) -> "ClockOffset":
        """From at least one ping."""
        best = min(pings, key=lambda ping: ping.round_trip)
        half = best.round_trip / 2
        return cls(shift=best.sent + half - best.at, wall=best.wall - (best.sent_wall + half), uncertainty=half)

    def theirs(self, ours: float) -> float:
        """A time of our monotonic clock by theirs."""
        return ours - self.shift
