"""Our own server for a recording: a new database, the schema that the recordings expect, the engine over it.

Beside the straight line. Recordings share one PostgreSQL, a database each, but for those that look at what all
databases share or stop it.
"""

import asyncio
import os
import shlex
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from random import Random
from typing import Final

import asyncpg
from aiohttp import web

from harness.backends.account import ended, postgres_account
from harness.backends.cluster import Cluster, start_cluster
from harness.clock import Clock
from harness.errors import PostgresFailed
from harness.fidelity.target import TENANT, Target
from harness.history.op import Op
from harness.history.recorder import Recorder
from harness.realtime.engine import Engine
from harness.realtime.messages_postgres import APPLICATION_NAME, PUBLICATION, SLOT
from harness.realtime.quirks import Quirks
from harness.realtime.tenant import Tenant
from harness.replication.source_postgres import PolledSource
from harness.replication.source_stream import StreamedSource
from harness.tokens import DEVELOPMENT_SECRET

_STOP_S: Final = 10.0
_READY_S: Final = 60.0
_GOODBYE_S: Final = 1.0


class Engines:
    """Makes engines; `open` first, `close` at the end. `schema` is SQL, run in every database."""

    def __init__(self, *, schema: str, clock: Clock, bin_dir: Path | None = None) -> None:
        self._schema = schema
        self._clock = clock
        self._bin_dir = bin_dir
        self._stack = AsyncExitStack()
        self._shared: Cluster
        self._making = asyncio.Lock()
        self._count = 0

    async def open(self) -> None:
        """Start the PostgreSQL that most recordings share."""
        self._shared = await self._stack.enter_async_context(await self._cluster())

    async def close(self) -> None:
        """Stop it, and everything that is left."""
        await self._stack.aclose()

    @asynccontextmanager
    async def engine(self, *, alone: bool, survives: bool = False) -> AsyncIterator[Target]:
        """A server with an empty database, up until the end of the context.

        `alone`: with its own PostgreSQL. `survives`: the node lives on when that is restarted.
        """
        restarted: list[subprocess.Popen[bytes]] = []
        async with AsyncExitStack() as stack:
            cluster = await stack.enter_async_context(await self._cluster()) if alone else self._shared
            database = await self._database(cluster)
            complaints: list[str] = []
            recorder = Recorder(self._clock.now, complaints=(partial(_complain, complaints),), keep=False)
            slot = "supabase_realtime_replication_slot" + ("" if alone else f"_{database}")
            quirks = Quirks(node_ends_with_database=not survives)
            port = await self._serve(stack, cluster, database, slot=slot, recorder=recorder, quirks=quirks)
            yield Target(
                address=("127.0.0.1", port),
                host=f"{TENANT}.localhost:{port}",
                database=cluster.url(database),
                secret=DEVELOPMENT_SECRET,
                restart=partial(self._restart, cluster, restarted) if alone else None,
                complaints=complaints,
            )

        for process in restarted:
            await ended(process, self._clock, within=_STOP_S)

    async def _restart(self, cluster: Cluster, restarted: list[subprocess.Popen[bytes]]) -> None:
        restarted.append(await restart(cluster.data_dir, self._clock))

    async def _cluster(self) -> Cluster:
        return await start_cluster(bin_dir=self._bin_dir, clock=self._clock)

    async def _database(self, cluster: Cluster) -> str:
        """A new database with the schema; one after the other, as roles are made for the whole cluster."""
        async with self._making:
            self._count += 1
            name = f"recording_{self._count}"
            await _execute(cluster.url(), f"create database {name}")
            await _execute(cluster.url(name), self._schema)
        return name

    async def _serve(
        self, stack: AsyncExitStack, cluster: Cluster, database: str, *, slot: str, recorder: Recorder, quirks: Quirks
    ) -> int:
        """The engine over a database, until the stack is closed; its port."""
        tenant = Tenant(jwt_secret=DEVELOPMENT_SECRET, external_id=TENANT, quirks=quirks)
        url = cluster.url(database)
        engine = Engine(
            tenant=tenant,
            url=url,
            open_changes=lambda: PolledSource(url, slot=slot, publication=tenant.feed, clock=self._clock),
            open_messages=lambda: StreamedSource(
                cluster.socket_dir,
                cluster.port,
                database=database,
                slot=f"{SLOT}{database}",
                publication=PUBLICATION,
                application_name=APPLICATION_NAME,
            ),
            clock=self._clock,
            rng=Random(self._count),
            recorder=recorder,
        )
        stack.push_async_callback(engine.close)
        await engine.prepare()
        await engine.open()
        return await engine.serve(
            web.Application(), lambda runner: web.TCPSite(runner, "127.0.0.1", 0), goodbye_s=_GOODBYE_S
        )


def _complain(complaints: list[str], op: Op) -> None:
    complaints.append(f"{op.f} {op.type}: {op.error}")


async def _execute(url: str, sql: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


async def restart(data: Path, clock: Clock) -> subprocess.Popen[bytes]:
    """Crash a PostgreSQL and start it again with the command that it was started with; return when it is ready.

    Stopping its cluster stops the new one, too; the caller then asks for the exit status of what is returned.
    """
    file = data / "postmaster.pid"
    command = shlex.split((data / "postmaster.opts").read_text())
    os.kill(int(file.read_text().split()[0]), signal.SIGQUIT)
    deadline = clock.now() + _STOP_S
    while file.exists() and clock.now() < deadline:
        await clock.sleep(0.005)
    process = postgres_account().spawn(command, output=subprocess.DEVNULL)
    deadline = clock.now() + _READY_S
    while not _is_ready(file):
        if clock.now() > deadline or await ended(process, clock, within=0.005) is not None:
            raise PostgresFailed("postgres", "it did not come up again after a restart")
    return process


def _is_ready(file: Path) -> bool:
    try:
        lines = file.read_text().splitlines()
    except OSError:  # not written yet
        return False
    return len(lines) >= 8 and lines[7].strip() == "ready"
