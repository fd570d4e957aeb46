"""Each reader applies the events of a process in order: of sequence, of intent and of commit."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.checkers.checker import Finding, Verdict
from harness.checkers.reader_life import pages
from harness.history import History, Op
from harness.history.hops import APPLY, COMMIT, EMIT
from harness.history.journey import tells_of_event

_Place = Callable[[Op], Any]
"""The place of an application in an order, or None if it has none there."""


@dataclass(frozen=True, slots=True)
class Order:
    """Convicts a page that applies an event after a later one; one that is mounted anew begins anew.

    `inverted`: by sequence. `against_intent`: the application meant the two the other way round. `against_commit`:
    the database committed them the other way round. An event without a place in one of these orders hides nothing:
    its neighbours are held against each other. A missing event is no inversion; `Accounting` counts those.
    A run in which nothing was applied is unknown, not valid.
    """

    def check(self, history: History) -> Verdict:
        intents = {op.value.get("event_id"): op.value.get("intent") for op in history.where(f=EMIT)}
        commits = {op.value.event_id: op.index for op in history.where(f=COMMIT) if _is_placed(op)}
        orders: Mapping[str, _Place] = {
            "inverted": lambda op: op.value.sequence,
            "against_intent": lambda op: intents.get(op.value.get("event_id")),
            "against_commit": lambda op: commits.get(op.value.get("event_id")),  # recorded in the order of the log
        }
        findings = [found for page in pages(history) for found in _disorders(page, orders)]
        return Verdict.of(findings, looked_at=len(history.where(f=APPLY, type="ok")))


def _is_placed(commit: Op) -> bool:
    """Whether it is the commit of an event, with its place in the log."""
    return bool(commit.value.get("lsn")) and tells_of_event(commit)


def _disorders(page: Sequence[Op], orders: Mapping[str, _Place]) -> Iterator[Finding]:
    """Each application that comes after a later one, by the first order that it breaks.

    In each order it is held against the last application that has a place there.
    """
    last: dict[str, tuple[Any, Op]] = {}
    for op in page:
        places = {what: place(op) for what, place in orders.items()}
        placed = {what: (place, op) for what, place in places.items() if place is not None}
        broken = next((what for what, (place, _) in placed.items() if what in last and place < last[what][0]), None)
        if broken is not None:
            yield Finding(broken, (last[broken][1], op))
        last |= placed
