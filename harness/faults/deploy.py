"""The Realtime server is deployed anew."""

from dataclasses import dataclass
from typing import ClassVar

from harness.faults.fault import Capability, World


@dataclass(frozen=True, slots=True, kw_only=True)
class Deploy:
    """Every socket is closed with `code` at once, and the node that follows has no slot yet.

    All clients come back together: without jitter more joins at once than the tenant may make, which costs them their
    sockets again (delivery-bugs 44, class B20; realtime-facts 1.5: 1012). What is committed meanwhile is not sent.
    """

    code: int = 1012
    at: float = 0.0
    lasts: float | None = None

    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.ENGINE})

    async def begin(self, world: World) -> None:
        """New sockets are let in straight away."""
        await world.engine.close_sockets(self.code)

    async def end(self, world: World) -> None:
        """It is over already."""
