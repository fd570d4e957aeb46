"""What the worker does now and then: rows of channels that are gone, the tables of the publication, idleness.

Beside the line. The real server's subscription manager (realtime-facts 4.1, 4.3, 11.9; recordings p13 and p16).
"""

from collections.abc import Awaitable, Callable
from typing import Final

from harness.clock import Clock
from harness.errors import VisibilityError
from harness.history.recorder import Recorder
from harness.realtime.delivering import ACTOR
from harness.realtime.outlet import Outlet
from harness.realtime.registry import Registry
from harness.realtime.tenant import Tenant
from harness.realtime.visibility import Visibility

_AT_ONCE: Final = 1000
"""How many rows are removed at once."""

_MORE_S: Final = 1.0
"""When the next are removed, while there are more."""


class Housekeeping:
    """Looks after the rows of a registry. `published` are the tables as they were last seen; set it first."""

    def __init__(
        self,
        *,
        tenant: Tenant,
        visibility: Visibility,
        registry: Registry[Outlet],
        clock: Clock,
        recorder: Recorder,
        changed: Callable[[], None],
    ) -> None:
        self.published: frozenset[int] = frozenset()
        self._tenant = tenant
        self._visibility = visibility
        self._registry = registry
        self._clock = clock
        self._recorder = recorder
        self._changed = changed

    async def run(self) -> None:
        """Until nobody has stood for as long as a worker stays idle."""
        now = self._clock.now()
        removal, check = now + self._tenant.row_removal_s, now + self._tenant.publication_check_s
        used = now
        while now - used < self._tenant.idle_stop_s:
            await self._clock.sleep(min(removal, check) - now)
            now = self._clock.now()
            if now >= removal:
                removal = now + await self._guarded(self.remove)
            if now >= check:
                check = now + await self._guarded(self.check)
                used = now if len(self._registry) else used

    async def remove(self) -> float:
        """Remove the rows of channels that are gone; seconds until it is to be done again."""
        rows = self._registry.left(_AT_ONCE)
        await self._visibility.remove(rows)
        self._registry.removed(rows)
        return _MORE_S if self._registry.left(1) else self._tenant.row_removal_s

    async def check(self) -> float:
        """Compare the publication's tables with those last seen: others, and everybody subscribes anew.

        Seconds until it is to be done again.
        """
        published = await self._visibility.published()
        if published != self.published:
            await self._visibility.clear()
            self.published = published
            self._changed()
        return self._tenant.publication_check_s

    async def _guarded(self, work: Callable[[], Awaitable[float]]) -> float:
        try:
            return await work()
        except VisibilityError as error:  # nobody notices, as when the real manager's connections are cut (p13)
            self._recorder.record(ACTOR, "housekeeping", {}, type="info", error=str(error))
            return self._tenant.row_removal_s
