"""Subscriptions take effect long after the join was answered."""

from dataclasses import dataclass
from typing import ClassVar

from harness.faults.fault import Capability, World


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyDelayed:
    """A channel that joins meanwhile is subscribed, and told so, only `seconds` after its join reply.

    Clients say SUBSCRIBED at the reply; what is committed before the `system` ok never arrives (delivery-bugs 1 to 4:
    1 to 4.4 s; class B1). Channels that stand already are not touched.
    """

    seconds: float = 1.5
    at: float = 0.0
    lasts: float | None = None

    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.ENGINE})

    async def begin(self, world: World) -> None:
        """Holds for each join from now on."""
        world.engine.hold_ready(self.seconds)

    async def end(self, world: World) -> None:
        """Joins that wait already wait their full time."""
        world.engine.hold_ready(None)
