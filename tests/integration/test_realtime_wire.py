"""The server over real sockets without a database: who is let in, what is answered, and what the admin API changes.

Texts, headers and codes as recorded (p01, p04, p07) where nothing else is said.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import aiohttp
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import get_default_algorithms
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Opcode

from harness.realtime.server import RealtimeServer
from harness.realtime.tenant import Tenant
from harness.tokens import DEVELOPMENT_SECRET, mint
from tests.integration.silent_server import CLOCK, PROMPT, a_silent_server

PRIVATE = ec.generate_private_key(ec.SECP256R1())
ES256: Any = get_default_algorithms()["ES256"]
JWK = {**json.loads(ES256.to_jwk(PRIVATE.public_key())), "kid": "ours"}
BINDING = {"event": "*", "schema": "public", "table": "process_events"}


@dataclass(kw_only=True)
class Stack:
    port: int
    server: RealtimeServer
    http: aiohttp.ClientSession

    def url(self, *, token: str | None = None, vsn: str = "2.0.0", more: str = "") -> str:
        token = a_token() if token is None else token
        return f"ws://127.0.0.1:{self.port}/socket/websocket?apikey={token}&vsn={vsn}{more}"

    @asynccontextmanager
    async def client(self, **options: Any) -> AsyncIterator[ClientConnection]:
        async with connect(self.url(**options), ping_interval=None, max_size=None, compression=None) as socket:
            yield socket

    async def refused(self, **options: Any) -> tuple[int, str]:
        """Status and body with which an upgrade is refused."""
        with pytest.raises(InvalidStatus) as refusal:
            async with self.client(**options):
                pass
        return refusal.value.response.status_code, (refusal.value.response.body or b"").decode()

    async def ask(self, method: str, path: str, body: Any = None, *, token: str | None = None) -> tuple[int, Any]:
        """Status and JSON of an answer; text where it is none."""
        headers = {"Authorization": f"Bearer {a_token() if token is None else token}"}
        data = body if isinstance(body, str) else None if body is None else json.dumps(body)
        async with self.http.request(
            method, f"http://127.0.0.1:{self.port}{path}", headers=headers, data=data
        ) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if answer.content_type == "application/json" else text


@asynccontextmanager
async def a_stack(*, api_secret: str | None = None, **settings: Any) -> AsyncIterator[Stack]:
    tenant = Tenant(**{"jwt_secret": DEVELOPMENT_SECRET, "quirks": PROMPT, **settings})
    async with a_silent_server(tenant, api_secret=api_secret) as (server, port):
        async with aiohttp.ClientSession() as http:
            yield Stack(port=port, server=server, http=http)


def a_token(role: str = "anon", secret: str = DEVELOPMENT_SECRET) -> str:
    return mint(secret, role=role, wall=CLOCK.wall())


async def say(socket: ClientConnection, *parts: Any) -> Any:
    """Send a message, and read the next."""
    await socket.send(json.dumps(parts))
    return await heard(socket)


async def heard(socket: ClientConnection) -> Any:
    return json.loads(await asyncio.wait_for(socket.recv(), 10))


async def joined(socket: ClientConnection, topic: str = "room", **payload: Any) -> Any:
    config = payload.pop("config", {})
    reply = await say(socket, "1", "1", f"realtime:{topic}", "phx_join", {"config": config, **payload})
    assert reply[3:] == ["phx_reply", {"status": "ok", "response": reply[4]["response"]}], reply
    return reply[4]["response"]


async def closed(socket: ClientConnection) -> int:
    """The code with which the server closes the socket."""
    await asyncio.wait_for(socket.wait_closed(), 10)
    assert socket.close_code is not None
    return socket.close_code


# -- upgrades


@pytest.mark.parametrize("vsn", ["1.0.0", "1.0.7", "2.0.0", "2.0.0+build", "2.0.3-rc.1"])
async def test_both_framings_are_spoken(vsn: str) -> None:
    async with a_stack() as stack, stack.client(vsn=vsn.replace("+", "%2B")) as socket:
        beat = {"topic": "phoenix", "event": "heartbeat", "payload": {}, "ref": "1"}
        await socket.send(json.dumps(beat if vsn[0] == "1" else [None, "1", "phoenix", "heartbeat", {}]))
        answer = await heard(socket)

    assert isinstance(answer, dict if vsn[0] == "1" else list)


@pytest.mark.parametrize("vsn", ["3.0.0", "abc", "2.1.0", "2.0", "2.0.0-rc", "2.0.01", "1", "2.0.0.0"])
async def test_another_vsn_is_forbidden_without_a_word(vsn: str) -> None:
    async with a_stack() as stack:
        assert await stack.refused(vsn=vsn) == (403, "")


async def test_a_refused_upgrade_has_the_recorded_headers() -> None:
    async with a_stack() as stack:
        with pytest.raises(InvalidStatus) as refusal:
            async with stack.client(token="garbage"):
                pass

    headers = {name.lower(): value for name, value in refusal.value.response.headers.raw_items()}
    assert headers | {"date": "", "connection": ""} == {
        "cache-control": "max-age=0, private, must-revalidate",
        "content-length": "49",
        "content-type": "application/json; charset=utf-8",
        "server": "Cowboy",
        "vary": "accept-encoding",
        "date": "",
        "connection": "",
    }
    assert refusal.value.response.body == b'{"error":"The token provided is not a valid JWT"}'


async def test_an_upgrade_has_the_recorded_headers() -> None:
    async with a_stack() as stack, stack.client() as socket:
        assert socket.response is not None
        headers = {name.lower(): value for name, value in socket.response.headers.raw_items()}

    assert {name: headers[name] for name in ("cache-control", "server", "upgrade")} == {
        "cache-control": "max-age=0, private, must-revalidate",
        "server": "Cowboy",
        "upgrade": "websocket",
    }
    assert "sec-websocket-extensions" not in headers
    assert "vary" not in headers


async def test_a_get_that_is_no_upgrade_is_told_which_header_is_missing() -> None:
    async with a_stack() as stack:
        path = stack.url().removeprefix(f"ws://127.0.0.1:{stack.port}")

        assert await stack.ask("GET", path) == (400, "'connection' header must contain 'upgrade', got []")
        assert await stack.ask("GET", "/socket/websocket") == (401, {"error": "API key is missing"})


@pytest.mark.parametrize("method", ["POST", "HEAD", "PUT", "OPTIONS"])
async def test_the_path_of_sockets_takes_nothing_but_a_get(method: str) -> None:
    async with a_stack() as stack:
        assert await stack.ask(method, "/socket/websocket") == (400, "")


async def test_the_token_may_come_in_a_header_which_wins() -> None:
    async with a_stack() as stack:
        url = f"ws://127.0.0.1:{stack.port}/socket/websocket?vsn=2.0.0"
        async with connect(url + "&apikey=garbage", additional_headers={"x-api-key": a_token()}) as socket:
            assert await joined(socket) == {"postgres_changes": []}


async def test_a_header_above_4096_bytes_is_too_large() -> None:
    async with a_stack() as stack:
        with pytest.raises(InvalidStatus) as refusal:
            async with connect(stack.url(), additional_headers={"x-api-key": "x" * 4097}):
                pass

    assert refusal.value.response.status_code == 431


async def test_the_tenant_is_the_first_label_of_the_host() -> None:
    async with a_stack(external_id="realtime-dev") as stack:
        url = stack.url()
        async with connect(url.replace("127.0.0.1", "realtime-dev.localhost"), host="127.0.0.1") as socket:
            assert await joined(socket) == {"postgres_changes": []}

        assert await stack.refused() == (404, '{"error":"Tenant not found"}')
        assert await stack.ask("GET", "/api/ping") == (401, {"message": "Tenant not found in database"})


# -- tokens


def signed(key: Any, algorithm: str, key_id: str | None = "ours", **claims: Any) -> str:
    now = int(CLOCK.wall().timestamp())
    headers = {} if key_id is None else {"kid": key_id}
    return jwt.encode({"role": "anon", "exp": now + 60, **claims}, key, algorithm=algorithm, headers=headers)


async def test_a_token_of_the_key_set_is_good_at_every_door() -> None:
    async with a_stack(jwks=(JWK,)) as stack, stack.client(token=signed(PRIVATE, "ES256")) as socket:
        await joined(socket, access_token=signed(PRIVATE, "ES256", sub="join"))
        await socket.send(
            json.dumps(["1", "2", "realtime:room", "access_token", {"access_token": signed(PRIVATE, "ES256", sub="2")}])
        )

        assert (await say(socket, None, "3", "phoenix", "heartbeat", {}))[1] == "3"


async def test_a_token_without_its_key_is_refused_at_every_door() -> None:
    words = 'Failed to generate JWT signer for key ID (kid) "theirs", check your JWT secret or JWKS configuration'
    bad = signed(PRIVATE, "ES256", "theirs")
    async with a_stack(jwks=(JWK,)) as stack, stack.client() as socket:
        reply = await say(socket, "1", "1", "realtime:x", "phx_join", {"config": {}, "access_token": bad})
        await joined(socket)
        system = await say(socket, "1", "2", "realtime:room", "access_token", {"access_token": bad})
        end = await heard(socket)

        assert await stack.refused(token=bad) == (401, json.dumps({"error": words}, separators=(",", ":")))
    assert reply[4] == {"status": "error", "response": {"reason": f"JwtSignerError: {words}"}}
    assert system[4] == {"message": words, "status": "error", "extension": "system", "channel": "room"}
    assert end == ["1", "1", "realtime:room", "phx_close", {}]


async def test_a_claim_that_the_validators_refuse_is_an_error_of_the_server() -> None:
    async with a_stack(claim_validators={"iss": "us"}) as stack:
        refused = await stack.refused(token=signed(DEVELOPMENT_SECRET, "HS256", None, iss="them"))

    assert refused == (500, '{"error":"Error connecting to Realtime"}')


async def test_a_channel_ends_with_its_token_and_the_socket_stays() -> None:
    async with a_stack() as stack, stack.client() as socket:
        await joined(socket, access_token=signed(DEVELOPMENT_SECRET, "HS256", None, exp=CLOCK.wall().timestamp() + 1))
        system, end = await heard(socket), await heard(socket)

        assert (await say(socket, None, "2", "phoenix", "heartbeat", {}))[1] == "2"
    assert system[4]["message"] == "Token has expired 0 seconds ago"
    assert end == ["1", "1", "realtime:room", "phx_close", {}]


# -- frames


async def test_a_frame_above_five_million_bytes_closes_with_1009() -> None:
    async with a_stack() as stack, stack.client() as socket, stack.client() as other:
        with suppress(ConnectionClosed):  # the server does not wait for the end of it
            await socket.send("x" * 5_000_001)

        assert await closed(socket) == 1009
        assert await joined(other) == {"postgres_changes": []}


async def test_a_frame_of_five_million_bytes_is_read() -> None:
    async with a_stack() as stack, stack.client() as socket:
        frame = json.dumps([None, "1", "phoenix", "heartbeat", {"x": ""}])

        await socket.send(frame.replace('""', f'"{"y" * (5_000_000 - len(frame))}"'))

        assert (await heard(socket))[1] == "1"


async def test_a_text_that_is_no_utf8_closes_with_1007() -> None:
    async with a_stack() as stack, stack.client() as socket:
        await socket.send(b"\xff\xfe", text=True)

        assert await closed(socket) == 1007


async def test_broken_protocol_closes_with_1002() -> None:
    async with a_stack() as stack, stack.client() as socket:
        socket.transport.write(bytes((0xF0 | Opcode.TEXT, 0x80)) + os.urandom(4))

        assert await closed(socket) == 1002


async def test_binary_frames_are_messages_too() -> None:
    async with a_stack() as stack, stack.client() as socket:
        await socket.send(bytes((0, 0, 1, 7, 9)) + b"5phoenixheartbeat{}")
        beat = await heard(socket)
        await socket.send(bytes((0, 1, 1, 13, 8)) + b"11realtime:roomphx_joinxx")
        join = await heard(socket)
        await socket.send(bytes((3, 0, 1, 13, 1, 0, 1)) + b"9realtime:roome{}")
        push = await heard(socket)

    assert beat == [None, "5", "phoenix", "phx_reply", {"status": "ok", "response": {}}]
    reason = 'UnknownErrorOnChannel: expected params to be a :map, got: `{:binary, "xx"}`'
    assert join == ["1", "1", "realtime:room", "phx_reply", {"status": "error", "response": {"reason": reason}}]
    assert push[4] == {"status": "error", "response": {"reason": "unmatched topic"}}


# -- the admin API


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("token", ["", "garbage", a_token(secret="another-secret-of-more-than-32-characters")])
async def test_the_admin_api_is_for_those_with_its_secret(method: str, token: str) -> None:
    async with a_stack() as stack:
        assert await stack.ask(method, "/api/tenants/realtime-dev", {"tenant": {}}, token=token) == (403, "")


async def test_the_secret_of_the_api_is_not_that_of_the_tenant() -> None:
    secret = "the-secret-of-the-api-is-another-one-than-the-tenants"
    async with a_stack(api_secret=secret) as stack:
        assert (await stack.ask("GET", "/api/tenants"))[0] == 403
        assert (await stack.ask("GET", "/api/tenants", token=a_token(secret=secret)))[0] == 200


async def test_limits_are_changed_as_the_recordings_do() -> None:
    async with a_stack(external_id=None) as stack, stack.client() as socket:
        await joined(socket, "one")
        status, answer = await stack.ask("PUT", "/api/tenants/realtime-dev", {"tenant": {"max_channels_per_client": 1}})
        reply = await say(socket, "2", "2", "realtime:two", "phx_join", {"config": {}})

    assert (status, answer["data"]["max_channels_per_client"]) == (200, 1)
    assert reply[4]["response"] == {"reason": "ChannelRateLimitReached: Too many channels"}


async def test_the_tenant_can_be_looked_at() -> None:
    async with a_stack(external_id="realtime-dev") as stack:
        status, answer = await stack.ask("GET", "/api/tenants/realtime-dev")

        assert (status, answer["data"]["external_id"]) == (200, "realtime-dev")
        assert DEVELOPMENT_SECRET not in json.dumps(answer)
        assert await stack.ask("GET", "/api/tenants") == (200, {"data": [answer["data"]]})
        assert await stack.ask("GET", "/api/tenants/other") == (404, {"error": "not found"})
        assert await stack.ask("POST", "/api/tenants/other/reload") == (404, {"error": "not found"})


@pytest.mark.parametrize(("body", "status"), [("{", 400), ("[1]", 400), ({}, 400), ({"tenant": 5}, 400)])
async def test_a_body_that_is_no_tenant_is_a_bad_request(body: Any, status: int) -> None:
    async with a_stack() as stack:
        assert await stack.ask("PUT", "/api/tenants/realtime-dev", body) == (status, "Bad Request")


async def test_a_wrong_value_is_named() -> None:
    async with a_stack() as stack:
        answer = await stack.ask("PUT", "/api/tenants/realtime-dev", {"tenant": {"max_joins_per_second": "many"}})

    assert answer == (422, {"errors": {"max_joins_per_second": ["is invalid"]}})


@pytest.mark.parametrize(
    "change", [{"jwt_secret": "x" * 40}, {"private_only": True}, {"suspend": True}, {"jwt_jwks": {"keys": [JWK]}}]
)
async def test_a_change_of_who_may_come_in_drains_every_socket(change: dict[str, Any]) -> None:
    async with a_stack() as stack, stack.client() as socket:
        await joined(socket)
        status, _ = await stack.ask("PUT", "/api/tenants/realtime-dev", {"tenant": change})
        goodbye = await heard(socket)

        assert await closed(socket) == 1012
    assert status == 200
    words = {"message": "Server requested disconnect", "status": "ok", "extension": "system"}
    assert goodbye == [None, None, "realtime:room", "system", words]


async def test_a_new_secret_holds_at_once() -> None:
    secret = "a-new-secret-of-the-tenant-with-more-than-32-characters"
    async with a_stack(api_secret=DEVELOPMENT_SECRET) as stack:
        await stack.ask("PUT", "/api/tenants/realtime-dev", {"tenant": {"jwt_secret": secret}})

        assert await stack.refused() == (401, '{"error":"Failed to validate JWT signature"}')
        async with stack.client(token=a_token(secret=secret)) as socket:
            assert await joined(socket) == {"postgres_changes": []}


async def test_a_suspended_tenant_lets_nobody_in() -> None:
    async with a_stack(suspended=True) as stack:
        assert await stack.refused() == (403, '{"error":"Realtime was disabled for this tenant"}')


async def test_a_tenant_of_private_channels_refuses_public_ones() -> None:
    async with a_stack(private_only=True) as stack, stack.client() as socket:
        reply = await say(socket, "1", "1", "realtime:x", "phx_join", {"config": {}})

    assert reply[4]["response"] == {"reason": "PrivateOnly: This project only allows private channels"}


async def test_a_deleted_tenant_is_gone_until_it_is_made_again() -> None:
    async with a_stack(external_id=None) as stack, stack.client() as socket:
        tenant = {"tenant": {"external_id": "realtime-dev"}}
        assert await stack.ask("POST", "/api/tenants", tenant) == (
            422,
            {"errors": {"external_id": ["has already been taken"]}},
        )
        assert await stack.ask("DELETE", "/api/tenants/realtime-dev") == (204, "")
        assert await closed(socket) == 1012
        assert await stack.refused() == (404, '{"error":"Tenant not found"}')
        assert await stack.ask("GET", "/api/tenants") == (200, {"data": []})
        assert (await stack.ask("POST", "/api/tenants", tenant))[0] == 201
        async with stack.client() as again:
            assert await joined(again) == {"postgres_changes": []}


async def test_a_reload_makes_channels_subscribe_again() -> None:
    async with a_stack(subscribe_retry_s=(0.0, 0.0)) as stack, stack.client() as socket:
        await joined(socket, config={"postgres_changes": [BINDING]})
        first = await heard(socket)
        status, _ = await stack.ask("POST", "/api/tenants/realtime-dev/reload")
        second = await heard(socket)

    assert status == 204
    assert first == second
    assert first[4]["message"] == "Subscribed to PostgreSQL"


async def test_the_health_of_the_tenant_can_be_asked() -> None:
    async with a_stack() as stack, stack.client() as socket:
        idle = await stack.ask("GET", "/api/tenants/realtime-dev/health")
        await joined(socket, config={"postgres_changes": [BINDING]})
        await heard(socket)
        busy = await stack.ask("GET", "/api/tenants/realtime-dev/health")

    assert idle == (
        200,
        {"data": {"healthy": True, "db_connected": False, "replication_connected": False, "connected_cluster": 1}},
    )
    assert busy[1]["data"]["db_connected"] is True


async def test_the_server_itself_is_healthy_without_any_token() -> None:
    async with a_stack() as stack:
        assert await stack.ask("GET", "/healthcheck", token="") == (200, "ok")
        assert await stack.ask("GET", "/api/ping", token="") == (200, {"message": "Success"})


async def test_a_server_that_stops_says_goodbye_to_each_topic() -> None:
    async with a_stack() as stack, stack.client() as socket:
        await joined(socket)
        await stack.server.close()
        goodbye = await heard(socket)

        assert await closed(socket) == 1012
    assert goodbye[4]["message"] == "Server requested disconnect"
