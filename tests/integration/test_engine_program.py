"""The engine as a program of its own, over a real PostgreSQL."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from harness.backends.cluster import Cluster, start_cluster
from harness.backends.listening import listen
from harness.tokens import mint

ROOT = Path(__file__).parents[2]
SECRET = "a-secret-that-no-log-may-show-of-32-characters"
PASSWORD = "a-password-that-no-log-may-show"
NOWHERE = f"postgresql://somebody:{PASSWORD}@127.0.0.1"


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    async with await start_cluster() as started:
        yield started


def a_free_port() -> int:
    with listen("127.0.0.1", 0) as listening:
        port: int = listening.getsockname()[1]
        return port


def settings(database: str, *, port: int) -> dict[str, str]:
    place = urlsplit(database)
    return {
        "PORT": str(port),
        "DB_HOST": place.hostname or "",
        "DB_PORT": str(place.port),
        "DB_USER": place.username or "",
        "DB_NAME": place.path.removeprefix("/"),
        "DB_PASSWORD": place.password or "",
        "API_JWT_SECRET": SECRET,
        "SELF_HOST_TENANT_NAME": "127",
        "SEED_SELF_HOST": "true",
    }


class Program:
    """A running engine, whose log is read line by line."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.log = ""

    async def says(self, words: str) -> None:
        assert self.process.stderr is not None
        while words not in self.log:
            line = await self.process.stderr.readline()
            assert line, f"it ended without {words!r}: {self.log}"
            self.log += line.decode()

    async def ended(self) -> int:
        assert self.process.stderr is not None
        self.log += (await self.process.stderr.read()).decode()
        return await self.process.wait()


@asynccontextmanager
async def engine(variables: dict[str, str]) -> AsyncIterator[Program]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "harness.realtime",
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **variables},
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield Program(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@asynccontextmanager
async def a_socket(port: int) -> AsyncIterator[ClientConnection]:
    key = mint(SECRET, role="anon", wall=datetime.now(UTC))
    async with connect(f"ws://127.0.0.1:{port}/socket/websocket?vsn=2.0.0&apikey={key}", proxy=None) as socket:
        yield socket


async def test_a_socket_is_served_and_sigterm_closes_it_with_1012(cluster: Cluster) -> None:
    port = a_free_port()

    async with engine(settings(cluster.url(), port=port)) as program:
        await program.says(f"serving tenant 127 on 127.0.0.1:{port}")
        async with a_socket(port) as socket:
            await socket.send(json.dumps([None, "1", "phoenix", "heartbeat", {}]))
            reply = json.loads(await socket.recv())
            program.process.send_signal(signal.SIGTERM)
            with pytest.raises(ConnectionClosed) as closed:
                await socket.recv()
        code = await program.ended()

    assert reply == [None, "1", "phoenix", "phx_reply", {"status": "ok", "response": {}}]
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1012
    assert code == 0
    assert "SIGTERM: stopping" in program.log
    assert "stopped" in program.log


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
    writer.close()


async def test_it_waits_for_the_database(cluster: Cluster) -> None:
    port, database, real = a_free_port(), a_free_port(), urlsplit(cluster.url())

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, forth = await asyncio.open_connection(real.hostname, real.port)
        await asyncio.gather(pump(reader, forth), pump(back, writer))

    async with engine({**settings(cluster.url(), port=port), "DB_PORT": str(database)}) as program:
        await program.says(f"at 127.0.0.1:{database}: ")
        async with await asyncio.start_server(carry, "127.0.0.1", database):
            await program.says("serving tenant 127")
            async with (
                aiohttp.ClientSession() as session,
                session.get(f"http://127.0.0.1:{port}/api/ping") as answer,
            ):
                ping = answer.status, await answer.json()
            program.process.send_signal(signal.SIGTERM)
            code = await program.ended()

    assert ping == (200, {"message": "Success"})
    assert code == 0
    assert program.log.count("waiting for database") == 1


async def test_it_can_be_stopped_while_it_waits_and_shows_no_secret() -> None:
    database = a_free_port()

    async with engine(settings(f"{NOWHERE}:{database}/d", port=a_free_port())) as program:
        await program.says("waiting for database")
        program.process.send_signal(signal.SIGTERM)
        code = await program.ended()

    assert code == 0
    assert PASSWORD not in program.log
    assert SECRET not in program.log


async def test_a_taken_port_ends_it_with_a_reason(cluster: Cluster) -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]

        async with engine(settings(cluster.url(), port=port)) as program:
            code = await program.ended()

    assert code == 2
    assert f"cannot listen on 127.0.0.1:{port}" in program.log


async def test_a_wrong_environment_ends_it_with_every_name() -> None:
    async with engine({}) as program:
        code = await program.ended()

    assert code == 64
    assert "the engine needs DB_HOST, DB_PASSWORD, API_JWT_SECRET" in program.log
