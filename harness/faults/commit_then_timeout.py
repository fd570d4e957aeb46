"""Commits are durable, but their answers never come."""

from dataclasses import dataclass
from typing import ClassVar, Final

from harness.errors import StackError
from harness.faults.fault import Capability, World

_STANDBY: Final = "harness_no_such_standby"
_SET: Final = f"alter system set synchronous_standby_names = '{_STANDBY}'"
_RESET: Final = "alter system reset synchronous_standby_names"
_RELOAD: Final = "select pg_reload_conf()"
_SHOW: Final = "show synchronous_standby_names"
_LOOK_S: Final = 0.005
_LOOKS: Final = 2000
_CUT: Final = r"""
select pg_terminate_backend(pid, 5000) from pg_stat_activity
where datname = current_database() and wait_event = 'SyncRep'
  and application_name not like 'realtime%' and application_name not like 'harness%'
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitThenTimeout:
    """While it lasts every commit is written and then waits for a standby that does not exist; at its end the
    application's connections that still wait are cut.

    The application sees a lost connection for a transaction that is committed (`InsertInDoubt`). One that takes that
    for a failure says the event again under another id or number: a duplicate, or a number that is taken (D-6, D-22;
    class B14 where it is shown twice). The rows are in the WAL at once but nobody else sees them before the end.
    """

    at: float = 0.0
    lasts: float | None = None

    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.SQL})

    async def begin(self, world: World) -> None:
        """Returns when commits wait: sessions have seen the setting, and the checkpointer, who decides it, looks before
        each checkpoint. The world's own sessions commit locally, so they never wait.
        """
        await world.sql(_SET)
        await world.sql(_RELOAD)
        for _ in range(_LOOKS):
            if _STANDBY in str(await world.sql(_SHOW)):
                break
            await world.clock.sleep(_LOOK_S)
        else:
            raise StackError("synchronous_standby_names cannot be set: something overrules it")
        await world.sql("checkpoint")

    async def end(self, world: World) -> None:
        """Cut first: whoever waits when the standby is forgotten gets an answer."""
        await world.sql(_CUT)
        await world.sql(_RESET)
        await world.sql(_RELOAD)
