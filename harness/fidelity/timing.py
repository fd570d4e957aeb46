"""How long after its cause each frame came, in two runs: the delays that are behaviour must be the same.

Beside the straight line, after `difference` has paired the frames. Times below half a second are no difference;
the real server's random waits count as the same wherever both runs are inside them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from harness.fidelity.difference import Difference, Grade, Pair
from harness.fidelity.frames import Frame
from harness.fidelity.recording import Entry, Recording
from harness.fidelity.script import Step, envelope, steps

TOLERANCE_MS: Final = 600.0
"""Half a second, and the time of a poll beside the idle wait of 500 ms between polls."""

RANDOM_MS: Final[Mapping[str, tuple[float, float]]] = {
    "subscribe retry, 1 to 3 s": (900.0, 3_600.0),
    "retry after an error, 5 to 10 s": (4_900.0, 10_600.0),
}
"""Waits of the real server that are drawn anew each time (realtime-facts 3.4), with room for what follows them."""

_ROW_MS: Final = 3_000.0
_ANSWER_TO: Final = {
    "opened": "open",
    "http": "open",
    "sqlok": "sql",
    "sqlerr": "sql",
    "http_recv": "http_send",
    "ctl_result": "ctl",
}

Causes = Mapping[int, int]
"""The `place` of a frame → the number of the act that it is measured from."""

_Key = tuple[str, ...]


def causes(recording: Recording) -> Causes:
    """For each frame of a recording the act before it that most likely led to it."""
    found: dict[int, int] = {}
    latest: dict[_Key, tuple[int, float]] = {}
    number = place = 0
    for step in steps(recording):
        t = step.entry.t
        if step.entry.is_act:
            latest |= dict.fromkeys(_marks(step), (number, t))
            number += 1
            continue
        # A number may have been written before into another group: a row does not take that long.
        keys = (key for key in _likely(step) if key in latest and (key[0] != "row" or t - latest[key][1] < _ROW_MS))
        cause = next(keys, None)
        if cause is not None:
            found[place] = latest[cause][0]
        place += 1
    return found


def late_or_early(
    pairs: Sequence[Pair], found: Causes, *, expected: Mapping[int, float], got: Mapping[int, float]
) -> Sequence[Difference]:
    """The pairs whose delay after their cause differs; `expected` and `got` say when each act was done (ms).

    Frames of one kind that follow the same act are one difference.
    """
    groups: dict[tuple[str, str, int], list[Difference]] = {}
    for one, other in pairs:
        number = found.get(one.place)
        if number is None or number not in got or number not in expected:
            continue
        difference = _of_delays(one, other, one.t - expected[number], other.t - got[number])
        if difference is not None:
            groups.setdefault((one.stream, one.key, number), []).append(difference)
    return [_together(group) for group in groups.values()]


def _of_delays(one: Frame, other: Frame, then: float, now: float) -> Difference | None:
    if abs(then - now) <= TOLERANCE_MS or _both_random(then, now):
        return None
    return Difference(
        grade=Grade.TIMING,
        what="late" if now > then else "early",
        stream=one.stream,
        about=one.key,
        expected=f"{then / 1000:.1f} s after its cause",
        got=f"{now / 1000:.1f} s",
        t=one.t,
        t_got=other.t,
    )


def _together(group: Sequence[Difference]) -> Difference:
    """The first of them, which says how many there are."""
    first = group[0]
    return first if len(group) == 1 else replace(first, got=f"{first.got}, as {len(group) - 1} more")


def _both_random(then: float, now: float) -> bool:
    return any(low <= then <= high and low <= now <= high for low, high in RANDOM_MS.values())


def _marks(step: Step) -> Iterator[_Key]:
    """What later frames may be looking for when they look for this act."""
    entry = step.entry
    yield (entry.dir, step.stream)
    yield (entry.dir,)
    yield ("stream", step.stream)
    yield ("any",)
    if entry.dir == "sql" and entry.args:
        yield ("row", str(entry.args[-1]))
    message = _message(entry)
    if message is not None:
        topic, ref = str(message.get("topic")), str(message.get("ref"))
        yield ("topic", step.stream, topic)
        yield ("ref", step.stream, topic, ref)


def _likely(step: Step) -> Iterator[_Key]:
    """What a frame may be the consequence of, the most likely first."""
    entry = step.entry
    if entry.dir in _ANSWER_TO:
        yield (_ANSWER_TO[entry.dir], step.stream)
        return
    message = _message(entry)
    event = None if message is None else message.get("event")
    if message is None or event in ("broadcast", "presence_diff"):
        if entry.dir == "recv":
            yield ("any",)
    elif event == "postgres_changes":
        yield from (("row", number) for number in _numbers(message))
        yield ("sql",)
    else:
        topic = str(message.get("topic"))
        if event == "phx_reply":
            yield ("ref", step.stream, topic, str(message.get("ref")))
        yield ("topic", step.stream, topic)
    yield ("stream", step.stream)


def _message(entry: Entry) -> Mapping[str, Any] | None:
    return envelope(entry.text) if entry.dir in ("send", "recv") and not entry.bin else None


def _numbers(message: Mapping[str, Any]) -> Iterator[str]:
    """What tells which of many inserts a row is from: its number, the last argument of the statement."""
    payload = message.get("payload")
    data = payload.get("data") if isinstance(payload, dict) else None
    record = data.get("record") if isinstance(data, dict) else None
    for name in ("n", "event_sequence"):
        if isinstance(record, dict) and name in record:
            yield str(record[name])
