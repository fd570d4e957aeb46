"""One client's filter breaks the stream for everybody."""

from dataclasses import dataclass
from typing import ClassVar, Final

from harness.errors import FaultUnsupported
from harness.faults.fault import Capability, World
from harness.faults.quoting import qualified

_IS_OURS: Final = "select from pg_class where oid = to_regclass('realtime.harness_forgotten')"
_SUBSCRIBE: Final = """
insert into realtime.subscription (subscription_id, entity, filters, claims)
select gen_random_uuid(), $1::text::regclass,
       array[jsonb_populate_record(null::realtime.user_defined_filter, jsonb_build_object(
         'column_name', $2::text, 'op', 'eq', 'value', $3::text, 'negate', false))],
       '{"role": "authenticated", "harness": "poison_filter"}'
"""
_LEAVE: Final = "delete from realtime.subscription where claims ->> 'harness' = 'poison_filter'"


@dataclass(frozen=True, slots=True, kw_only=True)
class PoisonFilter:
    """A second client subscribes to `table` with a filter on an array column, which the server accepts.

    From then on each poll with a change of that table fails: its batch and the slot are lost for every subscriber,
    and nobody is told. It ends at most 15 s after that client has left (realtime-facts 11.6, recording p16; class
    B25). Our own engine is joined by that client in its process; another server finds its row in
    `realtime.subscription`, as the client's join would have made it.
    """

    table: str = "process_events"
    column: str = "acknowledged_by"
    value: str = "{nobody}"
    at: float = 0.0
    lasts: float | None = None

    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.SQL})

    async def begin(self, world: World) -> None:
        """Our own engine in another process cannot be reached: it reads no row that it has not made."""
        if Capability.ENGINE in world.capabilities:
            await world.engine.admit_stranger(self._element(world))
        elif await world.sql(_IS_OURS):
            raise FaultUnsupported("poison_filter", "engine", "a stack of `harness up`")
        else:
            await world.sql(_SUBSCRIBE, qualified(world.schema, self.table), self.column, self.value)

    async def end(self, world: World) -> None:
        """That client leaves."""
        if Capability.ENGINE in world.capabilities:
            world.engine.dismiss_stranger()
        else:
            await world.sql(_LEAVE)

    def _element(self, world: World) -> dict[str, str]:
        return {
            "event": "*",
            "schema": world.schema,
            "table": self.table,
            "filter": f"{self.column}=eq.{self.value}",
        }
