"""The stack that is measured: `harness up --limits off` in a process of its own, as a user runs it."""

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from uuid import UUID, uuid5

import asyncpg
import jwt

from bench.child import ROOT, BenchError, Child
from harness.backends.options import Cadence
from harness.tokens import user_id

_GOODBYE_S: Final = 15.0
_ROUND_S: Final = 0.004
OWNER: Final = user_id("bench")


class Stack:
    """Use as a context manager. `ready_s` is how long `harness up` took, from its start to its line on stdout."""

    def __init__(self, cadence: Cadence, *, profile: Path | None = None) -> None:
        """With `profile`, cProfile watches the engine and writes there when the stack ends."""
        self.cadence: Final = cadence
        self.ready_s = 0.0
        self.environment: dict[str, str] = {}
        self._profile = profile
        self._process: asyncio.subprocess.Process
        self._connection: asyncpg.Connection

    @property
    def pid(self) -> int:
        """The engine's process."""
        return self._process.pid

    def cpu_s(self) -> float:
        """The processor time that the engine's process has taken until now; 0 where there is no /proc."""
        if sys.platform != "linux":
            return 0.0
        # The name of the program, in brackets, may hold anything: the numbers stand behind it.
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    async def backend_pid(self) -> int:
        """The process of PostgreSQL that serves the connection of this object."""
        return int(await self._connection.fetchval("select pg_backend_pid()"))

    async def facts(self) -> dict[str, str]:
        """What a figure depends on, in PostgreSQL's own words."""
        indexes = await self._connection.fetchval(
            "select count(*) from pg_indexes where schemaname = 'public' and tablename = 'process_events'"
        )
        asked = {
            "postgresql": "server_version",
            "fsync": "fsync",
            "synchronous_commit": "synchronous_commit",
            "shared_buffers": "shared_buffers",
        }
        told = {name: str(await self._connection.fetchval(f"show {setting}")) for name, setting in asked.items()}
        return {**told, "indexes of process_events": str(indexes)}

    async def new_process(self) -> UUID:
        """The id of an article of `OWNER`, without events."""
        sql = "insert into public.generated_articles_state (user_id) values ($1) returning id"
        return UUID(str(await self._connection.fetchval(sql, OWNER)))

    async def row_security(self, *, on: bool) -> None:
        """Switch it for `process_events`; the policies stay."""
        await self._connection.execute(
            f"alter table public.process_events {'enable' if on else 'disable'} row level security"
        )

    async def written_at(self, process_id: UUID) -> dict[int, float]:
        """For each event of a process, when it was written by the database's clock."""
        sql = (
            "select event_sequence, extract(epoch from published_at)::float8 as at"
            " from public.process_events where process_id = $1"
        )
        return {row["event_sequence"]: row["at"] for row in await self._connection.fetch(sql, process_id)}

    def readers(self, count: int, process_id: UUID, *, at_once: bool = False) -> Child:
        """`count` subscribers of a process, not yet joined, each with claims of its own.

        They read in rounds of 4 ms, `at_once` as soon as something comes: for latencies.
        """
        plan = {
            "url": self.environment["REALTIME_URL"],
            "apikey": self.environment["ANON_KEY"],
            "tokens": [self._token(number) for number in range(count)],
            "process_id": str(process_id),
            "round_s": 0.0 if at_once else _ROUND_S,
        }
        return Child("bench.readers", plan)

    def writer(self, process_id: UUID) -> Child:
        """Who writes events of a process."""
        return Child("bench.writer", {"db_url": self.environment["DB_URL"], "process_id": str(process_id)})

    async def warm_up(self) -> None:
        """Let one subscriber come and go: from then on the worker has its slot."""
        async with self.readers(1, await self.new_process()) as one:
            await one.ask(do="join")

    def _token(self, number: int) -> str:
        """A session of the owner: same `sub`, its own `session_id`, as in a project with several devices."""
        claims = {
            "role": "authenticated",
            "sub": str(OWNER),
            "session_id": str(uuid5(OWNER, str(number))),
            "exp": int(time.time()) + 3600,
        }
        return jwt.encode(claims, self.environment["JWT_SECRET"], algorithm="HS256")

    async def __aenter__(self) -> Self:
        watched = [] if self._profile is None else ["-m", "cProfile", "-o", str(self._profile.resolve())]
        command = [sys.executable, *watched, "-m", "harness.cli", "up", "--json"]
        command += ["--cadence", self.cadence, "--limits", "off"]
        began = time.monotonic()
        self._process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, cwd=ROOT)
        try:
            assert self._process.stdout is not None
            line = await self._process.stdout.readline()
            self.ready_s = time.monotonic() - began
            if not line:
                raise BenchError("`harness up` has ended; it says why above")
            self.environment = json.loads(line)
            self._connection = await asyncpg.connect(self.environment["DB_URL"])
        except BaseException:
            await self._end()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._connection.close()
        await self._end()

    async def _end(self) -> None:
        if self._process.returncode is None:
            self._process.terminate()
        try:
            await asyncio.wait_for(self._process.communicate(), _GOODBYE_S)
        except TimeoutError:
            self._process.kill()
            await self._process.communicate()
