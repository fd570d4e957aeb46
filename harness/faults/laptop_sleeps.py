"""The reader's laptop sleeps."""

from dataclasses import dataclass
from typing import ClassVar

from harness.faults.black_hole import BlackHole
from harness.faults.cut import Cut
from harness.faults.fault import Capability, World


@dataclass(frozen=True, slots=True, kw_only=True)
class LaptopSleeps:
    """No timer of the reader fires and nothing reaches it; when it wakes its connections are found broken.

    Nobody tells the client that it slept, and what happened meanwhile is not sent again (delivery-bugs 7 and 16, class
    B2); a token may have expired in its sleep (B5), and all who slept come back together (B20).
    """

    reader: str
    at: float = 0.0
    lasts: float | None = None

    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.MACHINES, Capability.LINKS})

    async def begin(self, world: World) -> None:
        """The lid is closed: the network first, so that the last thing to happen is no timer."""
        machine = world.machine(self.reader)
        machine.begin(BlackHole(link=self.reader))
        machine.freeze()

    async def end(self, world: World) -> None:
        """The lid is opened: what stood is broken before any timer can use it."""
        machine = world.machine(self.reader)
        machine.end(BlackHole(link=self.reader))
        cut = Cut(link=self.reader)
        machine.begin(cut)
        machine.end(cut)
        machine.thaw()
