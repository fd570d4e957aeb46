"""Our Realtime server over a database in which nothing happens: sockets, joins and subscriptions, but no rows."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import Final

from aiohttp import web

from harness.clock import SystemClock
from harness.history.recorder import Recorder
from harness.realtime.auth import Claims
from harness.realtime.quirks import Quirks
from harness.realtime.server import RealtimeServer
from harness.realtime.subscription import Binding, Refused, Subscriber, Subscription, Wanted
from harness.realtime.tenant import Tenant
from harness.realtime.visibility import Judgement, Question
from harness.realtime.worker import Worker
from harness.replication.source import Batch

CLOCK: Final = SystemClock()
PROMPT: Final = Quirks(slow_connect_refusal=False, slow_join_refusal=False, cold_worker_delay=False)
"""Without the delays on purpose."""


class Silence:
    """Takes every subscription, and has a slot that gives nothing."""

    async def subscribe(
        self, subscriber: Subscriber, wanted: Sequence[tuple[Binding, Wanted]], claims: Claims
    ) -> tuple[Subscription, ...] | Refused:
        return ()

    async def judge(self, questions: Sequence[Question]) -> tuple[Judgement, ...]:
        return ()

    async def clear(self) -> None:
        return None

    async def remove(self, rows: Sequence[int]) -> None:
        return None

    async def server_began(self) -> str:
        return "today"

    async def published(self) -> frozenset[int]:
        return frozenset({1})

    async def release(self, slot: str) -> None:
        return None

    async def open(self) -> None:
        return None

    async def read(self) -> Batch:
        await asyncio.Event().wait()
        raise AssertionError

    async def close(self) -> None:
        return None


@asynccontextmanager
async def a_silent_server(
    tenant: Tenant, *, api_secret: str | None = None
) -> AsyncIterator[tuple[RealtimeServer, int]]:
    """The server and the port of the loopback on which it listens."""
    recorder = Recorder(CLOCK.now, keep=False)
    worker = Worker(
        tenant=tenant,
        visibility=Silence(),
        open_source=Silence,
        clock=CLOCK,
        rng=Random(1),
        recorder=recorder,
        instant=True,
    )
    server = RealtimeServer(tenant=tenant, worker=worker, recorder=recorder, clock=CLOCK, api_secret=api_secret)
    app = web.Application()
    app.add_routes(server.routes())
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port: int = runner.addresses[0][1]
    try:
        yield server, port
    finally:
        await server.close()
        await worker.close()
        await runner.cleanup()
