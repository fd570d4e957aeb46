"""Some transactions commit later than those that began after them."""

from dataclasses import dataclass
from typing import ClassVar, Final

from harness.faults.fault import Capability, World
from harness.faults.quoting import qualified

_NAME: Final = "harness_slow_commit"


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowCommit:
    """Each row of `table` whose sequence `every` divides keeps its transaction open for `seconds` at its commit.

    Where numbers are given outside the transaction, later numbers are then committed first, so that a client whose
    cursor is the largest number it has seen passes over one that comes later (D-19; class B15; hasura#8632 in
    delivery-bugs 3.1). Where numbering and commit are one, only time passes.
    """

    seconds: float = 1.0
    every: int = 3
    table: str = "process_events"
    at: float = 0.0
    lasts: float | None = None

    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.SQL})

    async def begin(self, world: World) -> None:
        """A deferred constraint trigger is what runs last before a commit."""
        await self.end(world)
        function = qualified(world.schema, _NAME)
        await world.sql(
            f"create function {function}() returns trigger language plpgsql as "
            f"$f$ begin perform pg_sleep({world.real_seconds(self.seconds):f}); return null; end $f$"
        )
        await world.sql(
            f"create constraint trigger {_NAME} after insert on {qualified(world.schema, self.table)} "
            f"deferrable initially deferred for each row when (new.event_sequence % {self.every} = 0) "
            f"execute function {function}()"
        )

    async def end(self, world: World) -> None:
        """The trigger goes with its function."""
        await world.sql(f"drop function if exists {qualified(world.schema, _NAME)}() cascade")
