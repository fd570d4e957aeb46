"""What the proxy passes as it is, who learns that the other one has gone, and what it leaves behind."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from datetime import timedelta
from http import HTTPStatus
from io import BytesIO
from pathlib import Path
from random import Random

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import InvalidMessage, InvalidStatus
from websockets.http11 import Request, Response

from harness.faults.fault import BINARY, TEXT, FrameFault
from harness.proxy import FaultProxy
from harness.proxy.websocket_bytes import encode
from tests.integration.proxy_bench import (
    ACCEPTED,
    CLOCK,
    NOTHING_S,
    PATIENCE_S,
    UPGRADE,
    Bench,
    Scripted,
    a_bench,
    address,
    ended,
    heard,
    quiet,
    reset,
    said,
)

END = b"\r\n\r\n"
OFFER = b"\r\nSec-WebSocket-Extensions: permessage-deflate"
KEY = b"\x01\x02\x03\x04"


@pytest.fixture
async def bench(caplog: pytest.LogCaptureFixture) -> AsyncIterator[Bench]:
    with quiet(caplog):
        async with a_bench() as made:
            yield made


@pytest.mark.parametrize("faults", [[], [Scripted(fates={})]], ids=["without faults", "under a fault of no effect"])
async def test_bytes_pass_as_they_came(bench: Bench, faults: list[FrameFault]) -> None:
    """But for the offer of extensions: frames of odd lengths, fragments, pings, a half of a frame at the end."""
    pings = encode(9, b"p", key=KEY)
    ours = b"".join(
        [
            encode(TEXT, b"a", key=KEY),
            b"\x01\xfe\x00\x01" + KEY + b"\x60",
            b"\x80\x81" + KEY + b"\x60",
            pings,
            b"\x81\xfe",
        ]
    )
    theirs = b"".join([encode(BINARY, bytes(70_000), key=None), b"\x8a\x00", b"\x88\x02\x03\xe8", b"\x81\x7e\x01"])
    got: asyncio.Future[tuple[bytes, bytes]] = asyncio.get_running_loop().create_future()

    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(END)
        writer.write(ACCEPTED + theirs)
        writer.write_eof()
        got.set_result((head, await reader.read(-1)))
        writer.close()

    for fault in faults:
        bench.proxy.begin(fault)
    port = await bench.streams(server)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(UPGRADE.replace(END, OFFER + END))
    for at in range(0, len(ours), 3):
        writer.write(ours[at : at + 3])
        await writer.drain()
    writer.write_eof()

    async with asyncio.timeout(PATIENCE_S):
        assert await reader.read(-1) == ACCEPTED + theirs
        assert await got == (UPGRADE, ours)
    writer.close()


async def test_messages_of_every_size_are_echoed(bench: Bench) -> None:
    sizes = [0, 1, 125, 126, 65_535, 65_536, 900_000]
    client = await bench.echo()

    await said(client, *("x" * size for size in sizes), *(b"\x00" * size for size in sizes))
    await client.send(["in ", "three ", "fragments"])

    assert [len(message) for message in await heard(client, 14)] == sizes * 2
    assert await heard(client) == ["in three fragments"]


async def test_pings_and_close_frames_pass_both_ways(bench: Bench) -> None:
    client, other = await bench.echo(), await bench.echo("other")

    async with asyncio.timeout(PATIENCE_S):
        await (await client.ping())
        await (await bench.sockets[0].ping())
    await bench.sockets[0].close(4001, "enough")
    await other.close(4002, "enough of you")
    await bench.sockets[1].wait_closed()

    assert await ended(client) == 4001
    assert bench.sockets[1].close_code == 4002


async def test_a_refused_upgrade_is_seen_by_the_client(bench: Bench) -> None:
    def refuse(socket: ServerConnection, request: Request) -> Response:
        return socket.respond(HTTPStatus.FORBIDDEN, "no such key")

    server = await bench.stack.enter_async_context(serve(bench.serve, "127.0.0.1", 0, process_request=refuse))
    port = await bench.proxy.open_link("reader", address(server.sockets))

    with pytest.raises(InvalidStatus) as refused:
        await bench.client(port)

    assert (refused.value.response.status_code, refused.value.response.body) == (403, b"no such key")


async def test_http_passes_with_its_bodies_over_one_connection(bench: Bench) -> None:
    peers = set()

    async def sum_up(request: web.Request) -> web.Response:
        assert request.transport is not None
        peers.add(request.transport.get_extra_info("peername"))
        return web.Response(text=f"{request.headers['Host']} {len(await request.read())}")

    url = await bench.web(sum_up)
    browser = await bench.browser()

    told = []
    for size in (0, 3_000_000):
        async with browser.post(url, data=BytesIO(bytes(size))) as answer:
            told.append(await answer.text())

    host = url.removeprefix("http://").rstrip("/")
    assert told == [f"{host} 0", f"{host} 3000000"]
    assert len(peers) == 1


async def test_a_server_with_tls_is_reached_without_and_called_by_its_name(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    certificate, trusted, hosts = a_certificate(tmp_path), ssl.create_default_context(), []
    trusted.load_verify_locations(certificate)
    presented = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    presented.load_cert_chain(certificate)

    def note(socket: ServerConnection, request: Request) -> Response | None:
        hosts.append(request.headers["Host"])
        return socket.respond(HTTPStatus.OK, "hello") if request.path == "/hello" else None

    with quiet(caplog):
        async with a_bench(FaultProxy(clock=CLOCK, rng=Random(1), tls=trusted)) as bench:
            serving = serve(bench.serve, "127.0.0.1", 0, ssl=presented, process_request=note)
            server = await bench.stack.enter_async_context(serving)
            name, port = "localhost", address(server.sockets)[1]
            link = await bench.proxy.open_link("reader", (name, port), secure=True)
            client = await bench.client(link)
            await said(client, "secret")
            told = await heard(client)
            async with (await bench.browser()).get(f"http://127.0.0.1:{link}/hello") as answer:
                fetched = await answer.text()
            await client.close(4002)
            await bench.sockets[0].wait_closed()
            unsure = await bench.proxy.open_link("reader", ("127.0.0.2", port), secure=True)
            with pytest.raises((ConnectionError, InvalidMessage)):
                await bench.client(unsure)

    assert (told, fetched, hosts) == (["secret"], "hello", [f"{name}:{port}"] * 2)
    assert bench.sockets[0].close_code == 4002


def a_certificate(folder: Path) -> Path:
    """For `localhost`, with its key, in one file."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "here")])
    now = CLOCK.wall()
    signed = (
        x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=key.public_key(), serial_number=1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file = folder / "certificate.pem"
    file.write_bytes(signed.public_bytes(Encoding.PEM) + secret)
    return file


async def test_half_of_an_end_leaves_the_other_direction_open(bench: Bench) -> None:
    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.read(-1)
        writer.write(str(len(request)).encode())
        writer.close()

    port = await bench.streams(server)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST / HTTP/1.0\r\n\r\n" + bytes(10))
    writer.write_eof()

    async with asyncio.timeout(PATIENCE_S):
        assert await reader.read(-1) == b"29"
    writer.close()


# -- who breaks, breaks both


async def test_a_link_to_nowhere_breaks_the_client(bench: Bench) -> None:
    async with serve(bench.serve, "127.0.0.1", 0) as server:
        nowhere = address(server.sockets)
    port = await bench.proxy.open_link("reader", nowhere)

    with pytest.raises((ConnectionError, InvalidMessage)):
        await bench.client(port)


async def test_a_client_that_breaks_is_learned_by_the_server_and_the_other_way_round(bench: Bench) -> None:
    client, other = await bench.echo(), await bench.echo("other")

    client.transport.abort()
    bench.sockets[1].transport.abort()

    async with asyncio.timeout(PATIENCE_S):
        await bench.sockets[0].wait_closed()
    assert bench.sockets[0].close_code == 1006
    assert await ended(other) is None


async def test_a_reset_arrives_as_a_reset(bench: Bench) -> None:
    begun: asyncio.Future[asyncio.Task[bytes]] = asyncio.get_running_loop().create_future()

    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(END)
        begun.set_result(asyncio.create_task(reader.read(-1)))

    _, writer = await asyncio.open_connection("127.0.0.1", await bench.streams(server))
    writer.write(b"GET / HTTP/1.1\r\n\r\n")
    reading = await begun
    reset(writer.transport)

    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(ConnectionResetError):
            await reading


async def test_who_says_nothing_of_use_is_let_go(bench: Bench) -> None:
    client = await bench.echo()
    port = client.transport.get_extra_info("peername")[1]
    for said_first in (b"", b"GET / HTTP/1.1\r\n", bytes(200_000)):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(said_first)
        writer.write_eof()
        with pytest.raises((ConnectionError, EOFError)):
            async with asyncio.timeout(PATIENCE_S):
                await reader.readexactly(1)
        writer.close()

    await client.send("still here")
    assert await heard(client) == ["still here"]


async def test_a_reader_that_does_not_read_holds_the_server_back(bench: Bench) -> None:
    sent = 0

    async def flood(socket: ServerConnection) -> None:
        nonlocal sent
        while True:
            await socket.send(bytes(1_000_000))
            sent += 1

    server = await bench.stack.enter_async_context(serve(flood, "127.0.0.1", 0, compression=None))
    port = await bench.proxy.open_link("reader", address(server.sockets))
    client = await bench.client(port)
    before = -1
    async with asyncio.timeout(PATIENCE_S):
        while before != sent:
            before = sent
            await CLOCK.sleep(NOTHING_S)

    await heard(client, before + 20)

    assert sent > before
    assert before < 60
    client.transport.abort()


async def test_closing_breaks_everything_and_may_be_done_twice(bench: Bench) -> None:
    client = await bench.echo()
    await bench.streams(lambda reader, writer: reader.read(), "other")
    port = client.transport.get_extra_info("peername")[1]

    await bench.proxy.close()
    await bench.proxy.close()

    assert await ended(client) is None
    with pytest.raises(OSError, match="Connect call failed"):
        await asyncio.open_connection("127.0.0.1", port)


async def test_each_reader_has_a_port_for_each_server(bench: Bench) -> None:
    ports = [
        await bench.proxy.open_link(name, ("127.0.0.1", port))
        for name, port in (("a", 1), ("a", 2), ("b", 1), ("a", 1))
    ]

    assert len(set(ports)) == 3
    assert ports[0] == ports[3]
