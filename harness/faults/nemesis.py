"""Who begins and ends faults, and tells the history: the actor `nemesis`."""

import asyncio
import re
from collections.abc import Awaitable, Iterable, Mapping
from contextlib import suppress
from dataclasses import fields
from typing import Any, Final, Protocol

from harness.clock import within
from harness.errors import FaultUnsupported, StoryFault
from harness.faults.fault import EVERY, Capability, Fault, FrameFault, World, WorldFault
from harness.history import Recorder
from harness.history.op import Type

ACTOR: Final = "nemesis"


class Links(Protocol):
    """Who carries out faults of frames: our proxy. `names` are the links that there have been."""

    @property
    def names(self) -> frozenset[str]: ...

    def begin(self, fault: FrameFault) -> None: ...

    def end(self, fault: FrameFault) -> None: ...


class Nemesis:
    """Carries out faults on a world, and on the readers' links if there are any; each is told as `fault`.

    The times of faults are the story's own, and divided by `pace` like those of its steps.
    """

    def __init__(self, world: World, links: Links | None, recorder: Recorder, *, pace: float = 1.0) -> None:
        self._world = world
        self._links = links
        self._recorder = recorder
        self._pace = pace
        self._holding: list[Fault] = []
        self._timed: list[asyncio.Task[None]] = []
        self._failed: list[Exception] = []
        self._over = asyncio.Event()
        self._aims: set[str] = set()

    async def begin(self, fault: Fault) -> None:
        """Begin it; raises `FaultUnsupported`, or what went wrong, after telling so."""
        self._holding.append(fault)  # before: what is cancelled half-way must be ended, too
        try:
            await self._tried(fault, self._begin(fault))
        except Exception as error:
            self._holding.remove(fault)
            await self._undo(fault, error)
            raise
        self._tell(fault, "invoke")

    async def end(self, fault: Fault) -> None:
        """End it; one that does not hold is left alone. Raises what went wrong, after telling so."""
        if fault not in self._holding:
            return
        self._holding.remove(fault)
        await self._tried(fault, self._end(fault))
        self._tell(fault, "ok")

    def schedule(self, faults: Iterable[Fault]) -> None:
        """Begin and end each at its time from now on; what goes wrong is raised by `close`."""
        for fault in faults:
            self._timed.append(asyncio.create_task(self._at_its_time(fault), name=f"fault {name_of(fault)}"))

    async def close(self) -> None:
        """Begin nothing more and end what still holds, in reverse order; what is being done now is done first.

        Raises the first thing that went wrong, with a scheduled fault or here. Safe to call twice.
        """
        self._over.set()
        timed, self._timed = self._timed, []
        await asyncio.gather(*timed)
        for fault in reversed(self._holding.copy()):
            try:
                await self.end(fault)
            except Exception as error:
                self._failed.append(error)
        failed, self._failed = self._failed, []
        failed += self._aimless()
        if failed:
            raise failed[0]

    def _aimless(self) -> list[Exception]:
        """A link that nobody ever had: whoever wrote the story meant another one."""
        known = self._links.names if self._links is not None else frozenset()
        aims, self._aims = sorted(self._aims - known - {EVERY}), set()
        there = ", ".join(sorted(known)) or "none"
        return [StoryFault(f"a fault held on the link of {aim!r}, which nobody has; links: {there}") for aim in aims]

    async def _at_its_time(self, fault: Fault) -> None:
        try:
            if not await self._passed(fault.at):
                return
            await self.begin(fault)
            if fault.lasts is not None and await self._passed(fault.lasts):
                await self.end(fault)
        except Exception as error:
            self._failed.append(error)

    async def _passed(self, seconds: float) -> bool:
        """Whether so many seconds of the story have passed before all was over."""
        try:
            async with within(self._world.clock, seconds / self._pace):
                await self._over.wait()
        except TimeoutError:
            return True
        return False

    async def _begin(self, fault: Fault) -> None:
        if not isinstance(fault, WorldFault):
            self._aims.add(fault.link)
            return self._carrier(fault).begin(fault)
        missing = sorted(fault.needs - self._world.capabilities)
        if missing:
            raise FaultUnsupported(name_of(fault), " and ".join(missing), "this backend")
        await fault.begin(self._world)

    async def _undo(self, fault: Fault, error: Exception) -> None:
        """Take back what was half begun, as far as can be; what went wrong is told already."""
        if isinstance(fault, WorldFault) and not isinstance(error, FaultUnsupported):
            with suppress(Exception):
                await fault.end(self._world)

    async def _end(self, fault: Fault) -> None:
        if not isinstance(fault, WorldFault):
            return self._carrier(fault).end(fault)
        await fault.end(self._world)

    def _carrier(self, fault: FrameFault) -> Links:
        if self._links is None:
            raise FaultUnsupported(
                name_of(fault),
                "readers that are reached through our proxy",
                "this run",
                cure="have a scenario begin it: `harness run`, or the fixture `run`",
            )
        return self._links

    async def _tried(self, fault: Fault, work: Awaitable[None]) -> None:
        try:
            await work
        except Exception as error:
            self._tell(fault, "fail", error=str(error) or type(error).__name__)
            raise

    def _tell(self, fault: Fault, type: Type, *, error: str | None = None) -> None:
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
    return Capability.LINKS in fault.needs if isinstance(fault, WorldFault) else True


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    return value if value is None or isinstance(value, str | int | float) else str(value)
