"""The slot that changes are read from is gone."""

from dataclasses import dataclass
from typing import ClassVar, Final

from harness.faults.fault import Capability, World
from harness.faults.poller import Poller, find_poller
from harness.faults.quoting import literal

_PATIENCE_S: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotLost:
    """The statement with which the server polls is cancelled, and an error costs a session its temporary slot.

    The connection stays, so the poller has a new slot after 0.1 to 0.3 s, and what was committed since its last poll
    is lost without a sign; no client is told (realtime-facts 4.3; delivery-bugs 53, class B19). What a failing policy,
    a statement timeout or a dropped table does to the stream.
    """

    at: float = 0.0
    lasts: float | None = None

    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.SQL})

    async def begin(self, world: World) -> None:
        """Raises `StackError` if the session is not seen at work for half a minute."""
        await world.sql(_cancel(await find_poller(world)))

    async def end(self, world: World) -> None:
        """The server has made a new one."""


def _cancel(poller: Poller) -> str:
    """An idle session ignores it: cancel whenever it is at work, until the slot is gone."""
    return f"""
do $f$
declare
  patience timestamptz := clock_timestamp() + interval '{_PATIENCE_S} s';
begin
  while exists (
    select from pg_replication_slots where slot_name = {literal(poller.slot)} and active_pid = {poller.pid}
  ) loop
    perform pg_stat_clear_snapshot();
    perform pg_cancel_backend(pid) from pg_stat_activity
    where pid = {poller.pid} and (state = 'active' or backend_type = 'walsender');
    if clock_timestamp() > patience then
      raise exception 'session % does nothing that could be cancelled', {poller.pid};
    end if;
  end loop;
end
$f$"""
