"""A world that does nothing and keeps what it was asked to do, in order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from harness.clock import Clock
from harness.errors import StackError
from harness.faults.fault import AppControl, Capability, Engine, FrameFault, Machine
from tests.instant import InstantClock

Done = tuple[Any, ...]


@dataclass(kw_only=True)
class RecordingWorld:
    """`answers` are the rows that a statement which contains the key gives; `breaks` are statements that fail.

    `limits` and `quirks` are those of its engine.
    """

    capabilities: frozenset[Capability] = frozenset(Capability)
    answers: dict[str, list[Mapping[str, Any]]] = field(default_factory=dict)
    breaks: set[str] = field(default_factory=set)
    done: list[Done] = field(default_factory=list)
    schema: str = "public"
    publication: str = "supabase_realtime"
    factor: float = 1.0
    limits: dict[str, int | None] = field(default_factory=dict)
    quirks: dict[str, bool] = field(default_factory=dict)
    clock: Clock = field(default_factory=InstantClock)
    rng: Random = field(default_factory=lambda: Random(1))

    @property
    def engine(self) -> Engine:
        return RecordingEngine(self)

    @property
    def app(self) -> AppControl:
        return RecordingApp(self.done)

    def real_seconds(self, seconds: float) -> float:
        return seconds / self.factor

    async def sql(self, statement: str, *arguments: Any, session: str = "main") -> Sequence[Mapping[str, Any]]:
        elsewhere = () if session == "main" else (session,)
        self.done.append(("sql", " ".join(statement.split()), *arguments, *elsewhere))
        if any(part in statement for part in self.breaks):
            raise StackError("the database did not do it")
        return next((rows for part, rows in self.answers.items() if part in statement), [])

    async def restart_database(self) -> None:
        self.done.append(("restart_database",))

    def machine(self, reader: str) -> Machine:
        return RecordingMachine(reader, self.done)

    def statements(self) -> list[str]:
        """The SQL alone."""
        return [each[1] for each in self.done if each[0] == "sql"]


class RecordingMachine:
    def __init__(self, reader: str, done: list[Done]) -> None:
        self._reader = reader
        self._done = done

    def throttle(self, seconds: float | None) -> None:
        self._done.append(("throttle", self._reader, seconds))

    def freeze(self) -> None:
        self._done.append(("freeze", self._reader))

    def thaw(self) -> None:
        self._done.append(("thaw", self._reader))

    def begin(self, fault: FrameFault) -> None:
        self._done.append(("begin", self._reader, fault))

    def end(self, fault: FrameFault) -> None:
        self._done.append(("end", self._reader, fault))

    def refresh_tokens(self, able: bool) -> None:
        self._done.append(("refresh_tokens", self._reader, able))


class RecordingEngine:
    def __init__(self, world: RecordingWorld) -> None:
        self._world = world
        self._done = world.done

    async def crash_cdc(self, *, notify: bool) -> None:
        self._done.append(("crash_cdc", notify))

    async def restore_cdc(self) -> None:
        self._done.append(("restore_cdc",))

    def hold_ready(self, seconds: float | None) -> None:
        self._done.append(("hold_ready", seconds))

    def refuse_plugin(self, refused: bool) -> None:
        self._done.append(("refuse_plugin", refused))

    def set_limit(self, name: str, value: int | None) -> int | None:
        self._done.append(("set_limit", name, value))
        before = self._world.limits.get(name)
        self._world.limits[name] = value
        return before

    def set_quirk(self, name: str, on: bool) -> bool:
        self._done.append(("set_quirk", name, on))
        before = self._world.quirks.get(name, True)
        self._world.quirks[name] = on
        return before

    async def close_sockets(self, code: int) -> None:
        self._done.append(("close_sockets", code))

    async def admit_stranger(self, element: Mapping[str, Any]) -> None:
        self._done.append(("admit_stranger", dict(element)))

    def dismiss_stranger(self) -> None:
        self._done.append(("dismiss_stranger",))


class RecordingApp:
    def __init__(self, done: list[Done]) -> None:
        self._done = done

    def jump_clock(self, seconds: float) -> None:
        self._done.append(("jump_clock", seconds))

    async def stop(self, *, grace: bool) -> None:
        self._done.append(("stop", grace))
