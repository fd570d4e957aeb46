"""`result.json` of a step's run → what it told, as a `Course` for `load.judging.knee`.

The verdict on the generator is that of the thresholds: a claim that is unknown makes the step unknown.
"""

from collections.abc import Mapping
from typing import Any, Final

from harness.checkers.checker import Valid
from load.judging.figures import DELIVERY_P50, DELIVERY_P99, LAG_P99, OFFERED, PER_S
from load.judging.judged import Judged
from load.judging.knee import GENERATOR_LATE, Course
from load.judging.usage import LOCUST, PROCESSES, PUBLISHING, cpu_of

_OURS: Final = frozenset({LOCUST, PUBLISHING})
_ALL_OF_ONE: Final = 0.9
"""Cores: who uses so much of the one that a process of Python can use has no time left."""


def course(judged: Judged, told: Mapping[str, Any], *, slo: float) -> Course:
    """What the run told. `told` is its `result.json`, empty if it was not judged; `slo` in seconds."""
    figures = judged.figures
    process, cores = _busiest(figures)
    low, high = told.get("confidence", {}).get(DELIVERY_P99, (None, None))
    return Course(
        offered=(figures.get(OFFERED) or 0.0) / judged.plan.seconds,
        delivered=figures.get(PER_S) or 0.0,
        p50=_seconds(figures.get(DELIVERY_P50)),
        p99=_seconds(figures.get(DELIVERY_P99)),
        p99_low=_seconds(low),
        p99_high=_seconds(high),
        lost_at=told.get("first lost at s"),
        slow_at=_slow_at(told, slo),
        grows_at=told.get("backlog grows at s"),
        bound=f"{process} ({cores:.2f} cores)" if process else "",
        busy=process in _OURS and cores >= _ALL_OF_ONE,
        unknown=_unknown(judged),
    )


def _unknown(judged: Judged) -> str:
    """Why the run says nothing of the system; empty if it does."""
    doubts = {name: claim.reason for name, claim in judged.claims.items() if claim.valid is Valid.UNKNOWN}
    if LAG_P99 in doubts and judged.figures.get(LAG_P99) is not None:
        return GENERATOR_LATE
    if doubts:
        return "; ".join(doubts.values())
    return "" if judged.figures.get(DELIVERY_P99) is not None else "nothing was delivered"


def _slow_at(told: Mapping[str, Any], slo: float) -> float | None:
    """The end of the first second of what was due in which too much came too late."""
    by_second = told.get("delivery by second", {})
    slow = [int(second) for second, times in by_second.items() if (_seconds(times["p99"]) or 0.0) > slo]
    return float(min(slow) + 1) if slow else None


def _busiest(figures: Mapping[str, float | None]) -> tuple[str, float]:
    """The process that used most, and its cores; no name if none was measured."""
    used = [(figures.get(cpu_of(process)) or 0.0, process) for process in PROCESSES]
    cores, process = max(used)
    return (process, cores) if cores else ("", 0.0)


def _seconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000
