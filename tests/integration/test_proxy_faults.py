"""What each fault does to real frames and connections, and to no others."""

import asyncio
import json
from collections.abc import AsyncIterator
from random import Random

import aiohttp
import pytest
from aiohttp import web
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import InvalidMessage
from websockets.protocol import State

from harness.clock import ScaledClock
from harness.errors import StoryFault
from harness.faults import (
    BlackHole,
    Cut,
    Delay,
    Drop,
    Duplicate,
    IdleClose,
    LastSubscriberWins,
    Offline,
    Reorder,
    SlowReader,
)
from harness.faults.fault import TEXT, Direction, Fate, FrameFault
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
    a_change,
    a_reply,
    ended,
    fetch,
    heard,
    nothing,
    quiet,
    reset,
    said,
)

LUCKY = [6, 7, 8, 10]
"""Which of twenty changes pass on the first link of a proxy with the seed 1, at even chances."""


@pytest.fixture
async def bench(caplog: pytest.LogCaptureFixture) -> AsyncIterator[Bench]:
    with quiet(caplog):
        async with a_bench() as made:
            yield made


# -- frames


async def test_lost_messages_are_lost_and_no_others(bench: Bench) -> None:
    client = await bench.echo()
    bench.proxy.begin(fault := Drop(link="reader", event="phx_reply", topic="phoenix"))

    await said(client, a_reply("phoenix"), a_reply("realtime:t"))
    during = await heard(client)
    bench.proxy.end(fault)
    await said(client, a_reply("phoenix"))

    assert during == [a_reply("realtime:t")]
    assert await heard(client) == [a_reply("phoenix")]


async def test_messages_of_a_client_can_be_lost(bench: Bench) -> None:
    client = await bench.echo()
    bench.proxy.begin(Drop(link="reader", direction=Direction.TO_SERVER, numbers=(2,)))

    await said(client, "1", "2", "3")

    assert await heard(client, 2) == ["1", "3"]


async def test_a_message_in_fragments_has_one_fate(bench: Bench) -> None:
    client = await bench.echo()
    bench.proxy.begin(Scripted(fates={b"abc": Fate.DROP, b"de": Fate.duplicate(), b"fg": Fate.replace(b"other")}))

    await client.send(["a", "b", "c"])
    await client.send(["d", "e"])
    await client.send(["f", "g"])

    # Twice on its way there and, as each comes back, twice again.
    assert await heard(client, 5) == ["de"] * 4 + ["other"]


async def test_changes_come_twice(bench: Bench) -> None:
    client = await bench.echo()
    bench.proxy.begin(Duplicate(link="reader"))

    await said(client, a_change(1), a_reply("realtime:t"))

    assert await heard(client, 3) == [a_change(1), a_change(1), a_reply("realtime:t")]


async def test_a_delay_keeps_the_order_and_is_as_long_as_it_says(bench: Bench) -> None:
    client = await bench.echo()
    bench.proxy.begin(Delay(link="reader", seconds=0.1, direction=None))
    began = CLOCK.now()

    await said(client, *map(str, range(200)))

    assert await heard(client, 200) == [str(number) for number in range(200)]
    assert CLOCK.now() - began >= 0.2


async def test_what_waits_is_overtaken_and_still_comes_before_the_end(bench: Bench) -> None:
    client = await bench.echo()
    fault = Scripted(fates={b"slow": Fate.delay(0.1)})
    bench.proxy.begin(fault)
    await said(client, "slow", "quick", "slow")
    assert await heard(client) == ["quick"]
    bench.proxy.end(fault)
    bench.proxy.begin(Delay(link="reader", seconds=0.3))

    assert await heard(client, 2) == ["slow", "slow"]
    await bench.sockets[0].send("last")
    await bench.sockets[0].close(4003)

    assert await heard(client) == ["last"]
    assert await ended(client) == 4003


async def test_the_end_of_a_connection_waits_for_the_frames_that_wait(bench: Bench) -> None:
    frame = encode(TEXT, b"last", key=None)

    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(ACCEPTED + frame)
        writer.close()

    bench.proxy.begin(Delay(link="reader", seconds=0.1))
    reader, writer = await asyncio.open_connection("127.0.0.1", await bench.streams(server))
    writer.write(UPGRADE)

    async with asyncio.timeout(PATIENCE_S):
        assert await reader.read(-1) == ACCEPTED + frame
    writer.close()


async def test_the_end_of_http_waits_for_nothing_that_is_framed(bench: Bench) -> None:
    async def greet(request: web.Request) -> web.Response:
        return web.Response(text="hello")

    url = await bench.web(greet)
    bench.proxy.begin(Delay(link="reader", seconds=60.0, direction=None))
    bench.proxy.begin(Drop(link="reader"))

    async with (await bench.browser()).get(url) as answer:
        assert await answer.text() == "hello"


@pytest.mark.parametrize("noise", [False, True])
async def test_a_link_has_its_own_luck(bench: Bench, noise: bool) -> None:
    client, other = await bench.echo(), await bench.echo("other")
    bench.proxy.begin(Drop(link="*", probability=0.5, event="postgres_changes"))

    came = []
    for number in range(20):
        if noise:
            await said(other, a_change(number), a_reply("end"))
            await _heard_until(other, a_reply("end"))
        await said(client, a_change(number), a_reply("end"))
        came += await _heard_until(client, a_reply("end"))

    assert [json.loads(change)[4]["n"] for change in came] == LUCKY


async def _heard_until(client: ClientConnection, end: str) -> list[str | bytes]:
    messages = await heard(client)
    while messages[-1] != end:
        messages += await heard(client)
    return messages[:-1]


async def test_changes_overtake_each_other_and_none_is_lost(bench: Bench) -> None:
    client = await bench.echo()
    bench.proxy.begin(Reorder(link="reader", probability=0.5, within=0.2))
    changes = [a_change(number) for number in range(50)]

    await said(client, *changes)
    came = await heard(client, 50)

    assert came != changes
    assert sorted(map(str, came)) == sorted(changes)


async def test_a_replaced_message_of_a_client_is_masked_anew(bench: Bench) -> None:
    client = await bench.echo()
    bench.proxy.begin(Scripted(fates={b"in": Fate.replace("内".encode())}))

    await said(client, "in")

    assert await heard(client) == ["内"]


async def test_a_fate_can_end_the_connection_for_both(bench: Bench) -> None:
    client = await bench.echo()
    bench.proxy.begin(Scripted(fates={b"end": Fate.close(1001)}))

    for message in ("before", "end", "after"):
        await bench.sockets[0].send(message)

    assert await heard(client) == ["before"]
    assert await ended(client) == 1001
    await bench.sockets[0].wait_closed()
    assert bench.sockets[0].close_code == 1001


async def test_a_fate_can_break_the_connection_for_both(bench: Bench) -> None:
    client = await bench.echo()
    bench.proxy.begin(Scripted(fates={b"end": Fate.CUT}))

    await said(client, "end")

    assert await ended(client) is None
    await bench.sockets[0].wait_closed()
    assert bench.sockets[0].close_code == 1006


async def test_only_the_last_link_hears_of_changes(bench: Bench) -> None:
    first, last = await bench.echo("first"), await bench.echo("last")
    bench.proxy.begin(LastSubscriberWins(links=("first", "last")))

    for client in (first, last):
        await said(client, a_change(1), a_reply("realtime:t"))

    assert await heard(first) == [a_reply("realtime:t")]
    assert await heard(last, 2) == [a_change(1), a_reply("realtime:t")]


# -- connections


async def test_a_cut_breaks_what_stands_and_lets_in_what_comes(bench: Bench) -> None:
    client, other = await bench.echo(), await bench.echo("other")
    port = client.transport.get_extra_info("peername")[1]

    bench.proxy.begin(Cut(link="reader"))
    again = await bench.client(port)
    await said(again, "back")
    await said(other, "never away")

    assert await ended(client) is None
    await bench.sockets[0].wait_closed()
    assert bench.sockets[0].close_code == 1006
    assert await heard(again) == ["back"]
    assert await heard(other) == ["never away"]


async def test_an_idle_connection_is_closed_once_with_a_code(bench: Bench) -> None:
    client = await bench.echo()
    port = client.transport.get_extra_info("peername")[1]

    bench.proxy.begin(IdleClose(link="reader", code=1001))
    again = await bench.client(port)
    await said(again, "back")

    assert await ended(client) == 1001
    await bench.sockets[0].wait_closed()
    assert bench.sockets[0].close_code == 1001
    assert await heard(again) == ["back"]


async def test_a_cut_is_a_reset(bench: Bench) -> None:
    begun = asyncio.Event()

    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        begun.set()
        with pytest.raises(ConnectionResetError):
            await reader.read(-1)

    reader, writer = await asyncio.open_connection("127.0.0.1", await bench.streams(server))
    writer.write(b"GET / HTTP/1.1\r\n\r\n")
    await begun.wait()

    bench.proxy.begin(Cut(link="reader"))

    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(ConnectionResetError):
            await reader.read(-1)


@pytest.mark.parametrize("fault", [Cut(link="reader"), IdleClose(link="reader")])
async def test_a_connection_that_has_said_nothing_yet_is_broken(bench: Bench, fault: FrameFault) -> None:
    client = await bench.echo()
    reader, _ = await asyncio.open_connection("127.0.0.1", client.transport.get_extra_info("peername")[1])
    while len(bench.proxy._tunnels) < 2:
        await CLOCK.sleep(0.01)

    bench.proxy.begin(fault)

    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(ConnectionResetError):
            await reader.read(-1)


async def test_an_idle_connection_of_http_just_ends(bench: Bench) -> None:
    begun = asyncio.Event()

    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        begun.set()
        assert await reader.read(-1) == b""
        writer.close()

    reader, writer = await asyncio.open_connection("127.0.0.1", await bench.streams(server))
    writer.write(b"GET / HTTP/1.1\r\n\r\n")
    await begun.wait()

    bench.proxy.begin(IdleClose(link="reader"))

    async with asyncio.timeout(PATIENCE_S):
        assert await reader.read(-1) == b""
    writer.close()


@pytest.mark.parametrize("fault", [Cut(link="reader"), IdleClose(link="reader"), Offline(link="reader")])
async def test_requests_under_way_are_broken_with_the_rest(bench: Bench, fault: FrameFault) -> None:
    begun = asyncio.Event()

    async def never(request: web.Request) -> web.Response:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    url = await bench.web(never)
    browser = await bench.browser()
    asking = asyncio.create_task(fetch(browser, url))
    await begun.wait()

    bench.proxy.begin(fault)

    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(aiohttp.ClientError):
            await asking


async def test_offline_nothing_stands_and_nothing_is_let_in_until_it_ends(bench: Bench) -> None:
    async def greet(request: web.Request) -> web.Response:
        return web.Response(text="hello")

    client, url, browser = await bench.echo(), await bench.web(greet), await bench.browser()
    port = client.transport.get_extra_info("peername")[1]
    bench.proxy.begin(fault := Offline(link="reader"))

    assert await ended(client) is None
    with pytest.raises((ConnectionError, InvalidMessage)):
        await bench.client(port)
    with pytest.raises(aiohttp.ClientError):
        await fetch(browser, url)

    bench.proxy.end(fault)
    again = await bench.client(port)
    await said(again, "back")
    assert await heard(again) == ["back"]
    assert await fetch(browser, url) == "hello"


async def test_in_a_black_hole_frames_vanish_and_the_connection_stays(bench: Bench) -> None:
    client = await bench.echo()
    bench.proxy.begin(fault := BlackHole(link="reader"))

    await said(client, "lost")
    pong = asyncio.ensure_future(await client.ping())
    assert await nothing(client)
    await bench.sockets[0].send("lost, too")
    assert await nothing(client)
    bench.proxy.end(fault)
    await said(client, "back")

    assert await heard(client) == ["back"]
    assert not pong.done()


async def test_in_a_black_hole_nobody_learns_that_the_other_has_gone(bench: Bench) -> None:
    client, other = await bench.echo(), await bench.echo()
    bench.proxy.begin(fault := BlackHole(link="reader"))

    reset(client.transport)
    bench.sockets[1].transport.abort()
    assert await nothing(other)
    assert bench.sockets[0].state is State.OPEN

    bench.proxy.end(fault)
    await bench.sockets[0].wait_closed()
    assert bench.sockets[0].close_code == 1006
    assert await ended(other) is None


async def test_a_black_hole_takes_new_connections_and_never_answers(bench: Bench) -> None:
    client = await bench.echo()
    port = client.transport.get_extra_info("peername")[1]
    bench.proxy.begin(fault := BlackHole(link="reader"))

    opening = asyncio.create_task(bench.client(port))
    _, waiting = await asyncio.wait({opening}, timeout=NOTHING_S)
    bench.proxy.end(fault)

    assert waiting == {opening}
    with pytest.raises((ConnectionError, InvalidMessage)):
        await opening
    assert len(bench.sockets) == 1


@pytest.mark.parametrize("during", ["the request", "the answer"])
async def test_a_black_hole_swallows_http(bench: Bench, during: str) -> None:
    go_on, begun = asyncio.Event(), asyncio.Event()

    async def greet(request: web.Request) -> web.Response:
        begun.set()
        await go_on.wait()
        return web.Response(text="hello")

    url, browser, fault = await bench.web(greet), await bench.browser(), BlackHole(link="reader")
    go_on.set()
    await fetch(browser, url)  # a connection that stands and is used again
    go_on.clear()
    begun.clear()

    if during == "the request":
        bench.proxy.begin(fault)
    asking = asyncio.create_task(fetch(browser, url))
    if during == "the answer":
        await begun.wait()
        bench.proxy.begin(fault)
    go_on.set()
    _, waiting = await asyncio.wait({asking}, timeout=NOTHING_S)
    bench.proxy.end(fault)

    assert waiting == {asking}
    with pytest.raises(aiohttp.ClientError):
        await asking
    assert await fetch(browser, url) == "hello"


async def test_a_fault_that_does_not_hold_cannot_end(bench: Bench) -> None:
    with pytest.raises(StoryFault, match="does not hold"):
        bench.proxy.end(Cut(link="reader"))


async def test_a_slow_reader_takes_as_long_as_it_says(bench: Bench) -> None:
    client = await bench.echo()
    bench.proxy.begin(SlowReader(link="reader", bytes_per_s=100_000.0))
    began = CLOCK.now()

    await said(client, *[bytes(10_000)] * 4)
    await heard(client, 4)
    took = CLOCK.now() - began

    assert took > 0.3


async def test_a_slow_reader_waits_no_longer_than_the_fault(bench: Bench) -> None:
    client = await bench.echo()
    bench.proxy.begin(fault := SlowReader(link="reader", bytes_per_s=1_000.0))

    await said(client, bytes(60_000))
    assert await nothing(client)
    bench.proxy.end(fault)

    async with asyncio.timeout(5.0):
        assert await client.recv() == bytes(60_000)


async def test_a_slow_reader_speaks_as_fast_as_ever(bench: Bench) -> None:
    client = await bench.echo()
    bench.proxy.begin(SlowReader(link="reader", bytes_per_s=1_000.0))

    await said(client, bytes(60_000))

    async with asyncio.timeout(5.0):
        while not bench.received:
            await CLOCK.sleep(0.01)
    assert bench.received == [bytes(60_000)]


async def test_times_are_those_of_the_clock() -> None:
    fast = FaultProxy(clock=ScaledClock(CLOCK, 1000.0), rng=Random(1))
    async with a_bench(fast) as bench:
        client = await bench.echo()
        fast.begin(SlowReader(link="reader", bytes_per_s=10.0))
        fast.begin(Delay(link="reader", seconds=60.0))

        await said(client, "x" * 600)

        assert await heard(client) == ["x" * 600]
