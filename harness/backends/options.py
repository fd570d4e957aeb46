"""What a stack is asked to be: the stack options of contract 2 as one value."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from harness.realtime.plans import Plan

Cadence = Literal["real", "instant"]
BackendName = Literal["embedded", "compose"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StackOptions:
    """`port` 0 takes a free one. `pace` divides the application's waiting times, never the server's.

    `jwt_secret` signs and checks all tokens. `pg_bin` is the folder of PostgreSQL's programs, None to look for
    them. `publication` is the one that the Realtime server reads, `limits` the plan whose limits it keeps. `app` is
    the application under test, `debounce` the policy that it is given in place of its own.
    """

    backend: BackendName = "embedded"
    cadence: Cadence = "real"
    limits: Plan = "selfhost"
    host: str = "127.0.0.1"
    port: int = 0
    schema: str = "public"
    jwt_secret: str = field(repr=False)
    pg_bin: Path | None = None
    pace: float = 1.0
    publication: str = "supabase_realtime"
    app: str = "reference"
    debounce: str | None = None
