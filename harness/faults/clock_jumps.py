"""The application's wall clock jumps."""

from dataclasses import dataclass
from typing import ClassVar

from harness.faults.fault import Capability, World


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockJumps:
    """The wall clock is set `seconds` forward, or back if negative, as by NTP or the resume of a virtual machine.

    What measures durations or orders events by it stalls, fires at once or shows them in the wrong order (D-10 of
    spec-decisions for a debouncer; class B24).
    """

    seconds: float
    at: float = 0.0
    lasts: float | None = None

    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.APP})

    async def begin(self, world: World) -> None:
        """Timers that run are not touched."""
        world.app.jump_clock(self.seconds)

    async def end(self, world: World) -> None:
        """It is right again."""
        world.app.jump_clock(-self.seconds)
