"""The rows of all subscriptions vanish."""

from dataclasses import dataclass
from typing import ClassVar

from harness.faults.fault import Capability, World


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionsCleared:
    """`realtime.subscription` is emptied while the server works.

    Channels stay joined and hear nothing any more, without a word, until they join again ("kicked out", delivery-bugs
    11 and 54; realtime-facts 11.8, recording p13; class B3).
    """

    at: float = 0.0
    lasts: float | None = None

    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.SQL})

    async def begin(self, world: World) -> None:
        """Rows that are made afterwards stay."""
        await world.sql("delete from realtime.subscription")

    async def end(self, world: World) -> None:
        """Nobody brings them back but their channels."""
