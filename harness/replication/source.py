"""Where changes come from: the interface that the worker and the witness read."""

from dataclasses import dataclass
from typing import Protocol

from harness.replication.change import Change


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one read brought: whole transactions in commit order.

    `raw` counts everything the slot gave, also what is no change of a published row: it decides how long the
    real server waits before it looks again (realtime-facts 4.3).
    """

    changes: tuple[Change, ...] = ()
    raw: int = 0


class ChangeSource(Protocol):
    """A logical replication slot, read forward only; what was read is gone.

    Promises: changes in commit order, the rows of a transaction together and in statement order, each exactly
    once while the source stays open. What is committed before `open` returns is not seen, what is committed
    after it is.
    """

    async def open(self) -> None:
        """Make the slot and stand ready; raises `ReplicationError`."""
        ...

    async def read(self) -> Batch:
        """The next batch. A source that asks returns at once, perhaps empty; one that is told waits for rows.

        Raises `ReplicationError`: the slot may then be gone, and with it what it had not given yet.
        """
        ...

    async def close(self) -> None:
        """Give up the slot. Safe to call twice."""
        ...
