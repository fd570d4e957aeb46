"""A table is taken out of the publication, and put back."""

from dataclasses import dataclass
from typing import ClassVar

from harness.faults.fault import Capability, World
from harness.faults.quoting import qualified, quoted


@dataclass(frozen=True, slots=True, kw_only=True)
class TableUnpublished:
    """A migration drops `table` from the publication; at the end it is added again.

    Its changes stop at once and without a word. At the server's next look, within 60 s, each channel gets one `system`
    error, stays joined, and is deaf for good: the table's return revives nobody (realtime-facts 11.9, recording p13;
    class B27). A publication that this empties has no slot at all (11.28; class B22).
    """

    table: str = "process_events"
    at: float = 0.0
    lasts: float | None = None

    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.SQL})

    async def begin(self, world: World) -> None:
        """Raises `StackError` for a publication of all tables."""
        await self._alter(world, "drop")

    async def end(self, world: World) -> None:
        """Published again; who was refused meanwhile is not subscribed by that."""
        await self._alter(world, "add")

    async def _alter(self, world: World, how: str) -> None:
        table = qualified(world.schema, self.table)
        await world.sql(f"alter publication {quoted(world.publication)} {how} table {table}")
