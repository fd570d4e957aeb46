"""A stack that somebody else runs (`harness up`, `supabase start`, a project), told by its environment.

Nothing of the stack is started or changed. The simulated application runs in this process, against the stack's
database; the readers go to the stack's Realtime. What happens inside that server cannot be seen from here.
"""

import secrets
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import datetime
from random import Random
from typing import Final
from urllib.parse import urlsplit

import asyncpg
from aiohttp import web

from harness.backends.environment import Environment
from harness.backends.listening import listen, root_url
from harness.backends.teardown import GOODBYE_S, take_down
from harness.backends.upkeep import clean_up, count_subscriptions
from harness.backends.witness_publication import create_publication, drop_publication
from harness.backends.world import StackWorld
from harness.clock import Clock
from harness.errors import StackUnfit, StackUnreachable
from harness.faults.fault import Machine, World
from harness.history import Recorder
from harness.history.hops import AUTHORISE, DECODE, DISPATCH, HOPS, SEND
from harness.pipeline.app import App
from harness.pipeline.backend_app import Application
from harness.pipeline.store import Store
from harness.pipeline.trace import TABLES, trace
from harness.replication.source_waiting import WaitingSource
from harness.replication.witness import Witness

_MISSING: Final = """
select coalesce(array_agg(name), '{}') from unnest($2::text[]) as name
where to_regclass(format('%I.%I', $1::text, name)) is null
"""


class Attached:
    """See `Backend`. `started` is the wall time of the run's beginning, the zero of the recorder's time.

    The tables outlive the run, so ids are never those of an earlier one; the same seed gives the same texts. For
    the time of the run the database has a publication and a temporary slot for the witness. If the session of the
    slot breaks, the run is unknown.
    """

    name = "attached"
    hops = frozenset(HOPS) - {DECODE, AUTHORISE, DISPATCH, SEND}

    def __init__(
        self,
        environment: Environment,
        *,
        schema: str,
        pace: float,
        app: App,
        recorder: Recorder,
        clock: Clock,
        rng: Random,
        started: datetime,
    ) -> None:
        self.environment = environment
        self._schema = schema
        self._pace = pace
        self._app = app
        self._recorder = recorder
        self._clock = clock
        self._rng = rng
        self._started = started
        self._stack = AsyncExitStack()
        self._mark = f"harness_witness_{secrets.token_hex(4)}"
        self._version = ""
        self.application: Application
        self.store: Store
        self._witness: Witness

    @property
    def versions(self) -> Mapping[str, str]:
        return {"postgresql": self._version}

    async def start(self) -> None:
        try:
            await self._look()
            await self._start_witness()
            if more := self._app.more_tables(self._schema):
                await self._execute(more)
            self.store = await self._app.open_store(self.environment.db_url, schema=self._schema)
            self._stack.push_async_callback(self.store.close)
            await self._start_application()
        except BaseException:
            await self.stop()
            raise

    def world(self, *, machines: Mapping[str, Machine], links: bool, rng: Random) -> World:
        world = StackWorld(
            url=self.environment.db_url,
            app=self.application.control(),
            machines=machines,
            links=links,
            clock=self._clock,
            rng=rng,
            schema=self._schema,
            where=f"the backend {self.name}",
        )
        self._stack.push_async_callback(world.close)
        return world

    async def census(self) -> Mapping[str, int]:
        return {"subscriptions": await count_subscriptions(self.environment.db_url)}

    async def clean_up(self) -> int:
        return await clean_up(self._app, self.environment.db_url, schema=self._schema, clock=self._clock)

    async def quiet(self, *, timeout: float) -> bool:
        return await self._witness.settled(timeout)

    async def stop(self) -> None:
        await take_down(self._stack)

    async def _look(self) -> None:
        """Whether the database is there and has the tables."""
        connection = await self._connect()
        try:
            self._version = await connection.fetchval("show server_version")
            missing = await connection.fetchval(_MISSING, self._schema, TABLES)
        finally:
            await connection.close()
        if missing:
            raise StackUnfit(
                f"the database at {self._place} has no table {' and no '.join(missing)} in schema {self._schema!r}: "
                "give --schema the schema that has them, or make them with harness/pipeline/sql/schema.sql"
            )

    async def _start_witness(self) -> None:
        await self._execute(create_publication(self._mark, self._schema))
        self._stack.push_async_callback(self._execute, drop_publication(self._mark))
        source = WaitingSource(self.environment.db_url, slot=self._mark, publication=self._mark, clock=self._clock)
        self._witness = Witness(
            source,
            url=self.environment.db_url,
            recorder=self._recorder,
            trace=trace,
            started=self._started,
            clock=self._clock,
        )
        await self._witness.start()
        self._stack.push_async_callback(self._witness.stop)

    async def _start_application(self) -> None:
        self.application = Application(
            app=self._app,
            store=self.store,
            secret=self.environment.jwt_secret,
            clock=self._clock,
            rng=Random(self._rng.random()),
            ids=Random(f"{self._rng.random()} {self._mark}"),
            recorder=self._recorder,
            pace=self._pace,
        )
        self._stack.push_async_callback(self.application.close)
        listening = listen("127.0.0.1", 0)
        self._stack.callback(listening.close)
        runner = web.AppRunner(self.application.web_application(), access_log=None, shutdown_timeout=GOODBYE_S)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        await web.SockSite(runner, listening).start()
        self.environment = replace(self.environment, app_url=f"http://{root_url(listening)}")

    async def _execute(self, sql: str) -> None:
        connection = await self._connect()
        try:
            await connection.execute(sql)
        except asyncpg.PostgresError as error:
            raise StackUnfit(f"the database at {self._place} refuses {sql!r}: {error}") from error
        finally:
            await connection.close()

    async def _connect(self) -> asyncpg.Connection:
        try:
            return await asyncpg.connect(self.environment.db_url)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, ValueError) as error:
            raise StackUnreachable(self._place, str(error) or type(error).__name__) from error

    @property
    def _place(self) -> str:
        """DB_URL without its user and password."""
        return urlsplit(self.environment.db_url).netloc.rpartition("@")[2] or "DB_URL"
