"""Presence and limits at the wire: frames as recorded in p06 and p09b, over real sockets. No database is needed."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from harness.realtime.plans import PLANS, Limits
from tests.integration.server_without_database import CLOCK, FAST, Running, a_server

OFF = PLANS["off"]
IMPATIENT = replace(FAST, rates_seen_at_ticks=False)
"""Rates trip at once: no test waits 5 s for a tick."""

TOPIC = "realtime:pres"
OK = {"status": "ok", "response": {}}


@dataclass(kw_only=True)
class Client:
    socket: ClientConnection

    async def send(self, *parts: Any) -> None:
        await self.socket.send(json.dumps(list(parts)))

    async def next(self) -> Any:
        return json.loads(await asyncio.wait_for(self.socket.recv(), 10))

    async def join(self, ref: str = "1", *, topic: str = TOPIC, **presence: Any) -> Any:
        """Join; the reply's payload."""
        await self.send(ref, ref, topic, "phx_join", {"config": {"presence": presence}})
        return (await self.next())[4]

    async def present(self, **presence: Any) -> Any:
        """Join with presence; the state."""
        await self.join(**{"enabled": True, **presence})
        state = await self.next()
        assert state[:4] == ["1", None, TOPIC, "presence_state"]
        return state[4]

    async def ask(self, event: Any, *payload: Any, ref: str = "2", topic: str = TOPIC) -> None:
        more = {"payload": payload[0]} if payload else {}
        await self.send("1", ref, topic, "presence", {"type": "presence", "event": event, **more})

    async def silence(self) -> None:
        """Nothing was sent before the reply to a heartbeat."""
        await self.send(None, "h", "phoenix", "heartbeat", {})
        assert (await self.next())[1] == "h"


@asynccontextmanager
async def a_client(server: Running, *, vsn: str = "2.0.0", link: str = "c") -> AsyncIterator[Client]:
    async with connect(server.url(vsn=vsn, link=link), ping_interval=None) as socket:
        yield Client(socket=socket)


@pytest.fixture
async def server() -> AsyncIterator[Running]:
    async with a_server() as running:
        yield running


def diff(joins: dict[str, Any], leaves: dict[str, Any], *, topic: str = TOPIC) -> list[Any]:
    """On the fast lane: neither join_ref nor ref."""
    return [None, None, topic, "presence_diff", {"joins": joins, "leaves": leaves}]


def ref_of(frame: Any, key: str, side: str = "joins") -> str:
    ref = frame[4][side][key]["metas"][0]["phx_ref"]
    assert isinstance(ref, str)
    assert len(ref) == 16
    return ref


async def test_a_track_is_answered_and_told_to_everybody_also_to_the_tracker(server: Running) -> None:
    async with a_client(server) as a, a_client(server) as quiet:
        assert await a.present(key="u1") == {}
        assert await quiet.join() == {"status": "ok", "response": {"postgres_changes": []}}
        await a.ask("track", {"name": "a"})
        reply, told = await a.next(), await a.next()
        heard = await quiet.next()

    meta = {"phx_ref": ref_of(told, "u1"), "name": "a"}
    assert reply == ["1", "2", TOPIC, "phx_reply", OK]
    assert told == heard == diff({"u1": {"metas": [meta]}}, {})


async def test_a_change_an_echo_and_an_untrack(server: Running) -> None:
    async with a_client(server) as a:
        await a.present(key="u1")
        await a.ask("TRACK", {"n": 1})
        first = (await a.next(), await a.next())[1]
        await a.ask("track", {"n": 2})
        second = (await a.next(), await a.next())[1]
        await a.ask("track", {"n": 2}, ref="4")
        echo = await a.next()
        await a.ask("unTrack")
        third = (await a.next(), await a.next())[1]
        await a.silence()

    one = {"phx_ref": ref_of(first, "u1"), "n": 1}
    two = {"phx_ref": ref_of(second, "u1"), "phx_ref_prev": one["phx_ref"], "n": 2}
    assert second == diff({"u1": {"metas": [two]}}, {"u1": {"metas": [one]}})
    assert echo == ["1", "4", TOPIC, "phx_reply", OK]
    assert third == diff({}, {"u1": {"metas": [two]}})


async def test_a_late_joiner_gets_the_state_and_may_share_a_key(server: Running) -> None:
    async with a_client(server) as a, a_client(server) as b:
        await a.present(key="u1")
        await a.ask("track", {"n": 1})
        first = (await a.next(), await a.next())[1]
        state = await b.present(key="u1")
        await b.ask("track", {"n": 2})
        second = (await b.next(), await b.next())[1]

    assert state == first[4]["joins"]
    assert second == diff({"u1": {"metas": [{"phx_ref": ref_of(second, "u1"), "n": 2}]}}, {})


@pytest.mark.parametrize(
    ("event", "payload", "answer"),
    [
        ("track", ["str"], {"status": "error", "response": {"reason": "Presence track payload must be a map"}}),
        ("track", [None], {"status": "error", "response": {"reason": "Presence track payload must be a map"}}),
        ("nope", [{}], {"status": "error", "response": {}}),
        ("untrack", [], OK),
    ],
)
async def test_odd_calls_are_answered_and_change_nothing(
    server: Running, event: str, payload: list[Any], answer: dict[str, Any]
) -> None:
    async with a_client(server) as a:
        await a.present(key="u1")
        await a.ask(event, *payload)
        reply = await a.next()
        await a.silence()

    assert reply == ["1", "2", TOPIC, "phx_reply", answer]


async def test_a_call_without_event_is_ok_and_one_with_a_number_breaks_the_channel(server: Running) -> None:
    async with a_client(server) as a:
        await a.present(key="u1")
        await a.send("1", "7", TOPIC, "presence", {"foo": 1})
        reply = await a.next()
        await a.ask(5)
        broken = await a.next()

    assert reply == ["1", "7", TOPIC, "phx_reply", OK]
    assert broken == ["1", "1", TOPIC, "phx_error", {"reason": "channel_crash"}]


@pytest.mark.parametrize("vsn", ["1.0.0", "2.0.0"])
async def test_who_goes_without_leaving_is_told_to_have_left(server: Running, vsn: str) -> None:
    async with a_client(server) as a:
        await a.present(key="u1")
        async with a_client(server, vsn=vsn) as b:
            if vsn == "2.0.0":
                await b.present(key="u2")
                await b.ask("track", {})
            else:
                join = {
                    "topic": TOPIC,
                    "event": "phx_join",
                    "ref": "1",
                    "payload": {"config": {"presence": {"key": "u2"}}},
                }
                track = {"topic": TOPIC, "event": "presence", "ref": "2", "payload": {"event": "track"}}
                await b.socket.send(json.dumps(join))
                await b.socket.send(json.dumps(track))
            joined = await a.next()
        left = await a.next()

    assert left == diff({}, {"u2": {"metas": [{"phx_ref": ref_of(joined, "u2")}]}})


async def test_who_leaves_with_vsn_2_hears_nothing_more(server: Running) -> None:
    async with a_client(server) as a, a_client(server) as b:
        await a.present(key="u1")
        await b.present(key="u2")
        await b.ask("track", {})
        _, _, joined = await b.next(), await b.next(), await a.next()
        await b.send("1", "3", TOPIC, "phx_leave", {})
        last = [await b.next(), await b.next()]
        left = await a.next()
        await b.silence()

    assert last == [["1", "3", TOPIC, "phx_reply", OK], ["1", "1", TOPIC, "phx_close", {}]]
    assert left == diff({}, joined[4]["joins"])


@pytest.mark.parametrize(
    ("quirk", "events"),
    [(True, ["phx_reply", "phx_close", "presence_diff"]), (False, ["phx_reply", "phx_close"])],
)
async def test_who_leaves_with_vsn_1_hears_of_its_own_leave(quirk: bool, events: list[str]) -> None:
    async with (
        a_server(quirks=replace(FAST, leaver_hears_its_leave=quirk)) as server,
        a_client(server, vsn="1.0.0") as b,
    ):
        said = [
            ("phx_join", {"config": {"presence": {"key": "u2"}}}),
            ("presence", {"event": "track", "payload": {"n": 1}}),
            ("phx_leave", {}),
        ]
        for event, payload in said:
            await b.socket.send(json.dumps({"topic": TOPIC, "event": event, "payload": payload, "ref": "1"}))
        await b.socket.send(json.dumps({"topic": "phoenix", "event": "heartbeat", "payload": {}, "ref": "h"}))
        heard: list[Any] = []
        while not heard or heard[-1]["ref"] != "h":
            heard.append(await b.next())

    assert [frame["event"] for frame in heard[3:-1]] == events


@pytest.mark.parametrize(("quirk", "events"), [(True, []), (False, ["presence_state"])])
async def test_a_track_without_presence_turns_it_on(quirk: bool, events: list[str]) -> None:
    async with a_server(quirks=replace(FAST, late_track_without_state=quirk)) as server, a_client(server) as n:
        await n.join()
        await n.ask("track", {"n": 1})
        reply, told = await n.next(), await n.next()
        state = [await n.next() for _ in events]
        await n.silence()

    assert (reply[3], [frame[3] for frame in state]) == ("phx_reply", events)
    assert all(frame[4] == told[4]["joins"] for frame in state)


@pytest.mark.parametrize(
    ("given", "key"), [({"key": 5}, "5"), ({"key": True}, "true"), ({"key": ["l"]}, "l"), ({"key": "u"}, "u")]
)
async def test_a_key_of_any_type_is_spelled_as_text(server: Running, given: dict[str, Any], key: str) -> None:
    async with a_client(server) as a:
        await a.present(**given)
        await a.ask("track", {})
        told = (await a.next(), await a.next())[1]

    assert list(told[4]["joins"]) == [key]


@pytest.mark.parametrize("given", [{}, {"key": ""}, {"key": None}])
async def test_without_a_key_each_channel_gets_a_uuid_of_its_own(server: Running, given: dict[str, Any]) -> None:
    async with a_client(server) as a, a_client(server) as b:
        await a.present(**given)
        await b.present(**given)
        await a.ask("track", {})
        await b.ask("track", {})
        keys = {key for frame in [await a.next() for _ in range(3)] for key in frame[4].get("joins", {})}

    assert sorted(key[14] for key in keys) == ["1", "1"]


async def test_a_key_that_is_an_object_crashes_the_presence_of_everybody() -> None:
    async with a_server() as server, a_client(server) as a, a_client(server) as b, a_client(server) as other:
        await a.present(key="u1")
        await a.ask("track", {})
        await a.next()
        await a.next()
        await other.join(topic="realtime:elsewhere", key="u2")
        await other.ask("track", {}, topic="realtime:elsewhere")
        await other.next()
        await other.next()
        await b.present(key={"k": 1})
        await b.ask("track", {})
        reply = await b.next()
        crashed = [await client.next() for client in (b, a, other)]
        state = await a.present(key="u1")

    assert reply == ["1", "2", TOPIC, "phx_reply", OK]
    assert [frame[3:] for frame in crashed] == [["phx_error", {"reason": "channel_crash"}]] * 3
    assert state == {}


async def test_without_the_quirk_such_a_key_is_json() -> None:
    async with a_server(quirks=replace(FAST, object_presence_key_crashes_all=False)) as server:
        async with a_client(server) as b:
            await b.present(key={"k": 1})
            await b.ask("track", {})
            told = (await b.next(), await b.next())[1]

    assert list(told[4]["joins"]) == ['{"k": 1}']


async def test_the_sixth_presence_call_closes_the_channel() -> None:
    limits = replace(OFF, max_client_presence_events_per_window=5)

    async with a_server(limits) as server, a_client(server, link="eager") as a, a_client(server) as b:
        await b.join()
        await a.present(key="k")
        for n in range(6):
            await a.ask("track", {"n": n})
        heard = [await a.next() for _ in range(12)]
        left = [await b.next() for _ in range(6)][-1]
        bites = server.bites()

    words = {
        "message": "Client presence rate limit exceeded",
        "status": "error",
        "extension": "system",
        "channel": "pres",
    }
    assert heard[10:] == [["1", None, TOPIC, "system", words], ["1", "1", TOPIC, "phx_close", {}]]
    assert list(left[4]["leaves"]) == ["k"]
    assert bites == [
        {
            "limit": "max_client_presence_events_per_window",
            "allowed": 5,
            "measured": 6,
            "link": "eager",
            "topic": TOPIC,
        }
    ]


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (replace(OFF, max_payload_size_in_kb=1), "Track message size exceeded"),
        (replace(OFF, max_presence_events_per_second=0), "Too many presence messages per second"),
    ],
)
async def test_what_closes_a_channel_says_so(limits: Limits, words: str) -> None:
    async with a_server(limits, IMPATIENT) as server, a_client(server) as a:
        await a.present(key="k")
        server.limits.presence_sent(CLOCK.now(), 10)
        await a.ask("track", {"k": "x" * 3000})
        heard = [await a.next(), await a.next()]

    assert [frame[3] for frame in heard] == ["system", "phx_close"]
    assert heard[0][4]["message"] == words


async def test_one_channel_too_many_is_refused_until_one_is_left() -> None:
    async with a_server(replace(OFF, max_channels_per_client=2)) as server, a_client(server, link="x") as a:
        for ref in ("1", "2"):
            await a.join(ref, topic=f"realtime:c{ref}")
        refused = await a.join("3", topic="realtime:c3")
        await a.send("1", "4", "realtime:c1", "phx_leave", {})
        await a.next()
        await a.next()
        again = await a.join("5", topic="realtime:c5")
        bites = server.bites()

    assert refused == {"status": "error", "response": {"reason": "ChannelRateLimitReached: Too many channels"}}
    assert again["status"] == "ok"
    assert bites == [{"limit": "max_channels_per_client", "allowed": 2, "measured": 3, "link": "x"}]


async def test_a_rejoin_of_the_same_topic_is_not_one_more_channel() -> None:
    async with a_server(replace(OFF, max_channels_per_client=1)) as server, a_client(server) as a:
        await a.join("1")
        again = await a.join("2")

    assert again["status"] == "ok"


async def test_one_socket_too_many_is_refused_until_one_is_closed() -> None:
    async with a_server(replace(OFF, max_concurrent_users=1)) as server:
        async with a_client(server) as a, a_client(server) as idle:
            await a.join()
            with pytest.raises(InvalidStatus) as refused:
                await a_client(server).__aenter__()
            late = await idle.join()
        while server.limits.connect(CLOCK.now()) is not None:
            await CLOCK.sleep(0.01)
        async with a_client(server) as b:
            later = await b.join()

    assert refused.value.response.status_code == 429
    assert json.loads(refused.value.response.body or b"") == {"error": "Too many connected users"}
    assert late["response"] == {"reason": "ConnectionRateLimitReached: Too many connected users"}
    assert later["status"] == "ok"


@pytest.mark.parametrize(("quirk", "code"), [(True, 1001), (False, None)])
async def test_a_join_storm_closes_its_socket(quirk: bool, code: int | None) -> None:
    quirks = replace(IMPATIENT, join_storm_closes_socket=quirk)

    async with a_server(replace(OFF, max_joins_per_second=1), quirks) as server, a_client(server) as a:
        for _ in range(10):
            server.limits.join(CLOCK.now(), "somebody else", 0)
        refused = await a.join()
        if quirk:
            with pytest.raises(ConnectionClosed):
                await a.next()
        else:
            await a.silence()
        with pytest.raises(InvalidStatus) as late:
            await a_client(server).__aenter__()

    assert refused["response"] == {"reason": "ClientJoinRateLimitReached: Too many joins per second"}
    assert a.socket.close_code in (code, 1000)
    assert json.loads(late.value.response.body or b"") == {"error": "Too many joins per second"}
