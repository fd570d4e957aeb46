"""The Node child of the official JavaScript client: found, missing, and never left behind."""

import asyncio
import os
import shutil
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection, serve

from harness.clients import realtime_js
from harness.clients.client import Closed, Opened
from harness.clients.realtime_js import MODULES, OfficialJsClient, find_node
from harness.errors import ClientError, ClientMissing


async def listen_only(socket: ServerConnection) -> None:
    async for _ in socket:
        pass


@pytest.fixture
async def node() -> str:
    try:
        return await find_node(MODULES)
    except ClientMissing as error:
        if os.environ.get("HARNESS_NO_SKIP") == "1":
            pytest.fail(str(error))
        pytest.skip(str(error))


async def test_without_node_the_cure_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)

    with pytest.raises(ClientMissing, match="install Node 20 or newer"):
        await find_node(MODULES)


async def test_an_old_node_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    old = tmp_path / "node"
    old.write_text("#!/bin/sh\necho v18.20.4\n")
    old.chmod(0o755)
    monkeypatch.setattr(shutil, "which", lambda name: str(old))

    with pytest.raises(ClientMissing, match=r"node is v18\.20\.4: install Node 20"):
        await find_node(MODULES)


async def test_without_the_packages_the_cure_is_told(node: str, tmp_path: Path) -> None:
    with pytest.raises(ClientMissing, match="run `npm ci` there"):
        await find_node(tmp_path)


async def test_a_child_that_dies_is_told_to_whoever_waits(node: str) -> None:
    async with serve(listen_only, "127.0.0.1", 0) as listening:
        port = next(iter(listening.sockets)).getsockname()[1]
        client = OfficialJsClient(f"ws://127.0.0.1:{port}/socket", apikey="k", token=None)
        await client.connect()
        assert await client.next_event() == Opened()
        assert client._child is not None

        client._child.kill()

        with pytest.raises(ClientError, match="Node ended with -9"):
            await client.next_event()
        with pytest.raises(ClientError, match="not connected"):
            await client.set_token("t")
        await client.close()


async def test_the_child_ends_when_its_stdin_does(node: str) -> None:
    async with serve(listen_only, "127.0.0.1", 0) as listening:
        port = next(iter(listening.sockets)).getsockname()[1]
        client = OfficialJsClient(f"ws://127.0.0.1:{port}/socket", apikey="k", token=None)
        await client.connect()
        child = client._child
        assert child is not None
        assert child.stdin is not None

        child.stdin.close()
        async with asyncio.timeout(realtime_js._GOODBYE_S):
            code = await child.wait()
        told = [await client.next_event(), await client.next_event()]
        await client.close()

    assert code == 0
    assert told == [Opened(), Closed(code=1005, reason="", by="client")]
