"""`Policy`: what a debouncer does with an event and the one of the same key that is held back already."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Literal, Protocol

from harness.events.types import EventData

Outcome = Literal["published", "merged", "replaced"]
"""What became of an event: itself published, part of a later one, or dropped for a later one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """What the later of two events says in place of both: with the earlier one's data in it, or with its own alone."""

    data: EventData
    outcome: Literal["merged", "replaced"]


class Policy(Protocol):
    """Decides per event of one process; the debouncer knows the time and keeps what is held back."""

    @property
    def name(self) -> str:
        """As in `--debounce`."""
        ...

    def key(self, data: EventData) -> Hashable | None:
        """At most one event of a key per interval, and at most one held back; None is never held back."""
        ...

    def join(self, pending: EventData, later: EventData) -> Joined | None:
        """What two of one key become; None: the pending one goes out first."""
        ...

    def barrier(self, data: EventData) -> bool:
        """Whether what was meant before this event and is held back goes out before it does."""
        ...
