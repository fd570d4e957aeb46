"""Two runs of one recording side by side: what differs, and how bad that is.

Beside the straight line: the judge of `harness fidelity`. S1 wrong or missing data, S2 shape or words, S3 order or
timing, S4 declared (`declared.py`). It knows neither the engine nor the real server, only what was heard.
"""

import re
from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from harness.fidelity.frames import Frame, canonical

Pair = tuple[Frame, Frame]


class Grade(StrEnum):
    """How bad a difference is."""

    DATA = "S1"
    SHAPE = "S2"
    TIMING = "S3"
    DECLARED = "S4"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One difference. `what` says it in general, so that the same one elsewhere has the same words.

    `stream` and `about` say where, `expected` and `got` what the first and the second run have, `t` and `t_got`
    when (ms in each). `reason` is that of a declared one.
    """

    grade: Grade
    what: str
    stream: str
    about: str
    expected: str = ""
    got: str = ""
    t: float | None = None
    t_got: float | None = None
    reason: str = ""


_WORDS: Final = re.compile(
    r"payload\.(message|channel)|payload\.response\.reason|payload\.response$|^body|^reason$|^headers|^words$"
    r"|payload\.data\.(columns|errors|commit_timestamp)|^join_ref$|^form$"
)
"""Paths at which another value is another wording or shape. At any other path it is wrong data."""

_ENVELOPE: Final = re.compile(r"payload\.data\.(record|old_record)|payload\.payload|payload\.(joins|leaves)")
"""Below these a missing or additional key is data; elsewhere it is shape."""

_LONG: Final = 160
_MOST_TO_COMPARE: Final = 60


def compare(expected: Sequence[Frame], got: Sequence[Frame]) -> tuple[Sequence[Difference], Sequence[Pair]]:
    """All differences in content and order, and the pairs of frames that are each other's counterpart."""
    found: list[Difference] = []
    pairs: list[Pair] = []
    ours = by_stream(got)
    theirs = by_stream(expected)
    for stream in [*theirs, *(name for name in ours if name not in theirs)]:
        same, lost, added = match(theirs.get(stream, ()), ours.get(stream, ()))
        changed, lost, added = pair_up(lost, added)
        found += [difference for pair in changed for difference in changes(*pair)]
        found += [only_expected(frame) for frame in lost]
        found += [only_got(frame) for frame in added]
        found += _moved(same)
        pairs += [*same, *changed]
    pairs.sort(key=lambda pair: pair[0].t)
    return [*found, *_confused(pairs)], pairs


def by_stream(frames: Sequence[Frame]) -> Mapping[str, Sequence[Frame]]:
    """The frames of each connection."""
    streams: defaultdict[str, list[Frame]] = defaultdict(list)
    for frame in frames:
        streams[frame.stream].append(frame)
    return streams


def match(expected: Sequence[Frame], got: Sequence[Frame]) -> tuple[list[Pair], list[Frame], list[Frame]]:
    """Frames that are equal but for marks, in order of their coming; then those left over on either side."""
    waiting: defaultdict[str, deque[int]] = defaultdict(deque)
    for i, frame in enumerate(got):
        waiting[frame.text].append(i)
    same: list[Pair] = []
    lost: list[Frame] = []
    taken: set[int] = set()
    for frame in expected:
        if waiting[frame.text]:
            i = waiting[frame.text].popleft()
            taken.add(i)
            same.append((frame, got[i]))
        else:
            lost.append(frame)
    return same, lost, [frame for i, frame in enumerate(got) if i not in taken]


def pair_up(lost: Sequence[Frame], added: Sequence[Frame]) -> tuple[list[Pair], list[Frame], list[Frame]]:
    """Frames that are about the same but not equal, the most similar first; then those without counterpart."""
    pairs: list[Pair] = []
    rest = list(added)
    alone: list[Frame] = []
    for frame in lost:
        candidates = [each for each in rest if each.key == frame.key][:_MOST_TO_COMPARE]
        if not candidates:
            alone.append(frame)
            continue
        best = min(candidates, key=lambda each: sum(1 for _ in differing(frame.value, each.value)))
        rest.remove(best)
        pairs.append((frame, best))
    return pairs, alone, rest


def differing(expected: Any, got: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """The paths at which two values differ, with both sides; `ABSENT` where one has nothing there."""
    if isinstance(expected, dict) and isinstance(got, dict):
        for name in [*expected, *(name for name in got if name not in expected)]:
            below = f"{path}.{name}" if path else name
            yield from differing(expected.get(name, ABSENT), got.get(name, ABSENT), below)
    elif isinstance(expected, list) and isinstance(got, list) and len(expected) == len(got):
        for i, (one, other) in enumerate(zip(expected, got, strict=True)):
            yield from differing(one, other, f"{path}[{i}]")
    elif type(expected) is not type(got) or str(expected) != str(got):
        yield path, expected, got


class _Absent:
    def __str__(self) -> str:
        return "(nothing)"


ABSENT: Final = _Absent()


def grade_of(path: str, expected: Any, got: Any) -> Grade:
    """How bad it is that a frame has `got` at a path instead of `expected`."""
    if isinstance(expected, int | Decimal) and isinstance(got, int | Decimal) and expected == got:
        return Grade.SHAPE  # the same number, written otherwise
    if (expected is ABSENT or got is ABSENT) and not _ENVELOPE.search(path):
        return Grade.SHAPE
    return Grade.SHAPE if _WORDS.search(path) else Grade.DATA


def changes(expected: Frame, got: Frame) -> Iterator[Difference]:
    """What differs between a frame and its counterpart."""
    for path, one, other in differing(expected.value, got.value):
        yield Difference(
            grade=grade_of(path, one, other),
            what=f"{_general(path)} differs",
            stream=expected.stream,
            about=expected.key,
            expected=brief(one),
            got=brief(other),
            t=expected.t,
            t_got=got.t,
        )


def only_expected(frame: Frame) -> Difference:
    """A frame that the second run lacks."""
    return Difference(
        grade=Grade.DATA, what="missing", stream=frame.stream, about=frame.key, expected=sketch(frame), t=frame.t
    )


def only_got(frame: Frame) -> Difference:
    """A frame that only the second run has."""
    return Difference(
        grade=Grade.DATA, what="additional", stream=frame.stream, about=frame.key, got=sketch(frame), t_got=frame.t
    )


def _moved(same: Sequence[Pair]) -> Iterator[Difference]:
    """The pairs that break the order of their topic: as few as explain it.

    The channels of a socket are independent of each other, on the real server processes of their own.
    """
    topics: defaultdict[str, list[Pair]] = defaultdict(list)
    for pair in same:
        topics[str(pair[0].value.get("topic"))].append(pair)
    for pairs in topics.values():
        kept = _longest_rise([got.place for _, got in pairs])
        for i, (expected, got) in enumerate(pairs):
            if i not in kept:
                yield Difference(
                    grade=Grade.TIMING,
                    what="out of order",
                    stream=expected.stream,
                    about=expected.key,
                    expected=f"after {pairs[i - 1][0].key}" if i else "first",
                    t=expected.t,
                    t_got=got.t,
                )


def _longest_rise(numbers: Sequence[int]) -> set[int]:
    """The indices of a longest rising part of `numbers`."""
    tails: list[int] = []
    ends: list[int] = []
    back: list[int | None] = []
    for i, number in enumerate(numbers):
        place = bisect_left(tails, number)
        back.append(ends[place - 1] if place else None)
        tails[place : place + 1] = [number]
        ends[place : place + 1] = [i]
    kept: set[int] = set()
    i_or_none = ends[-1] if ends else None
    while i_or_none is not None:
        kept.add(i_or_none)
        i_or_none = back[i_or_none]
    return kept


def _confused(pairs: Sequence[Pair]) -> Iterator[Difference]:
    """Where the same id stands for two things, or one thing has two ids."""
    ahead: dict[tuple[str, str], str] = {}
    back: dict[tuple[str, str], str] = {}
    for expected, got in pairs:
        if expected.text != got.text:
            continue
        for one, other in zip(expected.marks, got.marks, strict=True):
            if one.kind == "seconds":
                wrong = abs(int(one.value) - int(other.value)) > 1
            else:
                known = ahead.setdefault((one.kind, one.value), other.value)
                known_back = back.setdefault((one.kind, other.value), one.value)
                wrong = known != other.value or known_back != one.value
            if wrong:
                yield Difference(
                    grade=Grade.DATA if one.kind != "seconds" else Grade.SHAPE,
                    what=f"another {one.kind}",
                    stream=expected.stream,
                    about=expected.key,
                    expected=one.value,
                    got=other.value,
                    t=expected.t,
                    t_got=got.t,
                )
                break


def _general(path: str) -> str:
    return re.sub(r"\[\d+\]", "[]", path) or "the whole"


def sketch(frame: Frame) -> str:
    """What tells a frame from others of its kind, on one short line: a row without its columns, a payload."""
    value = frame.value
    payload = value.get("payload", {name: each for name, each in value.items() if name != "heard"})
    data = payload.get("data") if isinstance(payload, dict) else None
    if isinstance(data, dict):
        payload = {name: data[name] for name in ("errors", "old_record", "record") if data.get(name) is not None}
    return brief(canonical(payload))


def brief(value: Any) -> str:
    """A value on one short line."""
    text = str(value)
    return text if len(text) <= _LONG else f"{text[:_LONG]}… ({len(text)} characters)"
