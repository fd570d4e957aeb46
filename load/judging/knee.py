"""The knee: up to which load a system carries what is offered. Values, the judgement of a step, and the search.

Beside the line: each step is a load run of its own; `load.judging.course` reads what it told, `load.commands.knee`
makes it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, sqrt
from typing import Final

GENERATOR_LATE: Final = "generator late"
LOST: Final = "events lost silently"
SLOW: Final = "delivery p99 over the SLO"
GROWS: Final = "backlog grows"
NOT_AS_EXPECTED: Final = "not as expected"
"""With the names of the claims of the run that did not come true."""
READERS_BUSY: Final = "readers' process busy"
"""What a step can reach, in the order in which they are named where it cannot be told which came first. The first and
the last are limits of ours: a step that reaches one says nothing of the system."""

HOLD_AT: Final = 0.8
"""At which share of the knee the load is held for longer."""
CLOSE: Final = 0.05
"""The search ends when the last load that was carried and the first that was not are this near to each other."""
_UP: Final = 2.0
"""Steps double: few of them lead to any size, and four more from twice to within 5 %."""
_DIGITS: Final = 3


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

    @property
    def beyond(self) -> Step | None:
        """The least load above the knee that was not carried; the last try if there were two."""
        above = [step for step in self.steps if not step.carried and step.value > (self.knee or 0.0)]
        least = min((step.value for step in above), default=None)
        return next((step for step in reversed(above) if step.value == least), None)

    @property
    def found(self) -> bool:
        """Whether it is a knee of the system: else the load that was carried is only the least that it carries."""
        return self.knee is not None and self.beyond is not None and not self.beyond.unknown

    @property
    def exit_code(self) -> int:
        """0 if the knee was found and held, 1 if it was not held, 2 if that cannot be said."""
        if self.held is not None and not self.held.carried and not self.held.unknown:
            return 1
        return 0 if self.found and self.held is not None and self.held.carried else 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What the run of one step told: figures as in `Step`, and when in it something was reached.

    Moments are seconds of the load, None for what did not come to pass. `slow_at` is the first second whose own p99 was
    over the SLO. `unexpected` names the claims of the run that did not come true, but for that on the delivery's p99.
    `unknown` says why the run says nothing of the system; `busy` that a process of the generator's side had all of a
    processor, more than any other.
    """

    offered: float = 0.0
    delivered: float = 0.0
    p50: float | None = None
    p99: float | None = None
    p99_low: float | None = None
    p99_high: float | None = None
    lost_at: float | None = None
    slow_at: float | None = None
    grows_at: float | None = None
    unexpected: Sequence[str] = ()
    bound: str = ""
    busy: bool = False
    unknown: str = ""


def judge(value: float, course: Course, *, slo: float) -> Step:
    """The step of that value, with what limits it reached: the one that was reached earliest in the step is first."""
    limits = (course.unknown,) if course.unknown else _limits(course, slo)
    if limits and course.busy and not course.unknown:
        limits = (READERS_BUSY, *limits)
    return Step(
        value=value,
        offered=course.offered,
        delivered=course.delivered,
        p50=course.p50,
        p99=course.p99,
        p99_low=course.p99_low,
        p99_high=course.p99_high,
        limits=limits,
        bound=course.bound,
        unknown=bool(limits) and (course.busy or bool(course.unknown)),
    )


def _limits(course: Course, slo: float) -> Sequence[str]:
    slow = course.p99 is not None and course.p99 > slo
    reached = (
        (LOST, course.lost_at is not None, course.lost_at),
        (SLOW, slow, course.slow_at),
        (GROWS, course.grows_at is not None, course.grows_at),
        (f"{NOT_AS_EXPECTED}: {', '.join(course.unexpected)}", bool(course.unexpected), None),
    )
    told = [(name, inf if at is None else at) for name, was, at in reached if was]
    return tuple(name for name, _ in sorted(told, key=lambda one: one[1]))


@dataclass(frozen=True, slots=True)
class Hold:
    """Hold this load for longer than a step."""

    value: float


class Search:
    """Which load to try next, from `least` up to `most`. Ask `next`, try it, tell `took`, until there is no next.

    Up by doubling until a load is not carried, then between the two by their geometric mean until they are within 5 %;
    then 80 % of the last one that was carried is held. `whole`: only whole numbers are loads. A step that says nothing
    is tried once more, as a machine may be busy for a moment; then it bounds the search as if it had not been carried.
    """

    def __init__(self, *, least: float, most: float, whole: bool = False) -> None:
        self._least = least
        self._most = most
        self._whole = whole
        self._steps: list[Step] = []
        self._carried: Step | None = None
        self._beyond: Step | None = None
        self._held: Step | None = None
        self._in_doubt = False

    def next(self) -> float | Hold | None:
        """The same until `took` tells of it."""
        if self._held is not None:
            return None
        if self._carried is None:
            return self._least if self._beyond is None else None
        if self._beyond is None:
            return min(self._most, self._carried.value * _UP) if self._carried.value < self._most else self._hold()
        between = self._between(self._carried.value, self._beyond.value)
        return self._hold() if between is None else between

    def took(self, step: Step) -> None:
        """What came of the load that `next` gave."""
        holding = isinstance(self.next(), Hold)
        if not holding:
            self._steps.append(step)
        if step.unknown and not self._in_doubt:
            self._in_doubt = True
            return
        self._in_doubt = False
        if holding:
            self._held = step
        elif step.carried:
            self._carried = step
        else:
            self._beyond = step

    def found(self, *, varied: str, slo: float) -> Knee:
        """What is known so far."""
        return Knee(
            varied=varied,
            slo=slo,
            steps=tuple(self._steps),
            knee=None if self._carried is None else self._carried.value,
            first_limit=None if self._beyond is None else self._beyond.limits[0],
            held=self._held,
        )

    def _between(self, low: float, high: float) -> float | None:
        """A load between the two, None if they are near enough to each other."""
        if high <= low * (1 + CLOSE) or (self._whole and high - low <= 1):
            return None
        middle = sqrt(low * high)
        if self._whole:
            return min(max(round(middle), low + 1), high - 1)
        return float(f"{middle:.{_DIGITS}g}")

    def _hold(self) -> Hold:
        assert self._carried is not None, "there is a load to hold"
        share = self._carried.value * HOLD_AT
        return Hold(max(1, int(share)) if self._whole else share)
