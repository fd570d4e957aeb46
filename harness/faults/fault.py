"""What can go wrong: the two kinds of fault, what may become of a frame, and the world that a fault acts on.

A fault is a frozen dataclass. `at` and `lasts` say when the nemesis begins and ends it, in seconds of the story; a
fault that a story begins itself (`gen.begin`, `gen.end`) leaves them alone.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Any, ClassVar, Final, Protocol, Self, runtime_checkable

from harness.clock import Clock


class Direction(StrEnum):
    """Which way a frame goes."""

    TO_SERVER = "to_server"
    TO_CLIENT = "to_client"


TEXT: Final = 1
BINARY: Final = 2
"""Opcodes of RFC 6455; 8, 9 and 10 are close, ping and pong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One WebSocket frame on a link, unmasked. `number` counts the frames of its direction from 1."""

    link: str
    direction: Direction
    opcode: int
    payload: bytes
    number: int = 0

    def message(self) -> Mapping[str, Any]:
        """`topic`, `event`, `ref`, `join_ref`, `payload` of a Phoenix text frame of either vsn; {} if it is none."""
        if self.opcode != TEXT:
            return {}
        try:
            told = json.loads(self.payload)
        except ValueError:
            return {}
        if isinstance(told, list) and len(told) == 5:
            return dict(zip(("join_ref", "ref", "topic", "event", "payload"), told, strict=True))
        return told if isinstance(told, dict) else {}

    def is_change(self) -> bool:
        """Whether it carries a row change to a client."""
        return self.message().get("event") == "postgres_changes"


class Kind(StrEnum):
    """What may become of a frame."""

    PASS = "pass"
    DROP = "drop"
    DELAY = "delay"
    DUPLICATE = "duplicate"
    REPLACE = "replace"
    CLOSE = "close"
    CUT = "cut"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What becomes of one frame; made by the constants and class methods.

    A delayed frame lets later ones overtake it. `CLOSE` sends both sides a close frame with `code`; `CUT` breaks
    the connection without one.
    """

    PASS: ClassVar["Fate"]
    DROP: ClassVar["Fate"]
    CUT: ClassVar["Fate"]

    kind: Kind
    seconds: float = 0.0
    copies: int = 1
    payload: bytes = b""
    code: int = 1000

    @classmethod
    def delay(cls, seconds: float) -> Self:
        return cls(kind=Kind.DELAY, seconds=seconds)

    @classmethod
    def duplicate(cls, copies: int = 1) -> Self:
        """The frame, and so many more of it at once."""
        return cls(kind=Kind.DUPLICATE, copies=copies)

    @classmethod
    def replace(cls, payload: bytes) -> Self:
        return cls(kind=Kind.REPLACE, payload=payload)

    @classmethod
    def close(cls, code: int) -> Self:
        return cls(kind=Kind.CLOSE, code=code)


Fate.PASS = Fate(kind=Kind.PASS)
Fate.DROP = Fate(kind=Kind.DROP)
Fate.CUT = Fate(kind=Kind.CUT)


class Admission(StrEnum):
    """What a link does with new connections, HTTP too, while a fault holds: let in, refuse, or take and ignore."""

    PASS = "pass"
    REFUSE = "refuse"
    SILENT = "silent"


EVERY: Final = "*"
"""As `link`: the links of all readers."""


@runtime_checkable
class FrameFault(Protocol):
    """A fault of one link: a reader's connections, of WebSocket and HTTP. Pure; the proxy carries it out.

    `admission` is for connections that begin while it holds; `onset` is what befalls those that stand when it begins:
    nothing (`PASS`), a close frame with its code (`CLOSE`), or to be broken (`CUT`).
    `bytes_per_s` is how fast a client takes what is sent to it, None as fast as it can.
    """

    @property
    def link(self) -> str: ...
    @property
    def at(self) -> float: ...
    @property
    def lasts(self) -> float | None: ...
    @property
    def admission(self) -> Admission: ...
    @property
    def onset(self) -> Fate: ...
    @property
    def bytes_per_s(self) -> float | None: ...

    def fate(self, frame: Frame, rng: Random) -> Fate: ...


class Capability(StrEnum):
    """What a backend and a client let a fault do; what is missing makes the run unknown."""

    LINKS = "links"
    """Readers are reached through our proxy: every backend, every client."""
    MACHINES = "machines"
    """The timers of a reader can be bent: the native client only."""
    SQL = "sql"
    """The database takes statements of a superuser."""
    RESTART = "restart"
    """The database can be restarted."""
    ENGINE = "engine"
    """The Realtime server is ours, in this process."""
    APP = "app"
    """The application runs in this process."""


class Machine(Protocol):
    """The computer on which one reader's browser runs: its timers, its network, its sign-in."""

    def throttle(self, seconds: float | None) -> None:
        """Timers fire once in so many seconds; None: as they should."""
        ...

    def freeze(self) -> None:
        """It sleeps: no timer fires, nothing is read."""
        ...

    def thaw(self) -> None: ...

    def begin(self, fault: FrameFault) -> None:
        """Put a fault on its link."""
        ...

    def end(self, fault: FrameFault) -> None: ...

    def refresh_tokens(self, able: bool) -> None:
        """Whether it can get new tokens: not while the sign-in server cannot be reached."""
        ...


class Engine(Protocol):
    """What can be done to our own Realtime server, in seconds of its clock."""

    async def crash_cdc(self, *, notify: bool) -> None:
        """End the worker that reads changes; without `notify` no channel hears of it, and nobody starts it anew."""
        ...

    async def restore_cdc(self) -> None: ...

    def hold_ready(self, seconds: float | None) -> None:
        """From now on a channel's subscription takes so long after its join reply; None: as usual."""
        ...

    def refuse_plugin(self, refused: bool) -> None:
        """Whether the database refuses the output plugin when a slot is made."""
        ...

    def set_limit(self, name: str, value: int | None) -> int | None:
        """Change one of `realtime.plans.Limits`, as the admin API does; returns what it was."""
        ...

    def set_quirk(self, name: str, on: bool) -> bool:
        """Turn one of `realtime.quirks.Quirks` on or off from now on; returns what it was."""
        ...

    async def close_sockets(self, code: int) -> None:
        """Close every socket with that code, as a deploy does."""
        ...

    async def admit_stranger(self, element: Mapping[str, Any]) -> None:
        """Subscribe a second client, of role `authenticated`, to one element of `postgres_changes`."""
        ...

    def dismiss_stranger(self) -> None:
        """That client leaves."""
        ...


class AppControl(Protocol):
    """What can be done to the application under test."""

    def jump_clock(self, seconds: float) -> None:
        """Set its wall clock forward or back."""
        ...

    async def stop(self, *, grace: bool) -> None:
        """End its flows; with `grace` it may flush what it holds, without it is killed as by SIGKILL."""
        ...


SESSIONS: Final = "harness_nemesis"
"""The `application_name` of a world's own sessions."""


class World(Protocol):
    """What a world fault acts on. What is not among the `capabilities` raises `FaultUnsupported`."""

    @property
    def capabilities(self) -> frozenset[Capability]: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def rng(self) -> Random: ...
    @property
    def schema(self) -> str: ...
    @property
    def publication(self) -> str: ...
    @property
    def engine(self) -> Engine: ...
    @property
    def app(self) -> AppControl: ...

    def real_seconds(self, seconds: float) -> float:
        """How long so many seconds of the clock take in the database, whose own clock no time factor reaches."""
        ...

    async def sql(self, statement: str, *arguments: Any, session: str = "main") -> Sequence[Mapping[str, Any]]:
        """Run one statement as superuser, in the session of that name while that lasts; its rows."""
        ...

    async def restart_database(self) -> None:
        """Stop PostgreSQL at once and start it on the same data; returns when it takes connections."""
        ...

    def machine(self, reader: str) -> Machine:
        """The computer of a reader of the story."""
        ...


@runtime_checkable
class WorldFault(Protocol):
    """A fault of a database, a server, an application or a user's machine. `needs` is what it cannot do without.

    `begin` and `end` are called once each; `end` restores what can be restored. What they must remember between
    the two, they find out anew or keep in a field that takes no part in comparison.
    """

    @property
    def at(self) -> float: ...
    @property
    def lasts(self) -> float | None: ...
    @property
    def needs(self) -> frozenset[Capability]: ...

    async def begin(self, world: World) -> None: ...

    async def end(self, world: World) -> None: ...


Fault = FrameFault | WorldFault
