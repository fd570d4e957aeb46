"""The HTTP endpoints of broadcasts, a batch and a single one (realtime-facts 5.2; recordings p05, p05c and p09b).

Between HTTP and the rooms. What is asked in which order is the real server's: body, tenant, rate of requests, token,
message, rate of messages, policies.
"""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from aiohttp import web

from harness.errors import FrameError
from harness.phoenix.message import JSON_ENCODED, RAW_ENCODED, UserBroadcast
from harness.realtime import request_json
from harness.realtime.answers import HEADERS, empty_answer, json_answer
from harness.realtime.auth import Claims
from harness.realtime.authorisation import Authorisation, Extension, Failure, Reason, Visitor
from harness.realtime.broadcast import EVENT, Broadcast, Room, Text
from harness.realtime.broadcast_batch import TOO_BIG, BatchErrors, BatchMessage, read_batch
from harness.realtime.broadcasting import Broadcasts
from harness.realtime.limiting import tell
from harness.realtime.limits import Bite
from harness.realtime.services import Services

_LONGEST_BODY: Final = 8_000_000
_JSON: Final = "application/json"
_BYTES: Final = "application/octet-stream"
_NO_TYPE: Final = {"error": f"Unsupported Media Type. Use {_JSON} or {_BYTES}"}
_UNAUTHORIZED: Final = {"message": "Unauthorized"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A request that was let in: whose, from where, and what it carries (JSON, or bytes)."""

    claims: Claims
    headers: Mapping[str, str]
    body: Any


class HttpBroadcast:
    """Serves the endpoints, at the server's own paths and at those that a gateway puts in front of it.

    `is_ours` says whether a Host is the tenant's. Without an `authorisation` nobody may send privately.
    """

    def __init__(
        self,
        services: Services,
        broadcasts: Broadcasts,
        authorisation: Authorisation | None,
        *,
        is_ours: Callable[[str], bool],
    ) -> None:
        self._services = services
        self._broadcasts = broadcasts
        self._authorisation = authorisation
        self._is_ours = is_ours

    def routes(self) -> list[web.RouteDef]:
        """The paths."""
        paths = {"/api/broadcast": self._batch, "/api/broadcast/{topic:[^/]+}/events/{event:[^/]+}": self._single}
        mounted = {prefix + path: action for prefix in ("", "/realtime/v1") for path, action in paths.items()}
        return [web.post(path, action) for path, action in mounted.items()] + [
            web.options(path, _preflight) for path in mounted
        ]

    async def _batch(self, request: web.Request) -> web.Response:
        return await self._answer(request, self._send_batch)

    async def _single(self, request: web.Request) -> web.Response:
        return await self._answer(request, self._send_single)

    async def _answer(
        self, request: web.Request, act: Callable[[web.Request, _Asked], Awaitable[tuple[int, Any]]]
    ) -> web.Response:
        """The answer with the headers that all answers of a tenant carry; None as a body is none."""
        allowed = {"access-control-allow-origin": "*"} if "Origin" in request.headers else {}
        try:
            body = await _body(request)
        except web.RequestPayloadError:  # not in the encoding that its header names
            return web.Response(status=400, text="Bad Request", content_type="text/html", headers=HEADERS)
        except _Unreadable as error:
            return web.Response(status=error.status, text=error.words, content_type="text/html", headers=HEADERS)
        if not self._is_ours(request.host):
            return json_answer(401, {"message": "Tenant not found in database"}, headers=allowed)
        rates, bite = self._services.limits.request(self._services.clock.now())
        status, answer = self._over(bite) if bite is not None else await self._let_in(request, body, act)
        headers = {**allowed, **rates}
        return empty_answer(status, headers=headers) if answer is None else json_answer(status, answer, headers=headers)

    async def _let_in(
        self, request: web.Request, body: Any, act: Callable[[web.Request, _Asked], Awaitable[tuple[int, Any]]]
    ) -> tuple[int, Any]:
        claims = self._services.verify(_token(request.headers))
        if not isinstance(claims, Claims):
            return 401, _UNAUTHORIZED
        if self._services.tenant.suspended:
            return 403, {"message": "Tenant is suspended"}
        headers = {name.lower(): value for name, value in request.headers.items()}
        return await act(request, _Asked(claims=claims, headers=headers, body=body))

    async def _send_batch(self, _: web.Request, asked: _Asked) -> tuple[int, Any]:
        """Public messages first, then the private ones by topic; what may not be sent is silently left out."""
        batch = read_batch(asked.body if isinstance(asked.body, dict) else {}, self._fits)
        if isinstance(batch, BatchErrors):
            return 422, batch.body()
        bite = self._services.limits.batch(self._services.clock.now(), len(batch))
        if bite is not None:
            return self._over(bite)
        self._send_all([each for each in batch if not each.private])
        private = sorted((each for each in batch if each.private), key=lambda each: each.topic)
        denied = False
        for topic, messages in groupby(private, key=lambda each: each.topic):
            if await self._may_write(topic, asked) is True:
                self._send_all(list(messages))
            else:
                denied = True
        return (
            (403, _UNAUTHORIZED) if denied and not self._services.tenant.quirks.denied_batch_accepted else (202, None)
        )

    async def _send_single(self, request: web.Request, asked: _Asked) -> tuple[int, Any]:
        given = request.headers.get("Content-Type", _JSON)
        if not given.startswith((_JSON, _BYTES)):
            return 415, _NO_TYPE
        if not self._fits(asked.body):
            return 422, {"errors": {"payload": [TOO_BIG]}}
        bite = self._services.limits.batch(self._services.clock.now(), 0)
        if bite is not None:
            return self._over(bite)
        topic, private = request.match_info["topic"], request.query.get("private") == "true"
        if private:
            may = await self._may_write(topic, asked)
            if may is not True:
                return (422, {"message": may.over_http()}) if isinstance(may, Failure) else (403, _UNAUTHORIZED)
        return self._send(topic, private, _user_broadcast(request.match_info["event"], asked.body))

    def _send_all(self, messages: Sequence[BatchMessage]) -> None:
        for each in messages:
            text = Text({"event": each.event, "payload": each.payload, "type": EVENT})
            self._send(each.topic, each.private, text)

    def _send(self, topic: str, private: bool, broadcast: Broadcast) -> tuple[int, Any]:
        self._services.limits.sent(self._services.clock.now())
        try:
            self._broadcasts.send(Room(f"realtime:{topic}", private), broadcast)
        except FrameError:
            return 500, {"errors": {"detail": "Internal Server Error"}}
        return 202, None

    async def _may_write(self, topic: str, asked: _Asked) -> bool | Failure:
        if self._authorisation is None:
            return Failure(reason=Reason.NO_DATABASE, words="this server has no database")
        claims = asked.claims
        visitor = Visitor(topic=topic, role=claims.role, claims=claims.text, headers=asked.headers)
        return await self._authorisation.writable(visitor, Extension.BROADCAST)

    def _fits(self, payload: Any) -> bool:
        bite = self._services.limits.payload(payload)
        if bite is not None:
            tell(self._services.recorder, bite, {})
        return bite is None

    def _over(self, bite: Bite) -> tuple[int, Any]:
        tell(self._services.recorder, bite, {})
        status, message = bite.over_http()
        return status, {"message": message}


class _Unreadable(Exception):
    """A body that the real server's parser refuses, before it looks at anything else."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status
        self.words = words


async def _body(request: web.Request) -> Any:
    """JSON becomes an object, under `_json` if it is none; bytes stay; what is neither is as if empty."""
    data = await request.content.read(_LONGEST_BODY + 1)
    while not request.content.at_eof() and len(data) <= _LONGEST_BODY:
        data += await request.content.read(_LONGEST_BODY + 1 - len(data))
    if len(data) > _LONGEST_BODY:
        raise _Unreadable(413, "Request Entity Too Large")
    given = request.headers.get("Content-Type", "")
    if given.startswith(_BYTES):
        return data
    if not given.startswith(_JSON) or not data:
        return {}
    try:
        value = request_json.parse(data)
    except ValueError as error:
        raise _Unreadable(400, "Bad Request") from error
    return value if isinstance(value, dict) else {"_json": value}


def _token(headers: Mapping[str, str]) -> str | None:
    """That of `Authorization: Bearer …`, else `apikey`."""
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" and token else headers.get("apikey")


def _user_broadcast(event: str, body: Any) -> UserBroadcast:
    if isinstance(body, bytes):
        return UserBroadcast(user_event=event, encoding=RAW_ENCODED, data=body)
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return UserBroadcast(user_event=event, encoding=JSON_ENCODED, data=text.encode(errors="replace"))


async def _preflight(request: web.Request) -> web.Response:
    """A browser asks whether it may."""
    asked = request.headers.get("Access-Control-Request-Headers", "authorization, apikey, content-type")
    headers = {
        "access-control-allow-origin": "*",
        "access-control-allow-methods": "POST, OPTIONS",
        "access-control-allow-headers": asked,
    }
    return empty_answer(200, headers=headers)
