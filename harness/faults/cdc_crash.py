"""The part of the server that reads changes crashes."""

from dataclasses import dataclass
from typing import ClassVar

from harness.faults.fault import Capability, World


@dataclass(frozen=True, slots=True, kw_only=True)
class CdcCrash:
    """Without `notify` the channels stay joined, hear nothing any more and are never told; who joins while it lasts
    gets its reply and is not subscribed.

    A name that had drifted made the message "down" reach nobody (realtime#2157, delivery-bugs 10 and 12; class B3). At
    the end whoever joins anew is served; who does not stays deaf. With `notify` all subscribe again after 1 to 3 s,
    as they should.
    """

    notify: bool = False
    at: float = 0.0
    lasts: float | None = None

    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.ENGINE})

    async def begin(self, world: World) -> None:
        """Returns when nothing is read any more."""
        await world.engine.crash_cdc(notify=self.notify)

    async def end(self, world: World) -> None:
        """Somebody has restarted it."""
        await world.engine.restore_cdc()
