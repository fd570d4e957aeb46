"""The gateway with a real server behind it: what it changes, and that it changes nothing else."""

import socket
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from harness.backends.gateway import Gateway
from harness.backends.listening import listen


async def echo(request: web.Request) -> web.StreamResponse:
    """A server that knows no `/realtime/v1`: it tells what it was asked, and closes on `bye`."""
    if request.query.get("apikey") != "k":
        return web.json_response({"error": "no key"}, status=401)
    server = web.WebSocketResponse()
    await server.prepare(request)
    await server.send_str(f"{request.path_qs} for {request.host}")
    async for message in server:
        if message.data == "bye":
            await server.close(code=1012, message=b"service restart")
        else:
            await server.send_bytes(message.data.encode())
    return server


async def broadcast(request: web.Request) -> web.Response:
    return web.json_response({"asked": request.path, "body": await request.text(), "host": request.host}, status=202)


@pytest.fixture
async def upstream() -> AsyncIterator[tuple[str, int]]:
    application = web.Application()
    application.add_routes([web.get("/socket/websocket", echo), web.post("/api/broadcast", broadcast)])
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield "127.0.0.1", runner.addresses[0][1]
    await runner.cleanup()


@pytest.fixture
async def gateway(upstream: tuple[str, int]) -> AsyncIterator[str]:
    listening = listen("127.0.0.1", 0)
    port = listening.getsockname()[1]
    serving = Gateway(listening, upstream=upstream, host="localhost")
    await serving.start()
    yield f"127.0.0.1:{port}"
    await serving.close()


async def test_frames_and_close_codes_go_through_as_they_are(gateway: str) -> None:
    async with connect(f"ws://{gateway}/realtime/v1/websocket?apikey=k", proxy=None) as client:
        asked = await client.recv()
        await client.send("x" * 300_000)
        answered = await client.recv()
        await client.send("bye")
        with pytest.raises(ConnectionClosed) as closed:
            await client.recv()

    assert asked == "/socket/websocket?apikey=k for localhost"
    assert answered == b"x" * 300_000
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1012, "service restart")


async def test_a_refusal_goes_through_with_its_words(gateway: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"ws://{gateway}/realtime/v1/websocket", proxy=None)

    assert refused.value.response.status_code == 401
    assert refused.value.response.body == b'{"error": "no key"}'


async def test_requests_go_through_one_after_the_other(gateway: str) -> None:
    async with aiohttp.ClientSession() as session:
        answers = []
        for body in ("one", "two"):
            async with session.post(f"http://{gateway}/realtime/v1/api/broadcast", data=body) as answer:
                answers.append((answer.status, await answer.json()))

    assert answers == [
        (202, {"asked": "/api/broadcast", "body": "one", "host": "localhost"}),
        (202, {"asked": "/api/broadcast", "body": "two", "host": "localhost"}),
    ]


async def test_other_paths_are_not_there(gateway: str) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"http://{gateway}/rest/v1/rows") as answer:
        assert answer.status == 404


async def test_a_server_that_is_gone_is_a_bad_gateway() -> None:
    with listen("127.0.0.1", 0) as gone:
        nobody = "127.0.0.1", gone.getsockname()[1]
    listening: socket.socket = listen("127.0.0.1", 0)
    port = listening.getsockname()[1]
    serving = Gateway(listening, upstream=nobody, host="localhost")
    await serving.start()

    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}/realtime/v1/api/ping") as answer,
    ):
        status = answer.status
    await serving.close()

    assert status == 502
