"""The engine as a whole: database sessions, worker, broadcasts and server of one tenant, put together in one place.

Whoever runs it (the `embedded` backend, the program `python -m harness.realtime`, the player of recordings) says
where its database is and how that is read.
"""

from collections.abc import Callable
from contextlib import AsyncExitStack
from random import Random
from typing import Final

from aiohttp import web

from harness.clock import Clock
from harness.history.recorder import Recorder
from harness.realtime.controls import Controls
from harness.realtime.messages_postgres import PostgresMessages
from harness.realtime.server import RealtimeServer
from harness.realtime.tenant import Tenant
from harness.realtime.visibility_postgres import PostgresVisibility
from harness.realtime.worker import Worker
from harness.replication.change import Trace
from harness.replication.source import ChangeSource
from harness.replication.source_visible import VisibleSource


class Engine:
    """Call `prepare`, `open` and `serve` in this order, and `close` whatever came of them.

    `url` is the database, for a superuser. `open_changes` makes a new, closed source of `tenant.feed`, and
    `open_messages` one of `messages_postgres.PUBLICATION`, each on a slot of its own; they are called again after
    every failure. With `instant` the former is one that waits for rows. `messages` is its side of broadcasts in the
    database, `controls` is there when it serves.
    """

    def __init__(
        self,
        *,
        tenant: Tenant,
        url: str,
        open_changes: Callable[[], ChangeSource],
        open_messages: Callable[[], ChangeSource],
        clock: Clock,
        rng: Random,
        recorder: Recorder,
        trace: Trace | None = None,
        instant: bool = False,
    ) -> None:
        self._tenant = tenant
        self._clock = clock
        self._rng = rng
        self._recorder = recorder
        self._stack = AsyncExitStack()
        self.controls: Controls
        self.messages: Final = PostgresMessages(
            url, open_source=open_messages, clock=clock, rng=Random(rng.random()), recorder=recorder
        )
        self._visibility = PostgresVisibility(
            url,
            publication=tenant.publication,
            quirks=tenant.quirks,
            max_record_bytes=tenant.max_record_bytes,
        )
        self._worker = Worker(
            tenant=tenant,
            visibility=self._visibility,
            open_source=lambda: VisibleSource(open_changes(), url, clock=clock),
            clock=clock,
            rng=Random(rng.random()),
            recorder=recorder,
            trace=trace,
            instant=instant,
        )

    async def prepare(self) -> None:
        """Make what policies and triggers of tables may name: `realtime.messages`, `realtime.send`, the roles.

        Raises `VisibilityError`; it may then be called again.
        """
        self._stack.push_async_callback(self.messages.close)
        await self.messages.open()

    async def open(self) -> None:
        """Make what changes are read and judged with. Raises `VisibilityError`; it may then be called again."""
        self._stack.push_async_callback(self._visibility.close)
        await self._visibility.open()

    async def serve(
        self,
        application: web.Application,
        site: Callable[[web.AppRunner], web.BaseSite],
        *,
        goodbye_s: float,
    ) -> int:
        """Let sockets in at `site`, beside the other routes of `application`; its port.

        When it is closed, requests have `goodbye_s` to end. Raises `OSError` if the address cannot be had.
        """
        self._stack.push_async_callback(self._worker.close)
        server = RealtimeServer(
            tenant=self._tenant,
            worker=self._worker,
            messages=self.messages,
            recorder=self._recorder,
            clock=self._clock,
            rng=Random(self._rng.random()),
        )
        application.add_routes(server.routes())
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=goodbye_s)
        self._stack.push_async_callback(runner.cleanup)
        await runner.setup()
        await site(runner).start()
        self._stack.push_async_callback(server.close)
        self.controls = Controls(server=server, worker=self._worker, clock=self._clock, rng=Random(self._rng.random()))
        port: int = runner.addresses[0][1]
        return port

    async def close(self) -> None:
        """End every socket with 1012, then stop listening, reading and asking, in this order. Safe to call twice."""
        await self._stack.aclose()
