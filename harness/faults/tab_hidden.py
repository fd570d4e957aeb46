"""The reader's tab is in the background."""

from dataclasses import dataclass
from typing import ClassVar

from harness.faults.fault import Capability, World


@dataclass(frozen=True, slots=True, kw_only=True)
class TabHidden:
    """Timers fire once in `every` seconds: once a minute, as Chrome does to a tab that was hidden for five.

    Heartbeats come too late, the server closes the socket for its silence, and the reconnect waits for a timer as well
    (delivery-bugs 5 and 6, class B2; realtime-facts 1.5: closed after 66 s).
    """

    reader: str
    every: float = 60.0
    at: float = 0.0
    lasts: float | None = None

    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.MACHINES})

    async def begin(self, world: World) -> None:
        """The user looks at something else."""
        world.machine(self.reader).throttle(self.every)

    async def end(self, world: World) -> None:
        """The tab is shown again."""
        world.machine(self.reader).throttle(None)
