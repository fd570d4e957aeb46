"""Who wants changes: channels that stand, and rows of `realtime.subscription` that outlive theirs.

The worker's memory. A row counts until it is deleted, as the real server's checks go by the table (realtime-facts
4.1, 11.3; recording p16); what it may see is delivered only while its channel stands.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from harness.realtime.subscription import Subscriber, Subscription

OutletT = TypeVar("OutletT")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Standing(Generic[OutletT]):
    outlet: OutletT
    subscriptions: tuple[Subscription, ...]


class Registry(Generic[OutletT]):
    """Subscriptions by table, outlets by subscriber. `OutletT` is whatever takes frames."""

    def __init__(self) -> None:
        self._standing: dict[Subscriber, _Standing[OutletT]] = {}
        self._rows: dict[int, dict[int, Subscription]] = {}
        self._left: dict[int, Subscription] = {}
        self._heard: dict[tuple[int, str], tuple[Subscription, ...]] = {}

    def __len__(self) -> int:
        """How many channels stand."""
        return len(self._standing)

    def add(self, outlet: OutletT, subscriber: Subscriber, subscriptions: tuple[Subscription, ...]) -> None:
        """A channel stands with these subscriptions, in place of those that it had."""
        rows = {each.row for each in subscriptions}
        before = self._standing.get(subscriber)
        self._leave(each for each in (before.subscriptions if before else ()) if each.row not in rows)
        self._standing[subscriber] = _Standing(outlet=outlet, subscriptions=subscriptions)
        for each in subscriptions:
            self._left.pop(each.row, None)
            self._rows.setdefault(each.relation, {})[each.row] = each
            self._forget_heard(each.relation)

    def leave(self, subscriber: Subscriber) -> None:
        """A channel is gone; its rows stay until they are removed."""
        standing = self._standing.pop(subscriber, None)
        if standing is not None:
            self._leave(standing.subscriptions)

    def clear(self) -> Mapping[Subscriber, OutletT]:
        """Nobody stands and no row is left; who stood until now."""
        stood = {subscriber: standing.outlet for subscriber, standing in self._standing.items()}
        for each in (self._standing, self._rows, self._left, self._heard):
            each.clear()
        return stood

    def interested(self, relation: int, action: str) -> tuple[Subscription, ...]:
        """The rows on a table that ask for changes of this kind."""
        key = (relation, action)
        if key not in self._heard:
            rows = self._rows.get(relation, {}).values()
            self._heard[key] = tuple(each for each in rows if each.hears(action))
        return self._heard[key]

    def outlet(self, subscriber: Subscriber) -> OutletT | None:
        """Where the frames of a channel go, None if it is gone."""
        standing = self._standing.get(subscriber)
        return standing.outlet if standing is not None else None

    def standing(self, subscriptions: tuple[Subscription, ...]) -> tuple[Subscription, ...]:
        """Those whose channels stand."""
        return tuple(each for each in subscriptions if each.row not in self._left) if self._left else subscriptions

    def left(self, most: int) -> Sequence[int]:
        """Rows to be deleted, the oldest first."""
        return list(self._left)[:most]

    def removed(self, rows: Iterable[int]) -> None:
        """These rows are deleted; one that a channel has taken up again meanwhile stays."""
        for row in rows:
            gone = self._left.pop(row, None)
            if gone is not None:
                del self._rows[gone.relation][row]
                self._forget_heard(gone.relation)

    def _leave(self, subscriptions: Iterable[Subscription]) -> None:
        self._left.update({each.row: each for each in subscriptions})

    def _forget_heard(self, relation: int) -> None:
        for action in ("INSERT", "UPDATE", "DELETE"):
            self._heard.pop((relation, action), None)
