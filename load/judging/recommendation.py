"""Which of two transports to take, and for which need, from the figures of the same load over each.

The end of a comparison side by side. Each need is one figure; a difference that noise may have made is none, and where
a run says nothing, nothing is said.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from load.judging.figures import BYTES, COMMITS, DELIVERY_P50, DELIVERY_P99, INVERSIONS, LOST, MISSED, WAL
from load.judging.usage import ENGINE, POSTGRES, cpu_of

CEILING: Final = "ceiling events/s"
"""The most events per second that were carried: the knee of a search, where one was made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One transport under the load. `sure` has the 95 % intervals of those figures that have one.

    `unknown` says why the run says nothing, and is empty if it does say something.
    """

    transport: str
    figures: Mapping[str, float | None]
    sure: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    unknown: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What somebody may want of a transport, and the figure that tells which one gives it: the less of it the better.

    Two values differ if one is more than `noise` times the other, and more than `least` above it.
    """

    words: str
    figure: str
    noise: float
    least: float = 0.0
    unit: str = ""
    more_is_better: bool = False


NEEDS: Final = (
    Need(words="nothing lost", figure=LOST, noise=1.1),
    Need(words="the right order", figure=INVERSIONS, noise=1.1),
    Need(words="all of it live", figure=MISSED, noise=1.25, least=10),
    Need(words="nothing late", figure=DELIVERY_P99, noise=1.25, least=10, unit="ms"),
    Need(words="most of it soon", figure=DELIVERY_P50, noise=1.5, least=10, unit="ms"),
    Need(words="a high ceiling", figure=CEILING, noise=1.2, unit="events/s", more_is_better=True),
    Need(words="little WAL", figure=WAL, noise=1.1, least=5, unit="kB/s"),
    Need(words="few transactions", figure=COMMITS, noise=1.25, least=5),
    Need(words="an idle database", figure=cpu_of(POSTGRES), noise=1.5, least=0.02, unit="cores"),
    Need(words="an idle server", figure=cpu_of(ENGINE), noise=1.5, least=0.02, unit="cores"),
    Need(words="little traffic", figure=BYTES, noise=1.1, least=10, unit="kB"),
)
"""In the order of their weight: the first that tells the two apart says which one is recommended for the load.

A knee is found again within 20 % (issue 6). In three runs of one plan at the real cadence on a busy machine WAL and
traffic varied by 3 %, the p50 and p99 of postgres_changes by 40 and 10 %, commits by 13 %, processor by up to 45 %.
Ten milliseconds are seen by nobody.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """Of one need: the transport that meets it better; None if no difference counts, or if a value is not known."""

    need: Need
    values: Mapping[str, float | None]
    choice: str | None

    @property
    def known(self) -> bool:
        return None not in self.values.values()

    def told(self, first: str) -> str:
        """The values, that of the transport `first` in front, and by which factor they differ."""
        (ours,) = (value for name, value in self.values.items() if name == first)
        (theirs,) = (value for name, value in self.values.items() if name != first)
        label = self.need.figure.removesuffix(f" {self.need.unit}")
        told = f"{label} {_number(ours, self.need.unit)} against {_number(theirs, self.need.unit)}"
        return f"{told} ({max(ours, theirs) / min(ours, theirs):.1f} ×)" if ours and theirs else told


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """`choice` is the transport for this load, None if neither is better or it cannot be said; `sentences` say why."""

    choice: str | None
    advices: Sequence[Advice]
    sentences: Sequence[str]


def recommend(one: Side, other: Side) -> Recommendation:
    """From the figures of the same plan and seed over each of the two."""
    unknown = [f"{side.transport}: {side.unknown}" for side in (one, other) if side.unknown]
    if unknown:
        return Recommendation(choice=None, advices=(), sentences=(f"Cannot be said: {'; '.join(unknown)}.",))
    measured = {**one.figures, **other.figures}
    advices = [_advice(need, one, other) for need in NEEDS if need.figure in measured]
    choice = next((advice.choice for advice in advices if advice.choice is not None), None)
    sentences = [*_of_the_choice(advices, choice), *_of_the_rest(advices, one.transport)]
    return Recommendation(choice=choice, advices=advices, sentences=sentences)


def _advice(need: Need, one: Side, other: Side) -> Advice:
    values = {side.transport: side.figures.get(need.figure) for side in (one, other)}
    return Advice(need=need, values=values, choice=_choice(need, one, other))


def _choice(need: Need, one: Side, other: Side) -> str | None:
    """Who has less, or more where that is better, by more than noise and with intervals that do not meet."""
    mine, theirs = one.figures.get(need.figure), other.figures.get(need.figure)
    if mine is None or theirs is None:
        return None
    (less, low), (more, high) = sorted(((mine, one), (theirs, other)), key=lambda pair: pair[0])
    apart = low.sure.get(need.figure, (less, less))[1] < high.sure.get(need.figure, (more, more))[0]
    if not apart or more <= less * need.noise or more - less <= need.least:
        return None
    return high.transport if need.more_is_better else low.transport


def _of_the_choice(advices: Sequence[Advice], choice: str | None) -> Iterator[str]:
    """What is recommended and why, then who should take the other."""
    if choice is None:
        yield "Neither is better for this load."
        return
    other = next(name for name in advices[0].values if name != choice)
    yield f"Take {choice} for this load: {'; '.join(each.told(choice) for each in advices if each.choice == choice)}."
    gives_way = [each for each in advices if each.choice == other]
    if gives_way:
        needs = " or ".join(each.need.words for each in gives_way)
        yield f"Take {other} where {needs} counts for more: {'; '.join(each.told(other) for each in gives_way)}."
    else:
        yield f"Nothing that was measured speaks for {other}."


def _of_the_rest(advices: Sequence[Advice], first: str) -> Iterator[str]:
    """What tells nothing of the two."""
    if same := [advice for advice in advices if advice.known and advice.choice is None]:
        yield f"No difference that counts: {'; '.join(each.told(first) for each in same)}."
    if missing := [advice.need.figure for advice in advices if not advice.known]:
        yield f"Cannot be said, as it was not measured: {', '.join(missing)}."


def _number(value: float | None, unit: str) -> str:
    if value is None:
        return "not measured"
    digits = f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:,.3g}"
    return f"{digits} {unit}" if unit else digits
