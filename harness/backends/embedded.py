"""The default stack: a throwaway PostgreSQL, our own Realtime server and the simulated application, on one port."""

import socket
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import datetime
from random import Random
from typing import Final

import asyncpg
from aiohttp import web

from harness.backends.cluster import Cluster, start_cluster
from harness.backends.environment import Environment
from harness.backends.listening import listen, root_url
from harness.backends.options import StackOptions
from harness.backends.teardown import GOODBYE_S, take_down
from harness.backends.upkeep import clean_up, count_subscriptions
from harness.backends.witness_publication import create_publication
from harness.backends.world import StackWorld
from harness.clock import Clock
from harness.errors import StackError
from harness.faults.fault import Machine, World
from harness.history import Recorder
from harness.history.hops import HOPS
from harness.pipeline.apps import app_named
from harness.pipeline.backend_app import Application
from harness.pipeline.schema import migrate, schema_sql
from harness.pipeline.store import Store
from harness.pipeline.trace import trace
from harness.realtime.engine import Engine
from harness.realtime.messages_postgres import APPLICATION_NAME as MESSAGES_APPLICATION
from harness.realtime.messages_postgres import PUBLICATION as MESSAGES_PUBLICATION
from harness.realtime.messages_postgres import SLOT as MESSAGES_SLOT
from harness.realtime.plans import PLANS
from harness.realtime.tenant import Tenant
from harness.replication.source import ChangeSource
from harness.replication.source_postgres import PolledSource
from harness.replication.source_stream import StreamedSource
from harness.replication.witness import SLOT, Witness
from harness.tokens import mint

KEY_TTL_S: Final = 10 * 365 * 24 * 3600.0
"""API keys outlive every run, as those of a project do."""

WITNESS_PUBLICATION: Final = "harness_witness"


class Embedded:
    """See `Backend`. `started` is the wall time of the run's beginning, the zero of the recorder's time."""

    name = "embedded"
    hops = frozenset(HOPS)

    def __init__(
        self, options: StackOptions, *, recorder: Recorder, clock: Clock, rng: Random, started: datetime
    ) -> None:
        self._options = options
        self._recorder = recorder
        self._clock = clock
        self._rng = rng
        self._started = started
        self._stack = AsyncExitStack()
        self._app = app_named(options.app, options.debounce)
        self.environment: Environment
        self.application: Application
        self.store: Store
        self._cluster: Cluster
        self._witness: Witness
        self._engine: Engine

    @property
    def versions(self) -> Mapping[str, str]:
        return {"postgresql": self._cluster.version}

    async def start(self) -> None:
        schema_sql(self._options.schema)  # a name that cannot be one is told before anything is started
        listening = listen(self._options.host, self._options.port)
        self._stack.callback(listening.close)
        try:
            self._cluster = await self._stack.enter_async_context(await start_cluster(bin_dir=self._options.pg_bin))
            self._engine = self._make_engine()
            self._stack.push_async_callback(self._engine.close)
            # Before the tables: their policies may be on `realtime.messages`, or their triggers call `realtime.send`.
            await self._engine.prepare()
            await self._make_tables()
            await self._start_witness()
            self.store = await self._app.open_store(self._cluster.url(), schema=self._options.schema)
            self._stack.push_async_callback(self.store.close)
            self.application = self._make_application()
            self._stack.push_async_callback(self.application.close)
            self._stack.push_async_callback(self._engine.close)  # sockets end before the application does
            await self._serve(listening)
        except BaseException:
            await self.stop()
            raise
        self.environment = self._make_environment(root_url(listening))

    def world(self, *, machines: Mapping[str, Machine], links: bool, rng: Random) -> World:
        world = StackWorld(
            url=self._cluster.url(),
            restart=self._cluster.restart,
            engine=self._engine.controls,
            app=self.application.control(),
            machines=machines,
            links=links,
            clock=self._clock,
            rng=rng,
            schema=self._options.schema,
            publication=self._options.publication,
        )
        self._stack.push_async_callback(world.close)
        return world

    async def census(self) -> Mapping[str, int]:
        return {**self._engine.controls.census(), "subscriptions": await count_subscriptions(self._cluster.url())}

    async def clean_up(self) -> int:
        return await clean_up(self._app, self._cluster.url(), schema=self._options.schema, clock=self._clock)

    async def quiet(self, *, timeout: float) -> bool:
        return await self._witness.settled(timeout)

    async def stop(self) -> None:
        await take_down(self._stack)

    def _make_engine(self) -> Engine:
        tenant = Tenant(
            jwt_secret=self._options.jwt_secret,
            publication=self._options.publication,
            limits=PLANS[self._options.limits],
        )
        url, instant = self._cluster.url(), self._options.cadence == "instant"

        def changes() -> ChangeSource:
            if instant:
                return StreamedSource(self._cluster.socket_dir, self._cluster.port, publication=tenant.feed)
            return PolledSource(url, publication=tenant.feed, clock=self._clock)

        return Engine(
            tenant=tenant,
            url=url,
            open_changes=changes,
            open_messages=self._message_source,
            clock=self._clock,
            rng=Random(self._rng.random()),
            recorder=self._recorder,
            trace=trace,
            instant=instant,
        )

    async def _make_tables(self) -> None:
        try:
            connection = await asyncpg.connect(self._cluster.url())
            try:
                await migrate(connection, self._options.schema)
                if more := self._app.more_tables(self._options.schema):
                    await connection.execute(more)
                await connection.execute(create_publication(WITNESS_PUBLICATION, self._options.schema))
            finally:
                await connection.close()
        except (asyncpg.PostgresError, OSError) as error:
            raise StackError(f"PostgreSQL {self._cluster.version} did not take our tables: {error}") from error

    async def _start_witness(self) -> None:
        source = StreamedSource(
            self._cluster.socket_dir,
            self._cluster.port,
            slot=SLOT,
            temporary=False,
            publication=WITNESS_PUBLICATION,
            application_name="harness_witness",
        )
        self._witness = Witness(
            source,
            url=self._cluster.url(),
            recorder=self._recorder,
            trace=trace,
            started=self._started,
            clock=self._clock,
        )
        await self._witness.start()
        self._stack.push_async_callback(self._witness.stop)

    def _make_application(self) -> Application:
        return Application(
            app=self._app,
            store=self.store,
            secret=self._options.jwt_secret,
            clock=self._clock,
            rng=Random(self._rng.random()),
            recorder=self._recorder,
            pace=self._options.pace,
        )

    async def _serve(self, listening: socket.socket) -> None:
        await self._engine.open()
        await self._engine.serve(
            self.application.web_application(), lambda runner: web.SockSite(runner, listening), goodbye_s=GOODBYE_S
        )

    def _message_source(self) -> ChangeSource:
        return StreamedSource(
            self._cluster.socket_dir,
            self._cluster.port,
            slot=f"{MESSAGES_SLOT}harness",
            publication=MESSAGES_PUBLICATION,
            application_name=MESSAGES_APPLICATION,
        )

    def _make_environment(self, root: str) -> Environment:
        return Environment(
            api_url=f"http://{root}",
            db_url=self._cluster.url(),
            anon_key=self._key("anon"),
            service_role_key=self._key("service_role"),
            jwt_secret=self._options.jwt_secret,
            realtime_url=f"ws://{root}/socket",
            realtime_http_url=f"http://{root}",
            app_url=f"http://{root}",
            harness_backend=self.name,
        )

    def _key(self, role: str) -> str:
        return mint(self._options.jwt_secret, role=role, wall=self._clock.wall(), ttl=KEY_TTL_S)
