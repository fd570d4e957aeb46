"""Where a story runs: the interface of backends and the environment that each hands out."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Protocol, Self

from harness.errors import UsageError
from harness.pipeline.backend_app import Application
from harness.pipeline.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """How to reach a stack: the variables of contract 3. Keys and passwords are secrets: never in a report."""

    api_url: str
    db_url: str
    anon_key: str
    service_role_key: str
    jwt_secret: str
    realtime_url: str
    realtime_http_url: str
    app_url: str
    harness_backend: str

    def variables(self) -> Mapping[str, str]:
        """Name → value, with the names of contract 3."""
        return {field.name.upper(): getattr(self, field.name) for field in fields(self)}

    def lines(self) -> str:
        """One `KEY="value"` a line, as `harness up` prints it and `--env-file` reads it."""
        return "".join(f'{key}="{value}"\n' for key, value in self.variables().items())

    @classmethod
    def parse(cls, text: str) -> Self:
        """From such lines; comments and unknown keys are skipped; raises `UsageError` naming what is missing."""
        found = dict(_assignments(text))
        missing = [field.name.upper() for field in fields(cls) if field.name.upper() not in found]
        if missing:
            raise UsageError(f"the environment file has no {', '.join(missing)}: use what `harness up` printed")
        return cls(**{field.name: found[field.name.upper()] for field in fields(cls)})


def _assignments(text: str) -> list[tuple[str, str]]:
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line and not line.lstrip().startswith("#"))
    return [(key.strip().removeprefix("export "), "".join(shlex.split(value))) for key, _, value in pairs]


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

    async def quiet(self, *, timeout: float) -> bool:
        """Whether, within `timeout` seconds, all that is committed so far was also seen by the witness."""
        ...

    async def stop(self) -> None:
        """Take everything down; nothing is left behind. Safe to call twice."""
        ...
