"""Whatever clients send, the server lives, no code of ours breaks, and the neighbour's socket is undisturbed.

Real sockets, no database: hostile frames, join payloads, names and tokens, as text and binary, in both framings.
"""

import asyncio
import json
from contextlib import suppress
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from harness.realtime.plans import PLANS
from harness.realtime.tenant import Tenant
from harness.tokens import DEVELOPMENT_SECRET, mint
from tests.integration.silent_server import CLOCK, PROMPT, a_silent_server

TOKEN = mint(DEVELOPMENT_SECRET, role="anon", wall=CLOCK.wall())
EVERYWHERE = {"event": "*", "schema": "public", "table": "process_events"}

TEXTS = st.text(st.characters(codec=None), max_size=12) | st.sampled_from(
    ["", "*", "'; drop table x; --", "\0", "é" * 200]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4), max_leaves=8
)
TOPICS = st.sampled_from(["realtime:a", "realtime:b", "realtime:", "realtime:neighbour", "phoenix", "a"]) | JSON
REFS = st.sampled_from(["1", "2", None, 1]) | JSON
TOKENS = st.sampled_from([TOKEN, TOKEN[:-2], "", "sb_publishable_x", "a.b.c", f"{TOKEN}.x"]) | JSON
ELEMENTS = JSON | st.fixed_dictionaries(
    {},
    optional={
        "event": JSON,
        "schema": st.just("public") | JSON,
        "table": st.just("process_events") | JSON,
        "filter": st.sampled_from(["id=eq.1", "id=in.(1,2", "a=not.is.null,b=eq.1", "id=eq.'; select 1; --"]) | JSON,
        "select": JSON,
    },
)
CONFIGS = JSON | st.fixed_dictionaries(
    {},
    optional={
        "broadcast": JSON | st.fixed_dictionaries({}, optional={"self": JSON, "ack": JSON, "replay": JSON}),
        "presence": JSON | st.fixed_dictionaries({}, optional={"enabled": st.just(True) | JSON, "key": JSON}),
        "postgres_changes": JSON | st.lists(ELEMENTS, max_size=4),
        "private": st.booleans() | JSON,
    },
)
JOINS = JSON | st.fixed_dictionaries(
    {}, optional={"config": CONFIGS, "access_token": TOKENS, "user_token": TOKENS, "other": JSON}
)
PAYLOADS = (
    JSON
    | st.fixed_dictionaries({"type": st.just("broadcast"), "event": JSON, "payload": JSON})
    | st.fixed_dictionaries({"event": st.sampled_from(["track", "untrack", "TRACK"]) | JSON, "payload": JSON})
    | st.fixed_dictionaries({"access_token": TOKENS})
)
MESSAGES = st.one_of(
    st.tuples(REFS, REFS, TOPICS, st.just("phx_join"), JOINS),
    st.tuples(
        REFS,
        REFS,
        TOPICS,
        st.sampled_from(["broadcast", "presence", "access_token", "phx_leave", "heartbeat", "phx_close", "x"]) | JSON,
        PAYLOADS,
    ),
)
SIZES = st.lists(st.integers(0, 255), min_size=4, max_size=6).map(bytes)
BINARY = st.one_of(
    st.binary(max_size=30),
    st.tuples(st.sampled_from([b"\x00", b"\x03", b"\x04"]), SIZES, st.binary(max_size=60)).map(b"".join),
    st.tuples(st.integers(0, 2), st.binary(max_size=30)).map(
        lambda push: bytes((3, 1, 1, 10, 1, 0, push[0])) + b"12realtime:ae" + push[1]
    ),
    st.binary(max_size=30).map(lambda data: bytes((0, 1, 1, 10, 9)) + b"12realtime:abroadcast" + data),
    st.binary(max_size=30).map(lambda data: bytes((0, 1, 1, 10, 8)) + b"12realtime:aphx_join" + data),
)
BROKEN = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
    JSON.map(json.dumps),
    st.integers(1, 3000).map(lambda depth: '["1","1","realtime:a","broadcast",' + "[" * depth + "]" * depth + "]"),
    st.integers(1, 300).map(
        lambda depth: '["1","1","realtime:a","phx_join",' + '{"a":' * depth + "1" + "}" * depth + "]"
    ),
)
FRAMES = MESSAGES | BINARY | BROKEN


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    sockets=st.lists(st.lists(FRAMES, min_size=1, max_size=30), min_size=1, max_size=3),
    vsn=st.sampled_from(["1.0.0", "2.0.0"]),
)
def test_a_neighbour_is_undisturbed_by_whatever_others_send(sockets: list[list[Any]], vsn: str) -> None:
    answers, broken = asyncio.run(_attacked(sockets, vsn))

    assert broken == []
    assert answers == [
        ["1", "1", "realtime:neighbour", "phx_reply", {"status": "ok", "response": {"postgres_changes": []}}],
        [None, None, "realtime:neighbour", "broadcast", {"type": "broadcast", "event": "mine", "payload": {"n": 1}}],
        ["1", "2", "realtime:neighbour", "phx_reply", {"status": "ok", "response": {}}],
        [None, "3", "phoenix", "phx_reply", {"status": "ok", "response": {}}],
    ]


async def _attacked(sockets: list[list[Any]], vsn: str) -> tuple[list[Any], list[Any]]:
    """What the neighbour hears of its own doing, and what broke in the server."""
    broken: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: broken.append(context))
    tenant = Tenant(jwt_secret=DEVELOPMENT_SECRET, quirks=PROMPT, limits=PLANS["off"])
    async with a_silent_server(tenant) as (_, port):
        url = f"ws://127.0.0.1:{port}/socket/websocket?apikey={TOKEN}"
        async with connect(f"{url}&vsn=2.0.0", ping_interval=None) as neighbour:
            config = {"broadcast": {"self": True, "ack": True}}
            heard = [await _say(neighbour, ["1", "1", "realtime:neighbour", "phx_join", {"config": config}])]
            await asyncio.gather(*(_attack(f"{url}&vsn={vsn}", frames, vsn) for frames in sockets))
            mine = {"type": "broadcast", "event": "mine", "payload": {"n": 1}}
            await neighbour.send(json.dumps(["1", "2", "realtime:neighbour", "broadcast", mine]))
            await neighbour.send(json.dumps([None, "3", "phoenix", "heartbeat", {}]))
            return heard + await _until(neighbour, "3"), broken


async def _attack(url: str, frames: list[Any], vsn: str) -> None:
    """Send everything, and stay until the server has read it; it may also throw us out."""
    with suppress(ConnectionClosed):
        async with connect(url, ping_interval=None, max_size=None) as socket:
            for frame in frames:
                await socket.send(frame if isinstance(frame, str | bytes) else _framed(frame, vsn))
            beat: Any = (None, "the end", "phoenix", "heartbeat", {})
            await socket.send(_framed(beat, vsn))
            await _until(socket, "the end")


def _framed(message: Any, vsn: str) -> str:
    join_ref, ref, topic, event, payload = message
    if vsn == "2.0.0":
        return json.dumps(message)
    return json.dumps({"join_ref": join_ref, "ref": ref, "topic": topic, "event": event, "payload": payload})


async def _say(socket: ClientConnection, message: list[Any]) -> Any:
    await socket.send(json.dumps(message))
    return json.loads(await asyncio.wait_for(socket.recv(), 10))


async def _until(socket: ClientConnection, ref: str) -> list[Any]:
    """Everything that is heard up to the reply to `ref`, but for the broadcasts of others."""
    heard = []
    while True:
        frame = await asyncio.wait_for(socket.recv(), 10)
        message = json.loads(frame) if isinstance(frame, str) else None
        if message is not None and not _is_of_others(message):
            heard.append(message)
        if message is not None and (message["ref"] if isinstance(message, dict) else message[1]) == ref:
            return heard


def _is_of_others(message: Any) -> bool:
    """A broadcast or the presence of somebody who joined the same topic."""
    if isinstance(message, dict) or message[3] not in ("broadcast", "presence_diff"):
        return False
    return bool(message[4] != {"type": "broadcast", "event": "mine", "payload": {"n": 1}})
