"""Row security hides the rows from those to whom they belong."""

from dataclasses import dataclass
from typing import ClassVar, Final

from harness.faults.fault import Capability, World
from harness.faults.quoting import qualified

_NAME: Final = "harness_rls_revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class RlsRevoked:
    """No policy of `table` lets anybody read it any more, as when a migration has dropped them.

    Inserts and updates are withheld from everybody whom row security binds, without a sign; deletes still arrive
    (delivery-bugs 20 and 22, class B6; realtime-facts 4.4, recording p12). A restrictive policy does it, so that
    nothing of the table's own is touched.
    """

    table: str = "process_events"
    at: float = 0.0
    lasts: float | None = None

    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.SQL})

    async def begin(self, world: World) -> None:
        """What restricts wins over all that permits."""
        table = qualified(world.schema, self.table)
        await world.sql(f"create policy {_NAME} on {table} as restrictive for select to public using (false)")

    async def end(self, world: World) -> None:
        """The table's own policies decide again."""
        await world.sql(f"drop policy if exists {_NAME} on {qualified(world.schema, self.table)}")
