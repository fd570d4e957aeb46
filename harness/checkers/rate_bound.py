"""Never more than the declared rate: one event of a kind and entity in each interval of the debounce policy."""

from bisect import bisect_right
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from harness.checkers.checker import Finding, Verdict
from harness.events.types import EVENT_TYPES, EventData
from harness.history import History, Op
from harness.history.hops import DEBOUNCE, EMIT, INSERT

_HELD_BACK: Final = frozenset({"append", "latest"})
"""The delivery classes that a debounce policy may hold back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RateBound:
    """Convicts a publisher under a debounce policy that publishes one key more often than once in `interval_s`.

    A key is process, type and entity; what does not tell its entity (`section_index`, `attempt` or `entity` of the
    emit) is not looked at, if its type has any. Published means given out by the debouncer and begun to be written:
    both must be closer than the interval, less the share `tolerance` of it. Whatever else of the process goes out in
    between, or at once after it, excuses: a barrier has everything before it go first. Unknown if no key was
    published twice.
    """

    interval_s: float = 0.2
    tolerance: float = 0.25

    def check(self, history: History) -> Verdict:
        published = _published(history)
        departures = _departures(published, history)
        keys: dict[Hashable, list[_Published]] = {}
        for one in published:
            if one.entity is not None:
                keys.setdefault(one.key, []).append(one)
        findings = (self._too_often(ones, departures[ones[0].process_id]) for ones in keys.values())
        pairs = sum(len(ones) - 1 for ones in keys.values())
        return Verdict.of((one for one in findings if one is not None), looked_at=pairs)

    def _too_often(self, ones: Sequence["_Published"], departures: Sequence[tuple[float, Hashable]]) -> Finding | None:
        """The first pair of a key that is too close, and how many are."""
        close = [pair for pair in pairwise(ones) if self._is_too_close(*pair, departures)]
        if not close:
            return None
        first, second = close[0]
        detail = {
            "process_id": first.process_id,
            "event_type": first.event_type,
            "entity": first.entity,
            "apart_s": round(second.insert.time - first.insert.time, 6),
            "interval_s": self.interval_s,
            "times": len(close),
            "of": len(ones) - 1,
        }
        return Finding("too_often", (first.insert, second.insert), detail)

    def _is_too_close(
        self, first: "_Published", second: "_Published", departures: Sequence[tuple[float, Hashable]]
    ) -> bool:
        shortest = self.interval_s * (1 - self.tolerance)
        if second.insert.time - first.insert.time >= shortest or second.given_out - first.given_out >= shortest:
            return False
        until = second.given_out + self.interval_s * self.tolerance
        between = departures[
            bisect_right(departures, first.given_out, key=_time) : bisect_right(departures, until, key=_time)
        ]
        return all(key == first.key for _, key in between)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Published:
    """An event of which a debouncer disposes, with its first insert; `given_out` is when it let it go."""

    process_id: Any
    event_type: str
    entity: str | None
    insert: Op
    given_out: float

    @property
    def key(self) -> Hashable:
        return self.process_id, self.event_type, self.entity


def _published(history: History) -> Sequence[_Published]:
    emits = {op.value.get("event_id"): op for op in history.where(f=EMIT, type="ok")}
    given_out = {op.value.get("event_id"): op.time for op in history.where(f=DEBOUNCE, outcome="published")}
    return [
        _Published(
            process_id=emit.value.get("process_id"),
            event_type=str(emit.value.get("event_type")),
            entity=_entity(emit.value),
            insert=insert,
            given_out=given_out.get(insert.value.get("event_id"), insert.time),
        )
        for insert in history.where(f=INSERT, type="invoke", attempt=1)
        if (emit := emits.get(insert.value.get("event_id"))) is not None
        and emit.value.get("delivery_class") in _HELD_BACK
    ]


def _entity(told: Mapping[str, Any]) -> str | None:
    """What the event is about, as far as its emit tells; nothing for a type that has no entity; None: not told."""
    if "entity" in told:
        return str(told["entity"])
    if "section_index" in told:
        return f"{told['section_index']}, attempt {told.get('attempt', 1)}"
    model = EVENT_TYPES.get(told.get("event_type", ""))
    return "" if model is not None and model.entity is EventData.entity else None


def _departures(published: Sequence[_Published], history: History) -> Mapping[Any, Sequence[tuple[float, Hashable]]]:
    """Process → when something of it went out, or a transition was said, and of which key it was."""
    found: dict[Any, list[tuple[float, Hashable]]] = {}
    for one in published:
        found.setdefault(one.process_id, []).append((one.given_out, one.key))
    for op in history.where(f=EMIT, type="ok"):
        if op.value.get("delivery_class") not in _HELD_BACK:
            found.setdefault(op.value.get("process_id"), []).append((op.time, op.index))
    return {process: sorted(departures, key=_time) for process, departures in found.items()}


def _time(departure: tuple[float, Hashable]) -> float:
    return departure[0]
