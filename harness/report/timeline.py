"""The picture of a run as values: lanes, marks on them, windows behind them, and ticks of time."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from harness.history import History, Op
from harness.history.accounting import Accounts, Entry
from harness.history.facts import moment
from harness.history.hops import APPLY, COMMIT, DECODE, EMIT, RECEIVE
from harness.history.journey import tells_of_event
from harness.report.windows import Kind, Window, statuses, windows
from harness.report.words import BINS, Mood

GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "process": ("process_created", "process_paused", "process_resumed", "process_completed"),
    "error": ("process_error",),
    "step": ("step_update", "step_completed"),
    "input": ("user_input_required", "user_input_received"),
    "research": ("research_progress",),
    "text": ("section_chunk",),
    "section": ("section_completed",),
    "image": ("image_placeholder_generated", "image_generated"),
    "state": ("heartbeat", "state_updated"),
    "other": (),
}
"""Colour of a mark → event types: sixteen colours nobody can tell apart."""

T = TypeVar("T")

_GROUP: Final = {event_type: group for group, types in GROUPS.items() for event_type in types}
MARKS: Final = 6000
"""Above this many marks, those of one lane, colour and pixel become one."""
_PIXELS: Final = 1500
_LEVELS: Final = (0, -1, 1, -2, 2, -3, 3)
_CLOSE: Final = 0.008
"""Marks closer than this share of the run would cover each other at the least zoom."""
_LABEL_ROWS: Final = 3
_TITLE: Final = 300
STORY: Final = "story"
_LANE_OF: Final[Mapping[str, str]] = {
    "step": STORY, "census": STORY, "cleanup": COMMIT, "limit": DECODE, "poll": DECODE, "stream": DECODE,
}  # fmt: skip
_OF_ITS_ACTOR: Final = frozenset(
    {"gap", "gap_permanent", "listen", "sign_in", "remount", "leave", "fault", "disconnect"}
)
_REFUSALS: Final = frozenset({"open", "join", "system", "fetch", "deliver"})
"""Ops that are a mark of their own: where, and for the last ones only those that failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One thing at one time on a lane. `shape`: dot, ring (came by a fetch), cross (never came) or tick (a step).

    `count` things are drawn as this one; `level` is how far it is moved up or down so that none covers another.
    """

    lane: str
    time: float
    group: str
    shape: str
    title: str
    event_id: str = ""
    count: int = 1
    level: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """A horizontal line: `key` for marks and windows, `name` and `note` for people."""

    key: str
    name: str
    note: str
    windows: Sequence[Window]
    statuses: Sequence[Window]
    marks: Sequence[Mark]

    def labels(self, end: float) -> Iterator[tuple[Window, int, float]]:
        """Each window, in which row its label stands, and until when it has room there; `end` is that of the run."""
        for place, window in enumerate(self.windows):
            row = sum(earlier.holds_at(window.start) for earlier in self.windows[:place]) % _LABEL_ROWS
            later = [next_.start for next_ in self.windows[place + 1 :] if next_.start > window.start]
            yield window, row, min(later, default=end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """`duration` is at least a little more than nothing. `groups` are the colours that occur, in their order.

    `faults` are drawn behind all lanes.
    """

    lanes: Sequence[Lane]
    ticks: Sequence[float]
    duration: float
    groups: Sequence[str]
    faults: Sequence[Window]
    thinned: bool

    def place(self, time: float) -> float:
        """Where on the picture a time is, in percent from the left; a margin is left on both sides."""
        return round(1 + 98 * min(max(time / self.duration, 0.0), 1.0), 3)


def timeline(history: History, accounts: Accounts) -> Timeline:
    """The picture: story, processes, database, server, readers, listeners, and the nemesis where it acted."""
    duration = max(history[-1].time if len(history) else 0.0, 0.001)
    # Crosses come last, so that no dot covers them.
    marks = [*sorted(_marks(history), key=lambda mark: mark.time), *_missing(accounts)]
    thinned = len(marks) > MARKS
    shown = _thin(marks, duration) if thinned else marks
    by_lane = _grouped(shown, lambda mark: mark.lane)
    found = windows(history)
    behind = _grouped(found, lambda window: window.owner)
    said = _grouped(statuses(history), lambda window: window.owner)
    lanes = [
        Lane(
            key=key,
            name=name,
            note=note,
            windows=behind.get(key, ()),
            statuses=said.get(key, ()),
            marks=_spread(by_lane.get(key, ()), duration),
        )
        for key, name, note in _lanes(history)
    ]
    present = {mark.group for mark in shown}
    return Timeline(
        lanes=[lane for lane in lanes if lane.marks or lane.windows or lane.statuses],
        ticks=_ticks(duration),
        duration=duration,
        groups=[group for group in GROUPS if group in present],
        faults=[window for window in found if window.kind is Kind.FAULT],
        thinned=thinned,
    )


def _lanes(history: History) -> Iterator[tuple[str, str, str]]:
    yield STORY, STORY, "steps begin"
    names = {op.value.get("process_id"): op.value.get("process") for op in history.where(f="start_process", type="ok")}
    for process_id in dict.fromkeys(op.value.get("process_id") for op in history.where(f=EMIT)):
        yield str(process_id), f"app: {names.get(process_id) or process_id}", "events emitted"
    yield COMMIT, "database", "rows committed"
    yield DECODE, "realtime", "read from the log"
    readers = [op.actor for op in history if op.f in ("subscribe", APPLY)]
    for reader in dict.fromkeys(readers):
        yield reader, reader, "events applied"
    for listener in _listeners(history):
        yield listener, listener, "rows received"
    yield "nemesis", "nemesis", "faults"


def _listeners(history: History) -> Sequence[str]:
    return list(dict.fromkeys(op.actor for op in history.where(f="listen")))


def _marks(history: History) -> Iterator[Mark]:
    listeners = set(_listeners(history))
    for op in history:
        if op.f == EMIT:
            yield _event_mark(op, str(op.value.get("process_id")), op.time, "emitted")
        elif op.f == COMMIT and tells_of_event(op):
            yield _event_mark(op, COMMIT, moment(op), "committed")
        elif op.f == DECODE and tells_of_event(op):
            yield _event_mark(op, DECODE, op.time, "decoded")
        elif op.f == RECEIVE and op.actor in listeners:
            yield _event_mark(op, op.actor, op.time, f"received by {op.actor}")
        elif op.f == APPLY:
            fetched = op.value.get("via") == "fetch"
            mark = _event_mark(op, op.actor, op.time, f"applied by {op.actor}{' from a fetch' if fetched else ''}")
            yield replace(mark, shape="ring") if fetched else mark
        else:
            lane = _lane_of(op)
            if lane:
                yield _other_mark(op, lane)


def _event_mark(op: Op, lane: str, time: float, verb: str) -> Mark:
    event_type = str(op.value.get("event_type") or _row(op))
    number = op.value.get("sequence", op.value.get("intent"))
    return Mark(
        lane=lane,
        time=time,
        group=_GROUP.get(event_type, "other"),
        shape="dot",
        title=f"{event_type} {'' if number is None else number} {verb} at {time:.3f} s (op {op.index})",
        event_id=str(op.value.get("event_id") or ""),
    )


def _row(op: Op) -> str:
    return f"{op.value.action} of {op.value.get('table')}" if "action" in op.value else "event"


def _lane_of(op: Op) -> str:
    """The lane of an op that is no event's, or nothing if it has no mark."""
    if op.f == "crash":
        return str(op.value.get("process_id"))
    if op.f in _LANE_OF:
        return "" if op.f == "cleanup" and op.type == "invoke" else _LANE_OF[op.f]
    refused = op.f in _REFUSALS and op.type == "fail" and op.actor != "realtime"
    return op.actor if refused or op.f in _OF_ITS_ACTOR else ""


def _other_mark(op: Op, lane: str) -> Mark:
    told = ", ".join(f"{key}: {item}" for key, item in op.value.items() if key not in ("step", "number", "process_id"))
    told = told if len(told) <= _TITLE else f"{told[:_TITLE]}…"
    name = str(op.value.get("step", op.f)).replace("_", " ")
    failed = op.type == "fail" or op.f in ("gap_permanent", "crash", "limit") or (op.error is not None)
    title = f"{name} at {op.time:.3f} s" + (f" ({told})" if told else "") + (f": {op.error}" if op.error else "")
    return Mark(
        lane=lane, time=op.time, group="error" if failed else "other", shape="cross" if failed else "tick", title=title
    )


def _missing(accounts: Accounts) -> Iterator[Mark]:
    """A cross for every event that a reader should have and does not, where it was last seen."""
    for entry in accounts.entries:
        if BINS[entry.bin][0] is not Mood.GOOD and not entry.journey.applied.get(entry.reader):
            last = entry.last_seen
            if last is not None:
                yield _cross(entry, last.time)


def _cross(entry: Entry, time: float) -> Mark:
    number = "" if entry.sequence is None else f" {entry.sequence}"
    meaning = BINS[entry.bin][1]
    return Mark(
        lane=entry.reader,
        time=time,
        group=_GROUP.get(entry.event_type, "other"),
        shape="cross",
        title=f"{entry.event_type}{number}: {entry.bin} for {entry.reader}, {meaning}; last seen at {time:.3f} s",
        event_id=entry.event_id,
    )


def _thin(marks: Sequence[Mark], duration: float) -> Sequence[Mark]:
    """Marks of one lane, colour and shape that would cover each other as one, which says how many they are."""
    groups: dict[tuple[str, str, str, int], list[Mark]] = {}
    for mark in marks:
        pixel = int(_PIXELS * mark.time / duration)
        groups.setdefault((mark.lane, mark.group, mark.shape, pixel), []).append(mark)
    return [
        replace(same[0], count=len(same), title=f"{same[0].title} and {len(same) - 1} more") if same[1:] else same[0]
        for same in groups.values()
    ]


def _spread(marks: Sequence[Mark], duration: float) -> Sequence[Mark]:
    """Marks at nearly the same time above and below each other, in the middle where there is room."""
    last = dict.fromkeys(_LEVELS, -math.inf)
    placed = []
    for mark in marks:
        if mark.shape in ("tick", "cross"):
            placed.append(mark)
            continue
        free = [level for level in _LEVELS if mark.time - last[level] >= _CLOSE * duration]
        level = free[0] if free else min(_LEVELS, key=last.__getitem__)
        last[level] = mark.time
        placed.append(replace(mark, level=level))
    return placed


def _ticks(duration: float) -> Sequence[float]:
    """Round times, about ten of them."""
    rough = duration / 10
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(step * power for step in (1, 2, 5, 10) if step * power >= rough)
    return [round(place * step, 6) for place in range(int(duration / step + 1e-9) + 1)]


def _grouped(items: Iterable[T], key: Callable[[T], str]) -> Mapping[str, Sequence[T]]:
    groups: dict[str, list[T]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups
