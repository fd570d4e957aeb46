"""Where a story runs: the interface of backends."""

from collections.abc import Mapping
from random import Random
from typing import Protocol

from harness.backends.environment import Environment
from harness.faults.fault import Machine, World
from harness.pipeline.backend_app import Application
from harness.pipeline.store import Store

__all__ = ["Backend", "Environment"]


class Backend(Protocol):
    """One stack. `hops` are those that it can observe; a report names stretches where some are missing."""

    @property
    def name(self) -> str: ...

    @property
    def hops(self) -> frozenset[str]: ...

    @property
    def versions(self) -> Mapping[str, str]:
        """What runs, for the history's header; known after `start`."""
        ...

    @property
    def environment(self) -> Environment:
        """How to reach the stack; known after `start`."""
        ...

    @property
    def application(self) -> Application:
        """The application whose flows this run started; known after `start`."""
        ...

    @property
    def store(self) -> Store:
        """The application's tables; known after `start`."""
        ...

    async def start(self) -> None:
        """Bring everything up and return when it is ready; raises `StackError`, and then nothing is left."""
        ...

    def world(self, *, machines: Mapping[str, Machine], links: bool, rng: Random) -> World:
        """What faults act on, after `start`: `machines` are those of the readers, `links` lead through our proxy."""
        ...

    async def census(self) -> Mapping[str, int]:
        """What the Realtime server keeps, by kind, as far as it can be seen here."""
        ...

    async def clean_up(self) -> int:
        """Run the application's daily cleanup job once; how many rows it deleted."""
        ...

    async def quiet(self, *, timeout: float) -> bool:
        """Whether, within `timeout` seconds, all that is committed so far was also seen by the witness."""
        ...

    async def stop(self) -> None:
        """Take everything down; nothing is left behind. Safe to call twice."""
        ...
