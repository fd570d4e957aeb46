"""Another session holds the slot that the server wants."""

from dataclasses import dataclass
from typing import ClassVar, Final

from harness.errors import StackError
from harness.faults.fault import SESSIONS, Capability, World
from harness.faults.poller import find_poller, terminate

_TAKE: Final = "select pg_create_logical_replication_slot($1, 'pgoutput', true)"
_GIVE_BACK: Final = r"""
select pg_terminate_backend(pid, 5000) from pg_replication_slots join pg_stat_activity on pid = active_pid
where slot_name like 'supabase\_realtime\_replication\_slot%' and application_name = $1
"""
_HOLDER: Final = "slot_busy"
_TRIES: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotBusy:
    """The poller is terminated and, before it is back, a session of ours has made a slot of the same name.

    As after a deploy whose old node has not gone yet: `replication slot … is active for PID`, and every subscriber is
    deaf. The server tries four times more and then terminates whoever holds it, so the fault may end before its time
    (realtime-facts 4.3; delivery-bugs 52, class B19).
    """

    at: float = 0.0
    lasts: float | None = None

    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.SQL})

    async def begin(self, world: World) -> None:
        """To make a slot takes as long as write transactions are open: a poller that was faster goes again."""
        for left in reversed(range(_TRIES)):
            poller = await find_poller(world)
            await terminate(world, poller)
            try:
                await world.sql(_TAKE, poller.slot, session=_HOLDER)
            except StackError:
                if not left:
                    raise
            else:
                return

    async def end(self, world: World) -> None:
        """The session that holds it ends, unless the server has ended it already."""
        await world.sql(_GIVE_BACK, SESSIONS)
