"""The session of the Realtime server that reads changes, as the database knows it: by its slot.

The slot's name begins so on every server (realtime-facts 4.3); our own engine has the same.
"""

from dataclasses import dataclass
from typing import Final

from harness.errors import StoryFault
from harness.faults.fault import SESSIONS, World

_FIND: Final = r"""
select slot_name::text as slot, active_pid as pid from pg_replication_slots
where slot_name like 'supabase\_realtime\_replication\_slot%' and database = current_database()
  and active_pid not in (select pid from pg_stat_activity where application_name = $1)
"""
_LOOKS: Final = 100
_LOOK_S: Final = 0.1
_TERMINATE: Final = "select pg_terminate_backend($1, 5000) as gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Poller:
    """A session and its slot."""

    slot: str
    pid: int


async def find_poller(world: World) -> Poller:
    """The poller that stands now, or soon: it may be making a new slot after the last one was lost.

    Raises `StoryFault` if there is none for a while: nobody is subscribed.
    """
    for _ in range(_LOOKS):
        if found := await world.sql(_FIND, SESSIONS):
            return Poller(slot=found[0]["slot"], pid=found[0]["pid"])
        await world.clock.sleep(_LOOK_S)
    raise StoryFault("nobody reads changes, so no slot can be lost: begin this fault when a reader is ready")


async def terminate(world: World, poller: Poller) -> None:
    """End its session, and with it the slot; returns when both are gone."""
    await world.sql(_TERMINATE, poller.pid)
