"""`result.json` of a step's run → what it told, as a `Course` for `load.judging.knee`.

The run's own verdict counts, as the thresholds say it: a claim that is unknown makes the step unknown, one that is
invalid is a limit. Of the delivery's p99 the search has a bound of its own, the SLO.
"""

from collections.abc import Mapping, Sequence
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
    lost_at, unexpected = told.get("first lost at s"), _unexpected(judged)
    return Course(
        offered=(figures.get(OFFERED) or 0.0) / (judged.plan.seconds * judged.plan.generations),
        delivered=figures.get(PER_S) or 0.0,
        p50=_seconds(figures.get(DELIVERY_P50)),
        p99=_seconds(figures.get(DELIVERY_P99)),
        p99_low=_seconds(low),
        p99_high=_seconds(high),
        lost_at=lost_at,
        slow_at=_slow_at(told, slo),
        grows_at=told.get("backlog grows at s"),
        bound=f"{process} ({cores:.2f} cores)" if process else "",
        busy=process in _OURS and cores >= _ALL_OF_ONE,
        unexpected=unexpected,
        unknown=_unknown(judged, failed=lost_at is not None or bool(unexpected)),
    )


def _unexpected(judged: Judged) -> Sequence[str]:
    """The claims that did not come true."""
    return tuple(name for name, claim in judged.claims.items() if claim.valid is Valid.NO and name != DELIVERY_P99)


def _unknown(judged: Judged, *, failed: bool) -> str:
    """Why the run says nothing of the system; empty if it does.

    A run that has `failed` says something even where no delivery could be measured: of what is lost none can.
    """
    doubts = {name: claim.reason for name, claim in judged.claims.items() if claim.valid is Valid.UNKNOWN}
    if LAG_P99 in doubts and judged.figures.get(LAG_P99) is not None:
        return GENERATOR_LATE
    if failed:
        doubts.pop(DELIVERY_P99, None)
    if doubts:
        return "; ".join(doubts.values())
    return "" if failed or judged.figures.get(DELIVERY_P99) is not None else "nothing was delivered"


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
