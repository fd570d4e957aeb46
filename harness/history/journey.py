"""The way of each event through the hops, collected in one pass over the history."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from harness.history.history import History, made_once
from harness.history.hops import (
    APPLY,
    AUTHORISE,
    COMMIT,
    DEBOUNCE,
    DECODE,
    DELIVER,
    DISPATCH,
    EMIT,
    HOPS,
    INSERT,
    RECEIVE,
    SEND,
)
from harness.history.op import Op

_PLACE: Final = {hop: place for place, hop in enumerate(HOPS)}


@dataclass(slots=True, kw_only=True)
class Journey:
    """One event: the ops that tell of it. Filled by `journeys` and not changed afterwards.

    `insert` is the last op of the insert, whatever its type, and `asked` its first. `reader_hops` holds, by reader,
    the first op of each hop from `authorise` on; `applied` all ops of `apply`.
    """

    event_id: str
    emit: Op | None = None
    debounce: Op | None = None
    asked: Op | None = None
    insert: Op | None = None
    commit: Op | None = None
    decode: Op | None = None
    withheld_from: set[str] = field(default_factory=set)
    reader_hops: dict[str, dict[str, Op]] = field(default_factory=dict)
    applied: dict[str, list[Op]] = field(default_factory=dict)

    def described(self, key: str) -> Any:
        """What the first op that carries `key` says of the event: `event_type`, `process_id`, `sequence`."""
        for op in (self.emit, self.commit, self.insert, *(ops[0] for ops in self.applied.values())):
            if op is not None and key in op.value:
                return op.value[key]
        return None

    def last_seen(self, reader: str) -> Op | None:
        """The op of the furthest hop that the event reached on its way to `reader`."""
        on_the_wire = self.reader_hops.get(reader)
        if on_the_wire:
            return on_the_wire[max(on_the_wire, key=_PLACE.__getitem__)]
        return self.decode or self.commit or self.insert or self.asked or self.debounce or self.emit

    def stop(self, hop: str, reader: str) -> Op | None:
        """The op of one hop on the way to `reader`."""
        before = {
            EMIT: self.emit,
            DEBOUNCE: self.debounce,
            INSERT: self.asked,
            COMMIT: self.commit,
            DECODE: self.decode,
        }
        return before[hop] if hop in before else self.reader_hops.get(reader, {}).get(hop)


@made_once
def journeys(history: History) -> Mapping[str, Journey]:
    """event_id → its journey, in the order in which the events appear. Changes other than INSERT are not events."""
    found: dict[str, Journey] = {}
    for op in history:
        take = _TAKERS.get(op.f)
        if take is None or not tells_of_event(op):
            continue
        event_id = op.value.event_id
        journey = found.get(event_id)
        if journey is None:
            journey = found[event_id] = Journey(event_id=event_id)
        take(journey, op)
    return found


def tells_of_event(op: Op) -> bool:
    """Whether the op is about an event and not about another row, nor about a later change of its row.

    Acknowledging updates the rows of events, and retention deletes them: both are committed and travel, too.
    """
    return op.value.get("event_id") is not None and op.value.get("action", "INSERT") == "INSERT"


def next_hop(hop: str, observed: frozenset[str]) -> str | None:
    """The hop after `hop` among those that were observed: where a thing was next to be seen."""
    return next((later for later in HOPS[_PLACE[hop] + 1 :] if later in observed), None)


def _emit(journey: Journey, op: Op) -> None:
    journey.emit = journey.emit or op


def _debounce(journey: Journey, op: Op) -> None:
    journey.debounce = op


def _insert(journey: Journey, op: Op) -> None:
    journey.asked = journey.asked or op
    journey.insert = op


def _commit(journey: Journey, op: Op) -> None:
    journey.commit = journey.commit or op


def _decode(journey: Journey, op: Op) -> None:
    journey.decode = journey.decode or op


def _authorise(journey: Journey, op: Op) -> None:
    journey.withheld_from.update(op.value.get("withheld", ()))
    for link in op.value.get("to", ()):
        journey.reader_hops.setdefault(link, {}).setdefault(AUTHORISE, op)


def _at_link(journey: Journey, op: Op) -> None:
    journey.reader_hops.setdefault(op.value.get("link", ""), {}).setdefault(op.f, op)


def _at_reader(journey: Journey, op: Op) -> None:
    journey.reader_hops.setdefault(op.actor, {}).setdefault(op.f, op)


def _apply(journey: Journey, op: Op) -> None:
    _at_reader(journey, op)
    journey.applied.setdefault(op.actor, []).append(op)


_TAKERS: Final[Mapping[str, Callable[[Journey, Op], None]]] = {
    EMIT: _emit,
    DEBOUNCE: _debounce,
    INSERT: _insert,
    COMMIT: _commit,
    DECODE: _decode,
    AUTHORISE: _authorise,
    DISPATCH: _at_link,
    SEND: _at_link,
    RECEIVE: _at_reader,
    DELIVER: _at_reader,
    APPLY: _apply,
}
