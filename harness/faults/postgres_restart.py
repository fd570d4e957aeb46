"""PostgreSQL crashes and starts again."""

from dataclasses import dataclass
from typing import ClassVar

from harness.errors import FaultUnsupported
from harness.faults.fault import Capability, World


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresRestart:
    """PostgreSQL is stopped at once and started on the same data.

    On a self-hosted stack the Realtime node ends with it: every socket is closed with 1012 (realtime-facts 11.10,
    recording p13b). With `node_survives` (hosted) sockets stay, nothing is said, and the rows of the first two
    seconds are lost without a sign (11.11, recording p13c; class B28). The application's connections are cut.

    How the node takes it is a property of the stack and not a thing that heals: it stays so after the end.
    """

    node_survives: bool = False
    at: float = 0.0
    lasts: float | None = None

    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.RESTART})

    async def begin(self, world: World) -> None:
        """Only our own engine can be told to survive."""
        if Capability.ENGINE in world.capabilities:
            world.engine.set_quirk("node_ends_with_database", not self.node_survives)
        elif self.node_survives:
            raise FaultUnsupported("postgres_restart(node_survives)", "engine", "this backend")
        await world.restart_database()

    async def end(self, world: World) -> None:
        """It has come back already."""
