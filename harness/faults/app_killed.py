"""The application's process ends."""

from dataclasses import dataclass
from typing import ClassVar

from harness.faults.fault import Capability, World


@dataclass(frozen=True, slots=True, kw_only=True)
class AppKilled:
    """All generations end where they are: without `grace` as by SIGKILL, with it as by a deploy that lets go.

    What a debouncer held back is gone, and a reader waits for an end that nobody will write (D-8 of
    spec-decisions; class B24). Nobody starts the application again.
    """

    grace: bool = False
    at: float = 0.0
    lasts: float | None = None

    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.APP})

    async def begin(self, world: World) -> None:
        """Returns when it has ended."""
        await world.app.stop(grace=self.grace)

    async def end(self, world: World) -> None:
        """What is dead stays dead."""
