"""A recording as a script: what our side does, and what it may have waited for before.

Beside the straight line, between a recording and its player. The file's order is that of cause and effect; the
times of a recording that was made by playing another one jitter by some ms and only pace it.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from harness.fidelity.recording import Entry, Recording

_NEVER_HAPPENED: Final = "InterfaceError: cannot perform operation: another operation is in progress"
"""The recorder's own failure: the statement was never sent (README of the transcripts, p04b)."""

_AT_ONCE_MS: Final = 5.0
"""What is done this soon after something came was done because it came."""

_HANDSHAKE_MS: Final = 100.0
"""A close is written down when its handshake is over; what others heard shortly before may be its consequence."""

_ANSWERS: Final = {
    "opened": "open",
    "http": "open",
    "sqlok": "sql",
    "sqlerr": "sql",
    "http_recv": "http_send",
    "ctl_result": "ctl",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One entry with its `stream`: the connection that it belongs to (`A`, and `A/2` when A connects again)."""

    entry: Entry
    stream: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """What something that came is awaited by: the `count`-th of that kind on its stream."""

    stream: str
    kind: str
    count: int
    t: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Something to do at `step.entry.t`, but not before everything in `after`, here and in earlier acts, has come.

    `cause` is what it followed so closely that it is done as soon as that has come, whenever that is.
    """

    number: int
    step: Step
    after: Sequence[Sign]
    cause: Sign | None


def steps(recording: Recording) -> Iterator[Step]:
    """Every act and everything heard, with its stream, without what never happened."""
    connections = _Connections()
    for entry in _happened(recording.entries):
        if entry.is_act or entry.is_heard:
            yield Step(entry=entry, stream=connections.stream_of(entry))


def acts(recording: Recording) -> Sequence[Act]:
    """What our side does, in order."""
    done: list[Act] = []
    counts: Counter[tuple[str, str]] = Counter()
    since: list[Sign] = []
    for step in steps(recording):
        entry = step.entry
        if entry.is_heard:
            kind = kind_of(entry)
            counts[step.stream, kind] += 1
            since.append(Sign(stream=step.stream, kind=kind, count=counts[step.stream, kind], t=entry.t))
            continue
        until = entry.t - _HANDSHAKE_MS if entry.dir == "close" else float("inf")
        after = [sign for sign in since if sign.t < until or sign.stream == step.stream]
        done.append(Act(number=len(done), step=step, after=after, cause=_cause(entry, since, done)))
        since = [sign for sign in since if sign.t >= until and sign.stream != step.stream]
    return done


def kind_of(entry: Entry) -> str:
    """What an entry is awaited as: coarse enough that a difference in words is no reason to wait in vain."""
    if entry.dir != "recv":
        return _ANSWERS.get(entry.dir, entry.dir)
    if entry.bin:
        return "binary"
    fields = envelope(entry.text)
    if fields is None:
        return "frame"
    event, topic = fields.get("event"), fields.get("topic")
    return f"{event} {topic} {fields.get('ref')}" if event == "phx_reply" else f"{event} {topic}"


def envelope(text: str) -> dict[str, Any] | None:
    """The five fields of a Phoenix message of either version, None if it is none."""
    try:
        value = json.loads(text)
    except ValueError:
        return None
    if isinstance(value, list) and len(value) == 5:
        return dict(zip(("join_ref", "ref", "topic", "event", "payload"), value, strict=True))
    return value if isinstance(value, dict) and "event" in value else None


class _Connections:
    """Which connection an entry belongs to, where the same client connected more than once."""

    def __init__(self) -> None:
        self._count: Counter[str] = Counter()
        self._living: defaultdict[str, list[str]] = defaultdict(list)
        self._last: dict[str, str] = {}
        self._opened: set[str] = set()

    def stream_of(self, entry: Entry) -> str:
        if entry.dir in ("ctl", "ctl_result"):
            return "ctl"
        client, living = entry.c, self._living[entry.c]
        if entry.dir == "open":
            living.append(self._next(client))
        if not living:
            return self._last.get(client, client)
        if entry.dir == "close":
            return living.pop(0)
        if entry.dir == "http":
            return living.pop()
        if entry.dir == "opened":
            self._opened.add(living[-1])
        return living[0] if entry.dir == "recv" and living[-1] not in self._opened else living[-1]

    def _next(self, client: str) -> str:
        self._count[client] += 1
        number = self._count[client]
        self._last[client] = client if number == 1 else f"{client}/{number}"
        return self._last[client]


def _happened(entries: Sequence[Entry]) -> list[Entry]:
    """The entries without the statements that the recorder could not send, and without its complaints."""
    kept: list[Entry] = []
    for entry in entries:
        if entry.dir == "sqlerr" and entry.text == _NEVER_HAPPENED:
            last = max(i for i, each in enumerate(kept) if each.dir == "sql" and each.c == entry.c)
            del kept[last]
        else:
            kept.append(entry)
    return kept


def _cause(entry: Entry, since: Sequence[Sign], done: Sequence[Act]) -> Sign | None:
    """What came last before an act, if it was just before; acts of one burst share their cause."""
    if since:
        return since[-1] if abs(entry.t - since[-1].t) <= _AT_ONCE_MS and entry.dir != "close" else None
    if done and entry.t - done[-1].step.entry.t <= _AT_ONCE_MS:
        return done[-1].cause
    return None
