"""Recordings that hang on the phase of counters and polls: counts, texts and distributions instead of frames.

Beside the straight line, in place of `difference` for those recordings. A frame is reduced to what every run must
have: its words without the numbers. How often each comes may differ as far as the phase can explain, and how long
the frames of one kind take must be distributed alike, in each of the recording's sections.
"""

import re
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Any, Final

from harness.fidelity.difference import Difference, Grade, by_stream, changes, match, only_expected, only_got, pair_up
from harness.fidelity.frames import Frame, canonical

_FAMILIES: Final = frozenset(
    {
        "p09_limits",
        "p09b_limits",
        "p11_timing",
        "p11b_cold",
        "p13_failures",
        "p13c_dbrestart",
        "p16_poison",
    }
)
"""As the README of the transcripts lists them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slack:
    """How far the count of frames with a matching key may be off, in frames or as a part of the recorded count."""

    recording: str
    key: str
    frames: int = 0
    part: float = 0.0
    reason: str

    def allows(self, expected: int, got: int) -> bool:
        """Whether `got` frames are as good as `expected`."""
        return abs(expected - got) <= max(self.frames, self.part * expected)


SLACK: Final[Sequence[Slack]] = (
    Slack(
        recording="p09_limits*",
        key="postgres_changes *",
        part=0.6,
        reason="the limiter looks once in 5 s, of the 25 s that the rows take: where its tick falls is chance",
    ),
    Slack(
        recording="p09b_limits*",
        key="broadcast *",
        part=0.6,
        reason="the same tick ends the receiving channel, up to 5 s after the limit was passed",
    ),
    Slack(
        recording="p09b_limits*",
        key="phx_reply *",
        frames=4,
        reason="which join meets the tick that refuses it is chance",
    ),
    Slack(
        recording="p13_failures*",
        key="postgres_changes *",
        frames=1,
        reason="a row written 0.2 s after the poller was ended is lost or not, as the new slot stands or not yet",
    ),
    Slack(
        recording="p13c_dbrestart*",
        key="postgres_changes *",
        frames=2,
        reason="one row a second is written; the poller comes back about 2 s after the restart",
    ),
    Slack(
        recording="p16_poison*",
        key="postgres_changes *",
        frames=3,
        reason="a row committed together with a poisoned one is lost with its batch; which are is a matter of polls",
    ),
)

_COUNTED: Final = re.compile(r" ref \S+$| #\d+")
"""What numbers a reply or an answer in its key."""

_LEEWAY_MS: Final = 60.0
"""Two distributions that are shifted by less are alike: machines differ."""

_FEWEST: Final = 8
_STRICTNESS: Final = 1.63
"""c(α) of the two-sample Kolmogorov-Smirnov test for α = 0.01."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay:
    """How long after its cause a frame of some kind came (ms), in which section of the recording."""

    section: str
    kind: str
    ms: float


def hangs_on_phases(recording: str) -> bool:
    """Whether a recording of that name is compared in this way."""
    return recording.partition(".")[0] in _FAMILIES


def compare_phases(recording: str, expected: Sequence[Frame], got: Sequence[Frame]) -> list[Difference]:
    """The differences in texts and counts."""
    found: list[Difference] = []
    theirs, ours = by_stream(expected), by_stream(got)
    for stream in [*theirs, *(name for name in ours if name not in theirs)]:
        one, other = _reduced(theirs.get(stream, ())), _reduced(ours.get(stream, ()))
        same, lost, added = match(_firsts(one), _firsts(other))
        changed, lost, added = pair_up(lost, added)
        found += [difference for pair in changed for difference in changes(*pair)]
        found += [only_expected(frame) for frame in lost]
        found += [only_got(frame) for frame in added]
        found += _miscounted(recording, [pair[0] for pair in same], one, other)
    return found


def compare_delays(expected: Sequence[Delay], got: Sequence[Delay]) -> Iterator[Difference]:
    """The sections and kinds whose delays are distributed otherwise."""
    theirs, ours = _grouped(expected), _grouped(got)
    for key in sorted(theirs.keys() & ours.keys()):
        one, other = sorted(theirs[key]), sorted(ours[key])
        if min(len(one), len(other)) < _FEWEST:
            continue
        distance = kolmogorov_smirnov(one, other)
        if distance > _STRICTNESS * ((len(one) + len(other)) / (len(one) * len(other))) ** 0.5:
            section, kind = key
            yield Difference(
                grade=Grade.TIMING,
                what="distributed otherwise",
                stream="*",
                about=f"{kind} in: {section or 'the beginning'}",
                expected=_told(one),
                got=f"{_told(other)}; KS {distance:.2f}",
            )


def kolmogorov_smirnov(one: Sequence[float], other: Sequence[float], leeway: float = _LEEWAY_MS) -> float:
    """The largest distance between two distributions (sorted), where a shift of `leeway` counts for nothing."""

    def part_below(values: Sequence[float], x: float) -> float:
        return bisect_right(values, x) / len(values)

    return max(
        max(
            part_below(one, x) - part_below(other, x + leeway),
            part_below(other, x) - part_below(one, x + leeway),
        )
        for x in (*one, *other)
    )


def _reduced(frames: Sequence[Frame]) -> list[Frame]:
    """The frames without numbers and refs."""
    values = [(frame, _without_numbers(frame.value)) for frame in frames]
    return [
        replace(frame, value=value, text=canonical(value), key=_COUNTED.sub("", frame.key)) for frame, value in values
    ]


def _without_numbers(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _without_numbers(each, key) for key, each in value.items()}
    if isinstance(value, list):
        return [_without_numbers(each) for each in value]
    number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    if number and name not in ("status", "code"):
        return "<number>"
    return "<ref>" if name in ("ref", "join_ref") and isinstance(value, str) else value


def _firsts(frames: Sequence[Frame]) -> list[Frame]:
    """The first frame of each text."""
    return list({frame.text: frame for frame in reversed(frames)}.values())[::-1]


def _miscounted(
    recording: str, common: Sequence[Frame], one: Sequence[Frame], other: Sequence[Frame]
) -> Iterator[Difference]:
    theirs, ours = Counter(frame.text for frame in one), Counter(frame.text for frame in other)
    for frame in common:
        expected, got = theirs[frame.text], ours[frame.text]
        slack = [each for each in SLACK if fnmatchcase(recording, each.recording) and fnmatchcase(frame.key, each.key)]
        if expected != got and not any(each.allows(expected, got) for each in slack):
            yield Difference(
                grade=Grade.DATA,
                what="came more often" if got > expected else "came less often",
                stream=frame.stream,
                about=frame.key,
                expected=f"{expected} times",
                got=f"{got} times",
                t=frame.t,
            )


def _grouped(delays: Sequence[Delay]) -> Mapping[tuple[str, str], list[float]]:
    groups: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    for delay in delays:
        groups[delay.section, delay.kind].append(delay.ms)
    return groups


def _told(values: Sequence[float]) -> str:
    """A sorted sample in a few numbers."""
    middle, last = values[len(values) // 2], values[-1]
    return f"n {len(values)}, min {values[0]:.0f}, p50 {middle:.0f}, max {last:.0f} ms"
