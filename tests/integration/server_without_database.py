"""Our Realtime server without a database: enough for what sockets say to each other."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from aiohttp import web

from harness.clock import SystemClock
from harness.history.recorder import Recorder
from harness.realtime.auth import Claims
from harness.realtime.limits import TenantLimits
from harness.realtime.plans import PLANS, Limits
from harness.realtime.quirks import Quirks
from harness.realtime.server import RealtimeServer
from harness.realtime.subscription import Binding, Refused, Subscriber, Subscription, Wanted
from harness.realtime.tenant import Tenant
from harness.realtime.visibility import Judgement, Question
from harness.realtime.worker import Worker
from harness.replication.source import ChangeSource
from harness.tokens import DEVELOPMENT_SECRET, mint

CLOCK: Final = SystemClock()
FAST: Final = Quirks(slow_connect_refusal=False, slow_join_refusal=False)


class NoDatabase:
    """Nobody asks for changes here."""

    async def subscribe(
        self, subscriber: Subscriber, wanted: Sequence[tuple[Binding, Wanted]], claims: Claims
    ) -> tuple[Subscription, ...] | Refused:
        raise AssertionError("no channel of these tests wants changes")

    async def judge(self, questions: Sequence[Question]) -> tuple[Judgement, ...]:
        raise AssertionError("there are no changes")

    async def clear(self) -> None:
        raise AssertionError("there are no rows")

    async def remove(self, rows: Sequence[int]) -> None:
        raise AssertionError("there are no rows")

    async def server_began(self) -> str:
        return "today"

    async def published(self) -> frozenset[int]:
        raise AssertionError("there are no tables")

    async def release(self, slot: str) -> None:
        raise AssertionError("there is no slot")


def no_source() -> ChangeSource:
    raise AssertionError("there are no changes")


@dataclass(kw_only=True)
class Running:
    """A server that listens on `port` of the loopback; `bitten` is set when a limit has bitten."""

    port: int
    limits: TenantLimits
    recorder: Recorder
    bitten: asyncio.Event

    def url(self, *, vsn: str = "2.0.0", link: str = "c") -> str:
        """Where a socket with a good token is let in."""
        return f"{self.root()}/websocket?apikey={self.key()}&vsn={vsn}&link={link}"

    def root(self) -> str:
        """What the official clients are given."""
        return f"ws://127.0.0.1:{self.port}/socket"

    def key(self) -> str:
        return mint(DEVELOPMENT_SECRET, role="anon", wall=CLOCK.wall())

    def bites(self) -> list[dict[str, Any]]:
        """What the history says of limits."""
        ops = self.recorder.ops()
        return [dict(op.value) for op in ops if (op.actor, op.f, op.type) == ("realtime", "limit", "info")]


@asynccontextmanager
async def a_server(limits: Limits = PLANS["off"], quirks: Quirks = FAST) -> AsyncIterator[Running]:
    tenant = Tenant(jwt_secret=DEVELOPMENT_SECRET, limits=limits, quirks=quirks)
    bitten = asyncio.Event()
    recorder = Recorder(CLOCK.now, sinks=(lambda op: bitten.set() if op.f == "limit" else None,))
    worker = Worker(
        tenant=tenant, visibility=NoDatabase(), open_source=no_source, clock=CLOCK, rng=Random(1), recorder=recorder
    )
    server = RealtimeServer(tenant=tenant, worker=worker, recorder=recorder, clock=CLOCK)
    app = web.Application()
    app.add_routes(server.routes())
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield Running(port=runner.addresses[0][1], limits=worker.limits, recorder=recorder, bitten=bitten)
    finally:
        await server.close()
        await runner.cleanup()
