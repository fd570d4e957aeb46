"""The stack of `docker-compose.supabase.yml`: Supabase's own Postgres and Realtime in containers, or what stands in.

The simulated application and the gateway run in this process; what happens inside the server cannot be seen.
"""

import secrets
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Final
from urllib.parse import quote

import asyncpg

from harness.backends.attached import Attached
from harness.backends.compose_facts import Image, Resolved, limit_variables
from harness.backends.compose_project import ComposeProject, Tell, engine_version
from harness.backends.environment import Environment
from harness.backends.gateway import Gateway
from harness.backends.listening import listen, root_url
from harness.backends.options import StackOptions
from harness.backends.teardown import take_down
from harness.clock import Clock
from harness.errors import StackError, UsageError
from harness.faults.fault import Machine, World
from harness.history import Recorder
from harness.pipeline.apps import app_named
from harness.pipeline.backend_app import Application
from harness.pipeline.schema import migrate, schema_sql
from harness.pipeline.store import Store
from harness.realtime.plans import PLANS
from harness.tokens import mint

FILE: Final = "docker-compose.supabase.yml"
_KEY_TTL_S: Final = 10 * 365 * 24 * 3600.0


def compose_file() -> Path:
    """Where the compose file lies: in the checkout, or inside the wheel. Raises `StackError` if it is in neither."""
    package = Path(__file__).parent.parent
    places = (package.parent / FILE, package / "_compose" / FILE)
    found = next((path for path in places if path.exists()), None)
    if found is None:
        raise StackError(f"{FILE} is not beside the package: install the wheel, or run from the checkout")
    return found


def _silent(_: str) -> None:
    """Nobody wants to know how far it is."""


class Compose:
    """See `Backend`. `started` is the wall time of the run's beginning, the zero of the recorder's time.

    Images, ports and secrets can be set by the variables of the compose file. `name` says so if an image is not
    the vendor's, so every verdict does. `tell` gets lines of progress.
    """

    hops = Attached.hops

    def __init__(
        self,
        options: StackOptions,
        *,
        recorder: Recorder,
        clock: Clock,
        rng: Random,
        started: datetime,
        tell: Tell = _silent,
    ) -> None:
        self._options = options
        self._recorder = recorder
        self._clock = clock
        self._rng = rng
        self._started = started
        self._tell = tell
        self._stack = AsyncExitStack()
        self._images: Mapping[str, Image] = {}
        self._engine = ""
        self._attached: Attached

    @property
    def name(self) -> str:
        stand_ins = any(image.stand_in for image in self._images.values())
        return "compose, with stand-ins for Supabase's images" if stand_ins else "compose"

    @property
    def versions(self) -> Mapping[str, str]:
        images = {f"image of {service}": str(image) for service, image in self._images.items()}
        return {**self._attached.versions, "docker": self._engine, **images}

    @property
    def environment(self) -> Environment:
        return self._attached.environment

    @property
    def application(self) -> Application:
        return self._attached.application

    @property
    def store(self) -> Store:
        return self._attached.store

    async def start(self) -> None:
        schema_sql(self._options.schema)  # a name that cannot be one is told before anything is started
        if self._options.cadence == "instant":
            raise UsageError("--cadence instant is for our own server; on compose the real one polls as it does")
        listening = listen(self._options.host, self._options.port)
        self._stack.callback(listening.close)
        try:
            self._engine = await engine_version()
            stack = await self._bring_up()
            await self._make_tables(_db_url(stack))
            gateway = Gateway(listening, upstream=("127.0.0.1", stack.realtime_port), host=stack.realtime_host)
            await gateway.start()
            self._stack.push_async_callback(gateway.close)
            self._attached = self._attach(stack, root_url(listening))
            await self._attached.start()
            self._stack.push_async_callback(self._attached.stop)
        except BaseException:
            await self.stop()
            raise

    def world(self, *, machines: Mapping[str, Machine], links: bool, rng: Random) -> World:
        return self._attached.world(machines=machines, links=links, rng=rng)

    async def census(self) -> Mapping[str, int]:
        return await self._attached.census()

    async def clean_up(self) -> int:
        return await self._attached.clean_up()

    async def quiet(self, *, timeout: float) -> bool:
        return await self._attached.quiet(timeout=timeout)

    async def stop(self) -> None:
        await take_down(self._stack)

    async def _bring_up(self) -> Resolved:
        project = ComposeProject(
            compose_file(),
            name=f"realtime-harness-{secrets.token_hex(4)}",
            variables={
                **limit_variables(PLANS[self._options.limits]),
                "JWT_SECRET": self._options.jwt_secret,
                "POSTGRES_PORT": str(_free_port()),
                "REALTIME_PORT": str(_free_port()),
            },
            tell=self._tell,
        )
        stack = await project.resolved()
        self._stack.push_async_callback(project.down)
        await project.up()
        self._images = {service: await project.image(name) for service, name in stack.images.items()}
        return stack

    async def _make_tables(self, db_url: str) -> None:
        try:
            connection = await asyncpg.connect(db_url)
            try:
                await migrate(connection, self._options.schema)
            finally:
                await connection.close()
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            raise StackError(f"{self._images['db'].name} did not take our tables: {error}") from error

    def _attach(self, stack: Resolved, gateway: str) -> Attached:
        realtime = f"{stack.realtime_host}:{stack.realtime_port}"
        environment = Environment(
            api_url=f"http://{gateway}",
            db_url=_db_url(stack),
            anon_key=self._key(stack, "anon"),
            service_role_key=self._key(stack, "service_role"),
            jwt_secret=stack.jwt_secret,
            realtime_url=f"ws://{realtime}/socket",
            realtime_http_url=f"http://{realtime}",
            app_url="",  # Attached puts its application's own there
            harness_backend="compose",
        )
        return Attached(
            environment,
            schema=self._options.schema,
            pace=self._options.pace,
            app=app_named(self._options.app, self._options.debounce),
            recorder=self._recorder,
            clock=self._clock,
            rng=self._rng,
            started=self._started,
        )

    def _key(self, stack: Resolved, role: str) -> str:
        return mint(stack.jwt_secret, role=role, wall=self._clock.wall(), ttl=_KEY_TTL_S)


def _db_url(stack: Resolved) -> str:
    user, password, name = (quote(text, safe="") for text in (stack.db_user, stack.db_password, stack.db_name))
    return f"postgresql://{user}:{password}@127.0.0.1:{stack.db_port}/{name}"


def _free_port() -> int:
    """Given back before Docker takes it; a container that restarts keeps it, as it would not keep one of Docker's."""
    with listen("127.0.0.1", 0) as listening:
        port: int = listening.getsockname()[1]
        return port
