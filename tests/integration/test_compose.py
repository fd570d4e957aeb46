"""The containers of docker-compose.supabase.yml, with whatever images the environment names: a story runs on them.

Where no Docker engine answers these tests skip, unless HARNESS_NO_SKIP=1. HARNESS_NO_DOCKER holds the reason why a
machine can have no engine (docker/engine.sh sets it), and then they skip all the same.
"""

import asyncio
import json
import os
import random
import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import asyncpg
import pytest

from harness.backends.attached import Attached
from harness.backends.backend import Backend
from harness.backends.compose import Compose, compose_file
from harness.backends.environment import Environment
from harness.backends.listening import listen
from harness.backends.options import StackOptions
from harness.checkers.checker import Valid
from harness.clients.client import Client
from harness.clients.native import NativeClient
from harness.clock import Clock, SystemClock
from harness.errors import StackError, UsageError
from harness.history import Recorder
from harness.judgement import Judgement
from harness.performing.stage import MakeClient
from harness.phoenix.connection import Timing
from harness.pipeline.reference import Reference
from harness.pipeline.schema import migrate
from harness.runner import MakeBackend, Run, run_scenario
from harness.scenario import find, load
from harness.tokens import DEVELOPMENT_SECRET, mint

pytestmark = pytest.mark.timeout(600)
CLOCK = SystemClock()
PACE = 30.0
OPTIONS = StackOptions(jwt_secret=DEVELOPMENT_SECRET, pace=PACE)


def missing(reason: str) -> None:
    if os.environ.get("HARNESS_NO_SKIP") == "1" and "HARNESS_NO_DOCKER" not in os.environ:
        pytest.fail(reason)
    pytest.skip(os.environ.get("HARNESS_NO_DOCKER", reason))


def docker(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True)


def compose(*arguments: str) -> subprocess.CompletedProcess[str]:
    return docker("compose", "--file", str(compose_file()), *arguments)


def kept() -> set[str]:
    """Everything of compose that there is on the engine: containers, networks, volumes."""
    mine = ("--quiet", "--filter", "label=com.docker.compose.project")
    kinds = (("ps", "--all", *mine), ("network", "ls", *mine), ("volume", "ls", *mine))
    return {line for kind in kinds for line in docker(*kind).stdout.split()}


@pytest.fixture(scope="module")
def cli() -> None:
    if shutil.which("docker") is None:
        missing("there is no docker command")
    if (found := docker("compose", "version")).returncode:
        missing(f"docker has no compose: {found.stderr.strip().splitlines()[0]}")


@pytest.fixture(scope="module")
def engine(cli: None) -> None:
    asked = docker("version", "--format", "{{.Server.Version}}")
    if asked.returncode:
        missing(f"no Docker engine answers: {asked.stderr.strip().rpartition(chr(10))[2]}")
    pulled = compose("pull", "--quiet", "--policy", "missing")
    if pulled.returncode:
        missing(f"the images cannot be had, docker/stand_ins.sh builds others: {pulled.stderr.strip()}")


@pytest.fixture
def nothing_left(engine: None) -> Iterator[None]:
    before = kept()
    yield
    assert kept() - before == set()


def compose_backend(recorder: Recorder, started: datetime) -> Backend:
    return Compose(OPTIONS, recorder=recorder, clock=CLOCK, rng=Random(1), started=started)


def native_clients(backend: Backend) -> MakeClient:
    rng = random.Random(1)

    def make(
        name: str, *, url: str, token: str | None, clock: Clock, timing: Timing, variant: str | None = None
    ) -> Client:
        return NativeClient(
            url,
            apikey=backend.environment.anon_key,
            token=token,
            link=name,
            clock=clock,
            rng=Random(rng.random()),
            timing=timing,
        )

    return make


async def told(scenario: str, runs: Path, *, on: MakeBackend) -> Judgement:
    order = Run(make_backend=on, make_client=native_clients, clock=CLOCK, pace=PACE, runs=runs)
    return await run_scenario(load(find(scenario)), order)


def test_compose_accepts_the_file(cli: None) -> None:
    checked = compose("config", "--quiet")

    assert (checked.returncode, checked.stderr) == (0, "")


def test_nothing_is_published_beyond_loopback(cli: None) -> None:
    services = json.loads(compose("config", "--format", "json").stdout)["services"]

    published = {(name, port["host_ip"], port["target"]) for name, each in services.items() for port in each["ports"]}
    assert published == {("db", "127.0.0.1", 5432), ("realtime", "127.0.0.1", 4000)}


def test_the_limits_of_the_tenant_can_be_set(cli: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENANT_MAX_EVENTS_PER_SECOND", "100")

    services = json.loads(compose("config", "--format", "json").stdout)["services"]

    assert services["realtime"]["environment"]["TENANT_MAX_EVENTS_PER_SECOND"] == "100"


async def test_without_an_engine_the_cure_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")
    backend = compose_backend(Recorder(CLOCK.now), CLOCK.wall())

    with pytest.raises(StackError, match=r"no Docker engine answers \(.+\): start Docker, or set DOCKER_HOST"):
        await backend.start()


async def test_instant_cadence_is_not_for_a_server_that_polls() -> None:
    options = StackOptions(jwt_secret=DEVELOPMENT_SECRET, cadence="instant")
    backend = Compose(options, recorder=Recorder(CLOCK.now), clock=CLOCK, rng=Random(1), started=CLOCK.wall())

    with pytest.raises(UsageError, match="--cadence instant"):
        await backend.start()


@pytest.mark.parametrize("scenario", ["full_flow", "two_users"])
async def test_a_story_runs_on_the_containers(scenario: str, nothing_left: None, tmp_path: Path) -> None:
    judgement = await told(scenario, tmp_path, on=compose_backend)

    assert judgement.valid is Valid.YES
    versions: dict[str, str] = judgement.header["versions"]
    stands_in = any("(stand-in)" in version for version in versions.values())
    assert versions.keys() >= {"postgresql", "docker", "image of db", "image of realtime"}
    assert judgement.document()["backend"] == (
        "compose, with stand-ins for Supabase's images" if stands_in else "compose"
    )


async def test_the_gateway_speaks_for_the_tenant_and_a_restart_keeps_the_port(nothing_left: None) -> None:
    backend = compose_backend(Recorder(CLOCK.now), CLOCK.wall())
    await backend.start()
    try:
        ping = f"{backend.environment.api_url}/realtime/v1/api/ping"
        first = await answer_of(ping)
        (container,) = docker(
            "ps", "--quiet", "--filter", f"publish={backend.environment.realtime_http_url.rpartition(':')[2]}"
        ).stdout.split()
        docker("exec", "--user", "0", container, "sh", "-c", "kill -TERM 1")
        during = await until(ping, lambda status: status != 200)
        after = await until(ping, lambda status: status == 200)
    finally:
        await backend.stop()

    assert (first, after) == (200, 200)
    assert during in (0, 502)


async def test_a_start_that_is_interrupted_leaves_nothing(nothing_left: None) -> None:
    lines: list[str] = []
    begun = asyncio.Event()

    def tell(line: str) -> None:
        lines.append(line)
        if "realtime" in line and "Started" in line:
            begun.set()

    backend = Compose(
        OPTIONS, recorder=Recorder(CLOCK.now), clock=CLOCK, rng=Random(1), started=CLOCK.wall(), tell=tell
    )
    starting = asyncio.create_task(backend.start())
    await begun.wait()
    assert kept()

    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting

    assert any("Creating" in line for line in lines)


async def test_a_story_runs_on_a_stack_that_testcontainers_brought_up(nothing_left: None, tmp_path: Path) -> None:
    testcontainers = pytest.importorskip("testcontainers.compose", reason="the extra `compose` is not installed")
    wait = pytest.importorskip("testcontainers.core.wait_strategies")
    database, realtime = free_port(), free_port()
    env_file = tmp_path / "env"
    env_file.write_text(
        f"COMPOSE_PROJECT_NAME=harness-test-{secrets.token_hex(4)}\n"
        f"POSTGRES_PORT={database}\nREALTIME_PORT={realtime}\nJWT_SECRET={DEVELOPMENT_SECRET}\n"
    )
    file = compose_file()
    stack = testcontainers.DockerCompose(file.parent, compose_file_name=file.name, env_file=str(env_file))
    stack.waiting_for(
        {
            "db": wait.LogMessageWaitStrategy("database system is ready to accept connections"),
            "realtime": wait.HttpWaitStrategy(realtime, "/api/ping")
            .with_header("Host", "localhost")
            .for_status_code(200),
        }
    )

    # A failed start of `with stack:` would leave the containers, and its failing end hide the reason.
    try:
        stack.start()
        environment = an_environment(database, realtime)
        await make_tables(environment.db_url)
        judgement = await told("two_users", tmp_path, on=attached_to(environment))
        logs: Any = stack.get_logs("realtime")
    finally:
        stack.stop()

    assert judgement.valid is Valid.YES
    assert DEVELOPMENT_SECRET not in "".join(logs)


def free_port() -> int:
    with listen("127.0.0.1", 0) as listening:
        port: int = listening.getsockname()[1]
        return port


def an_environment(database: int, realtime: int) -> Environment:
    def key(role: str) -> str:
        return mint(DEVELOPMENT_SECRET, role=role, wall=datetime.now(UTC))

    return Environment(
        api_url="",
        db_url=f"postgresql://supabase_admin:postgres@127.0.0.1:{database}/postgres",
        anon_key=key("anon"),
        service_role_key=key("service_role"),
        jwt_secret=DEVELOPMENT_SECRET,
        realtime_url=f"ws://localhost:{realtime}/socket",
        realtime_http_url=f"http://localhost:{realtime}",
        app_url="",
        harness_backend="compose",
    )


async def make_tables(db_url: str) -> None:
    connection = await asyncpg.connect(db_url)
    try:
        await migrate(connection)
    finally:
        await connection.close()


def attached_to(environment: Environment) -> MakeBackend:
    def make(recorder: Recorder, started: datetime) -> Backend:
        return Attached(
            environment,
            schema="public",
            pace=PACE,
            app=Reference(),
            recorder=recorder,
            clock=CLOCK,
            rng=Random(1),
            started=started,
        )

    return make


async def answer_of(url: str) -> int:
    """The status; 0 if the connection is cut, as Docker cuts it when it listens for a container that is down."""
    try:
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            return answer.status
    except aiohttp.ClientConnectionError:
        return 0


async def until(url: str, wanted: Callable[[int], bool]) -> int:
    async with asyncio.timeout(120):
        while not wanted(status := await answer_of(url)):
            await CLOCK.sleep(0.1)
        return status
