"""How much is measured: the whole bench, or a quick look that shows that it works."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Rows are offered until `offer_s` or the rows of a load are reached, whichever is first.

    `rows` and `rows_secured` are by number of subscribers, without and with row security: few where each row costs
    much, so that the whole bench ends in some minutes. `latency_rows` are by cadence and load; those of the cadence
    `real` are as many as there are of the real server. `idle_stacks` share the rows of the idle one.
    """

    offer_s: float
    rows: Mapping[int, int]
    rows_secured: Mapping[int, int]
    rate_s: float
    latency_rows: Mapping[str, Mapping[str, int]]
    idle_stacks: int
    burst_rows: int
    joining: int
    repeats: int
    articles: int
    ceiling_frames: int

    @property
    def full(self) -> bool:
        """Whether the figures may be compared with the real server's."""
        return self is FULL


FULL: Final = Size(
    offer_s=3.0,
    rows={1: 10_000, 10: 10_000, 50: 3_000, 200: 1_000},
    rows_secured={1: 5_000, 10: 4_000, 50: 1_600, 200: 400},
    rate_s=3.0,
    latency_rows={
        "real": {"idle": 240, "20 per s": 400, "200 per s": 1_600},
        "instant": {"idle": 8, "20 per s": 200, "200 per s": 1_000},
    },
    idle_stacks=4,
    burst_rows=5_000,
    joining=300,
    repeats=3,
    articles=76,
    ceiling_frames=400_000,
)
QUICK: Final = Size(
    offer_s=0.5,
    rows={1: 300, 10: 300, 50: 100, 200: 20},
    rows_secured={1: 300, 10: 100, 50: 20, 200: 5},
    rate_s=0.1,
    latency_rows={
        "real": {"idle": 2, "20 per s": 10, "200 per s": 50},
        "instant": {"idle": 2, "20 per s": 10, "200 per s": 50},
    },
    idle_stacks=1,
    burst_rows=200,
    joining=30,
    repeats=1,
    articles=5,
    ceiling_frames=20_000,
)
