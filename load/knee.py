"""The knee: up to which load a system carries what is offered. Values and the search, without a run.

Beside the line: each step is a load run of its own; `load.searching` makes them.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One load that was tried: `value` of what is varied, `offered` events per second.

    `p99` is that of the delivery in seconds, between `p99_low` and `p99_high` with 95 % confidence; None if nothing
    came. `limits` says what was reached, the first one first, and is empty if the load was carried; `bound` is the
    process that had most of its processor. A step that says nothing of the system, as the generator was late, is
    `unknown`, and `limits` says why.
    """

    value: float
    offered: float
    delivered: float
    p50: float | None
    p99: float | None
    p99_low: float | None
    p99_high: float | None
    limits: Sequence[str]
    bound: str
    unknown: bool = False

    @property
    def carried(self) -> bool:
        return not self.limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Knee:
    """What a search found: all `steps` in their order, the last load that was carried, and what came first beyond it.

    `knee` is None if not even the least was carried, `first_limit` None if nothing was found beyond it. `held` is the
    longer run at 80 % of the knee.
    """

    varied: str
    slo: float
    steps: Sequence[Step]
    knee: float | None
    first_limit: str | None
    held: Step | None
