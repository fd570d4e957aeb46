"""The session that reads changes is terminated."""

from dataclasses import dataclass
from typing import ClassVar

from harness.faults.fault import Capability, World
from harness.faults.poller import find_poller, terminate


@dataclass(frozen=True, slots=True, kw_only=True)
class PollerKilled:
    """`pg_terminate_backend` of the poller: its slot goes with it.

    Sockets stay, nothing is said. What is committed until the poller has connected again (0.2 s in recording p13,
    about 2 s in p13c) is lost without a sign (realtime-facts 11.8; class B28).
    """

    at: float = 0.0
    lasts: float | None = None

    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.SQL})

    async def begin(self, world: World) -> None:
        """Raises `StoryFault` while nobody reads changes."""
        await terminate(world, await find_poller(world))

    async def end(self, world: World) -> None:
        """The server has connected again."""
