"""The tenant has reached one of its limits."""

from dataclasses import dataclass, field
from typing import ClassVar, Final

from harness.faults.fault import Capability, World

_FROZEN: Final = "db_limit_frozen_at_start"


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaReached:
    """The limit is lowered to `value`, so that what the run does is too much.

    Changes above the messages per second are dropped batch by batch and nobody is told, whichever process used them up
    (delivery-bugs 42, realtime-facts 11.4, recording p09; class B7); rates are looked at every 5 s, so a burst passes
    first. Joins, channels, sockets and payloads are refused in words (43 and 44). The limit of a reader of changes that
    runs is changed too, as if it had been so when it started (11.3).
    """

    value: int = 1
    limit: str = "max_events_per_second"
    at: float = 0.0
    lasts: float | None = None
    _before: list[int | None] = field(default_factory=list, init=False, repr=False, compare=False)

    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.ENGINE})

    async def begin(self, world: World) -> None:
        """Raises `StoryFault` for a limit that there is not."""
        self._before.append(self._set(world, self.value))

    async def end(self, world: World) -> None:
        """The limit is what it was; what has been counted until now still counts."""
        self._set(world, self._before.pop())

    def _set(self, world: World, value: int | None) -> int | None:
        frozen = world.engine.set_quirk(_FROZEN, False)
        try:
            return world.engine.set_limit(self.limit, value)
        finally:
            world.engine.set_quirk(_FROZEN, frozen)
