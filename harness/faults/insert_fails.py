"""Some inserts are refused by the database."""

from dataclasses import dataclass
from typing import ClassVar, Final

from harness.faults.fault import Capability, World
from harness.faults.quoting import literal, qualified

_NAME: Final = "harness_insert_fails"


@dataclass(frozen=True, slots=True, kw_only=True)
class InsertFails:
    """Each `every`-th insert into `table` is refused with an error, as when a disk is full; 1 refuses all.

    An application that only logs it shows an article that never goes on, with no word of why; one that tries again
    with the same id loses nothing (D-7, D-22; `unpublished` and `unpublished_silent` in contract 5).
    """

    every: int = 2
    table: str = "process_events"
    at: float = 0.0
    lasts: float | None = None

    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.SQL})

    async def begin(self, world: World) -> None:
        """A sequence counts the attempts: it does not go back when one is undone."""
        await self.end(world)
        name = qualified(world.schema, _NAME)
        await world.sql(f"create sequence {name}")
        await world.sql(
            f"create function {name}() returns trigger language plpgsql security definer as $f$ begin "
            f"if nextval({literal(name)}) % {self.every} = 0 then "
            f"raise exception using errcode = 'disk_full', message = 'no space left (fault insert_fails)'; end if; "
            f"return new; end $f$"
        )
        await world.sql(
            f"create trigger {_NAME} before insert on {qualified(world.schema, self.table)} "
            f"for each row execute function {name}()"
        )

    async def end(self, world: World) -> None:
        """The trigger goes with its function."""
        name = qualified(world.schema, _NAME)
        await world.sql(f"drop function if exists {name}() cascade")
        await world.sql(f"drop sequence if exists {name}")
