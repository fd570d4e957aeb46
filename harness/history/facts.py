"""The facts that accounting decides by, each collected from the history once."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from harness.history.arrival import Arrival, arrivals
from harness.history.audience import Subscriber, audience
from harness.history.belief import Belief, beliefs
from harness.history.history import History
from harness.history.journey import Journey, journeys
from harness.history.op import Op

_DECLARED: Final = {"merged": "append", "replaced": "latest"}
"""What a debounce policy may do, and with which delivery class; anything else that it does loses the event."""


def moment(commit: Op) -> float:
    """When a commit happened, in seconds of the run: as the witness read it, else when the op was recorded."""
    at: float = commit.value.get("at", commit.time)
    return at


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """A history by event, by reader and by process. `end` is the time of the last op."""

    journeys: Mapping[str, Journey]
    emitted: Mapping[Any, Sequence[Journey]]
    subscribers: Mapping[tuple[str, str], Subscriber]
    arrivals: Mapping[tuple[str, str], Arrival]
    beliefs: Mapping[tuple[str, str], Belief]
    merged_into: frozenset[str]
    rests: Sequence[float]
    witnessed: bool
    told_as_story: bool
    listeners: frozenset[str]
    end: float

    @classmethod
    def of(cls, history: History) -> Self:
        """Those of this history, collected once for all who ask."""
        return history.once(cls._collected)

    @classmethod
    def _collected(cls, history: History) -> Self:
        found = journeys(history)
        return cls(
            journeys=found,
            emitted=_by_process(found.values()),
            subscribers=audience(history),
            arrivals=arrivals(history),
            beliefs=beliefs(history),
            merged_into=merged_into(history),
            rests=[op.time for op in history.where(f="settle") if op.type in ("ok", "info")],
            witnessed=any(journey.commit for journey in found.values()),
            told_as_story=len(history.where(f="step")) > 0,
            listeners=frozenset(op.actor for op in history.where(f="listen")),
            end=history[-1].time if len(history) else 0.0,
        )

    def commit(self, journey: Journey) -> Op | None:
        """The op that says that the event is committed; the insert's answer where no witness watched."""
        if self.witnessed:
            return journey.commit
        return journey.insert if journey.insert is not None and journey.insert.type == "ok" else None

    def carrier(self, journey: Journey) -> Journey:
        """The event that was to be committed in place of this one: itself, unless a policy may declare otherwise."""
        seen = set()
        while journey.event_id not in seen and self.commit(journey) is None:
            seen.add(journey.event_id)
            journey = self.journeys.get(_declared_into(journey) or journey.event_id, journey)
        return journey

    def moment(self, journey: Journey) -> float:
        """When the event was committed, or else emitted."""
        commit = self.commit(journey)
        if commit is not None:
            return moment(commit)
        return journey.emit.time if journey.emit is not None else 0.0

    def owed(self, subscriber: Subscriber, deadline_s: float) -> Iterator[Journey]:
        """The emitted events that an entitled subscriber is owed, in the order of their emits.

        One that left is owed what it has applied, and what it waited for so long, from its commit or its own coming
        on, that it was due, or that the system had come to rest.
        """
        if not subscriber.entitled:
            return
        left_at = subscriber.left_at
        for journey in self.emitted.get(subscriber.process_id, ()):
            if left_at is None or (subscriber.reader, journey.event_id) in self.arrivals:
                yield journey
            elif self._due(max(self.moment(journey), subscriber.since), left_at, deadline_s):
                yield journey

    def stopped_before(self, start: float, deadline_s: float) -> bool:
        """Whether the recording of a story stopped before what began at `start` was due: a run that was killed."""
        return self.told_as_story and not self._due(start, self.end, deadline_s)

    def _due(self, start: float, end: float, deadline_s: float) -> bool:
        rest = bisect_left(self.rests, start)
        return end >= start + deadline_s or (rest < len(self.rests) and self.rests[rest] <= end)


def merged_into(history: History) -> frozenset[str]:
    """Ids of the events that were published with the data of others merged into them."""
    return frozenset(op.value.get("into", "") for op in history.where(f="debounce", outcome="merged"))


def changed(emit: Op | None, apply: Op, merged: frozenset[str]) -> bool:
    """Whether the data that was applied differs from what was emitted; not to be known of an event merged into."""
    if emit is None or emit.value.get("event_id") in merged:
        return False
    sent, got = emit.value.get("content"), apply.value.get("content")
    return sent is not None and got is not None and sent != got


def _declared_into(journey: Journey) -> str | None:
    if journey.debounce is None or journey.emit is None:
        return None
    allowed = _DECLARED.get(journey.debounce.value.get("outcome", ""))
    into: str | None = journey.debounce.value.get("into")
    return into if allowed == journey.emit.value.get("delivery_class", allowed) else None


def _by_process(found: Iterable[Journey]) -> Mapping[Any, Sequence[Journey]]:
    groups: dict[Any, list[Journey]] = {}
    for journey in found:
        if journey.emit is not None:
            groups.setdefault(journey.emit.value.get("process_id"), []).append(journey)
    return groups
