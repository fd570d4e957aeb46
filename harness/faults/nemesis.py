"""Who begins and ends faults, and tells the history: the actor `nemesis`."""

import asyncio
import re
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any, Final, Protocol

from harness.errors import FaultUnsupported
from harness.faults.fault import Capability, Fault, FrameFault, World, WorldFault
from harness.history import Recorder

ACTOR: Final = "nemesis"


class Links(Protocol):
    """Who carries out faults of frames: our proxy."""

    def begin(self, fault: FrameFault) -> None: ...

    def end(self, fault: FrameFault) -> None: ...


class Nemesis:
    """Carries out faults on a world, and on the readers' links if there are any; each is told as `fault`."""

    def __init__(self, world: World, links: Links | None, recorder: Recorder) -> None:
        self._world = world
        self._links = links
        self._recorder = recorder
        self._holding: list[Fault] = []
        self._timed: list[asyncio.Task[None]] = []
        self._failed: list[Exception] = []

    async def begin(self, fault: Fault) -> None:
        """Begin it; raises `FaultUnsupported`, or what went wrong, after telling so."""
        try:
            if isinstance(fault, WorldFault):
                self._need(fault)
                await fault.begin(self._world)
            else:
                self._carrier(fault).begin(fault)
        except Exception as error:
            self._tell(fault, "fail", str(error) or type(error).__name__)
            raise
        self._holding.append(fault)
        self._tell(fault, "invoke")

    async def end(self, fault: Fault) -> None:
        """End it; one that does not hold is left alone."""
        if fault not in self._holding:
            return
        self._holding.remove(fault)
        try:
            if isinstance(fault, WorldFault):
                await fault.end(self._world)
            else:
                self._carrier(fault).end(fault)
        except Exception as error:
            self._tell(fault, "fail", str(error) or type(error).__name__)
            raise
        self._tell(fault, "ok")

    def schedule(self, faults: Iterable[Fault]) -> None:
        """Begin and end each at its time from now on."""
        for fault in faults:
            self._timed.append(asyncio.create_task(self._at_its_time(fault), name=f"fault {name_of(fault)}"))

    async def close(self) -> None:
        """End what still holds, in reverse order; raises the first thing that went wrong with a scheduled fault."""
        timed, self._timed = self._timed, []
        for task in timed:
            task.cancel()
        await asyncio.gather(*timed, return_exceptions=True)
        for fault in reversed(self._holding.copy()):
            await self.end(fault)
        if self._failed:
            raise self._failed[0]

    async def _at_its_time(self, fault: Fault) -> None:
        try:
            await self._world.clock.sleep(fault.at)
            await self.begin(fault)
            if fault.lasts is not None:
                await self._world.clock.sleep(fault.lasts)
                await self.end(fault)
        except Exception as error:
            self._failed.append(error)

    def _need(self, fault: WorldFault) -> None:
        missing = sorted(fault.needs - self._world.capabilities)
        if missing:
            raise FaultUnsupported(name_of(fault), " and ".join(missing), "this backend")

    def _carrier(self, fault: FrameFault) -> Links:
        if self._links is None:
            raise FaultUnsupported(name_of(fault), "readers that are reached through our proxy", "this run")
        return self._links

    def _tell(self, fault: Fault, type: Any, error: str | None = None) -> None:
        self._recorder.record(ACTOR, "fault", {"fault": name_of(fault), **told(fault)}, type=type, error=error)


def name_of(fault: Fault) -> str:
    """The file that defines it, as in docs: `BlackHole` is `black_hole`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(fault).__name__).lower()


def told(fault: Fault) -> Mapping[str, Any]:
    """Its fields as plain values, without its times."""
    values = {field.name: getattr(fault, field.name) for field in fields(fault) if field.repr}  # type: ignore[arg-type]
    return {key: _plain(value) for key, value in values.items() if key not in ("at", "lasts")}


def needs_links(fault: Fault) -> bool:
    """Whether readers must be reached through the proxy for it."""
    return isinstance(fault, FrameFault) if not isinstance(fault, WorldFault) else Capability.LINKS in fault.needs


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value if isinstance(value, str | int | float) else str(value)
