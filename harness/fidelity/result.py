"""What was found, told: one row a recording, the causes behind them, every difference on request.

Beside the straight line, the last station of `harness fidelity`.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from harness.fidelity.difference import Difference, Grade

_GRADES: Final = tuple(Grade)
_WIDTH: Final = 110
_DIGITS: Final = re.compile(r"\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The differences of one recording; `seconds` is how long its play took.

    `complaints` are what the server said went wrong in it: no difference, but often the reason of one.
    """

    recording: str
    seconds: float
    differences: Sequence[Difference]
    complaints: Sequence[str] = ()

    def count(self, grade: Grade) -> int:
        """How many differences have that grade."""
        return sum(1 for difference in self.differences if difference.grade is grade)

    @property
    def passed(self) -> bool:
        """Whether all data, shapes and words are as they should be, or declared."""
        return not self.count(Grade.DATA) and not self.count(Grade.SHAPE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Differences that say the same, wherever they were found; `first` is one of them."""

    grade: Grade
    words: str
    count: int
    recordings: Sequence[str]
    first: Difference


def table(results: Sequence[Result]) -> Iterator[str]:
    """One row a recording, and the sums."""
    width = max(len("recording"), *(len(result.recording) for result in results))
    yield f"{'recording':{width}} " + " ".join(f"{grade:>5}" for grade in _GRADES) + f" {'s':>7}"
    for result in results:
        counts = " ".join(f"{result.count(grade) or '·':>5}" for grade in _GRADES)
        yield f"{result.recording:{width}} {counts} {result.seconds:7.1f}{'' if result.passed else '  ✗'}"
    sums = " ".join(f"{sum(result.count(grade) for result in results):>5}" for grade in _GRADES)
    good = sum(1 for result in results if result.passed)
    yield f"{'sum':{width}} {sums} {sum(result.seconds for result in results):7.1f}"
    yield f"{good} of {len(results)} recordings without a difference in data, shape or words"


def causes(results: Sequence[Result]) -> Sequence[Cause]:
    """The differences grouped by what they say, the worst and most frequent first."""
    groups: defaultdict[tuple[Grade, str], list[tuple[str, Difference]]] = defaultdict(list)
    for result in results:
        for difference in result.differences:
            groups[difference.grade, _said(difference)].append((result.recording, difference))
    found = [
        Cause(
            grade=grade,
            words=words,
            count=len(group),
            recordings=sorted({name for name, _ in group}),
            first=group[0][1],
        )
        for (grade, words), group in groups.items()
    ]
    return sorted(found, key=lambda cause: (cause.grade, -cause.count, cause.words))


def told_causes(found: Sequence[Cause]) -> Iterator[str]:
    """Two lines a cause: what, how often and where; then one example."""
    for cause in found:
        yield f"{cause.grade} ×{cause.count:<4} {cause.words}   [{_short(cause.recordings)}]"
        reason = f"; {cause.first.reason}" if cause.first.reason else ""
        yield f"          e.g. {_place(cause.first)} {cause.first.about}{_sides(cause.first)}{reason}"


def told(result: Result) -> Iterator[str]:
    """Every difference of one recording, the worst first, each in the order of the recording."""
    yield f"{result.recording}"
    for difference in sorted(result.differences, key=lambda each: (each.grade, each.t or each.t_got or 0.0)):
        yield f"  {difference.grade} {_place(difference)} {difference.about}: {difference.what}"
        if difference.expected:
            yield f"       expected {difference.expected}"
        if difference.got:
            yield f"       got      {difference.got}"
        if difference.reason:
            yield f"       declared: {difference.reason}"
    yield from told_complaints([result])


def told_complaints(results: Sequence[Result]) -> Iterator[str]:
    """What the server said went wrong, how often and in which recordings."""
    said: defaultdict[str, list[str]] = defaultdict(list)
    for result in results:
        for complaint in result.complaints:
            said[" ".join(complaint.split())[: 2 * _WIDTH]].append(result.recording)
    for complaint, recordings in sorted(said.items(), key=lambda each: -len(each[1])):
        yield f"  the engine said ×{len(recordings)}: {complaint}   [{_short(sorted(set(recordings)))}]"


def document(results: Sequence[Result]) -> dict[str, Any]:
    """All of it for a program."""
    return {
        "valid": "valid" if all(result.passed for result in results) else "invalid",
        "recordings": [
            {
                "name": result.recording,
                "seconds": round(result.seconds, 1),
                **{grade.value: result.count(grade) for grade in _GRADES},
                "differences": [asdict(difference) for difference in result.differences],
                "complaints": list(result.complaints),
            }
            for result in results
        ],
    }


def _said(difference: Difference) -> str:
    """What a difference says without the names and numbers of its recording."""
    kind = difference.about.partition(" ")[0]
    if difference.what.endswith("differs"):
        sides = f": {_DIGITS.sub('0', difference.expected)[:60]} → {_DIGITS.sub('0', difference.got)[:60]}"
        return f"{kind}: {difference.what}{sides}"
    return f"{kind}: {difference.what}"


def _sides(difference: Difference) -> str:
    sides = [
        f"{name} {side[:_WIDTH]}" for name, side in (("expected", difference.expected), ("got", difference.got)) if side
    ]
    return f": {', '.join(sides)}" if sides else ""


def _place(difference: Difference) -> str:
    """Where to look: the connection and the time in the recording, or in the play for what only that has."""
    if difference.t is not None:
        return f"{difference.stream} at {difference.t / 1000:.3f} s"
    if difference.t_got is not None:
        return f"{difference.stream} at {difference.t_got / 1000:.3f} s of the play"
    return difference.stream


def _short(names: Sequence[str], most: int = 6) -> str:
    families: dict[str, list[str]] = {}
    for name in names:
        family, _, version = name.rpartition(".")
        families.setdefault(family.partition("_")[0], []).append(version)
    listed = [f"{family}.{'+'.join(versions)}" for family, versions in families.items()]
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return " ".join(listed[:most]) + more
