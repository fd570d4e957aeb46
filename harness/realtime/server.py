"""The server's HTTP side: lets sockets in or refuses them (realtime-facts 1.1 to 1.3; recordings p01 and p04)."""

import asyncio
import json
import re
from collections.abc import Mapping
from random import Random
from typing import Final

from aiohttp import web

from harness.clock import Clock
from harness.history.recorder import Recorder
from harness.phoenix.serializer import V1, V2
from harness.realtime.auth import Refusal, verify
from harness.realtime.link import Link, Services
from harness.realtime.tenant import Tenant
from harness.realtime.worker import Worker

_VSN: Final = re.compile(r"([12])\.0\.\d+")
_SPOKEN: Final[Mapping[str, str]] = {"1": V1, "2": V2}
_SERVICE_RESTART: Final = 1012
_GOODBYE_S: Final = 1.0


class RealtimeServer:
    """Serves one tenant. Mount `routes()` in an application, and `close` before its runner is cleaned up.

    The caller owns the worker and closes it afterwards.
    """

    def __init__(
        self, *, tenant: Tenant, worker: Worker, recorder: Recorder, clock: Clock, rng: Random | None = None
    ) -> None:
        self._tenant = tenant
        self._clock = clock
        self._services = Services(tenant=tenant, worker=worker, clock=clock, rng=rng or Random(0), recorder=recorder)
        self._links: set[Link] = set()
        self._opened = 0

    def routes(self) -> list[web.RouteDef]:
        """The paths of the server itself and those that a gateway puts in front of it."""
        return [
            web.route("*", "/socket/websocket", self._websocket),
            web.route("*", "/realtime/v1/websocket", self._websocket),
            web.get("/healthcheck", _healthcheck),
            web.get("/api/ping", _ping),
            web.get("/realtime/v1/api/ping", _ping),
        ]

    async def close(self) -> None:
        """End every socket with 1012, as a server that restarts; wait until they are gone."""
        for link in tuple(self._links):
            link.drain(_SERVICE_RESTART)
        waited = 0.0
        while self._links and waited < 2 * _GOODBYE_S:
            await self._clock.sleep(0.01)
            waited += 0.01

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        vsn = _VSN.fullmatch(request.query.get("vsn", V1))
        if request.method != "GET":
            return web.Response(status=400)
        if vsn is None:
            return web.Response(status=403)
        if not self._is_ours(request.host):
            return await self._refuse(404, "Tenant not found")
        token = request.headers.get("x-api-key", request.query.get("apikey"))
        claims = verify(token, self._tenant.jwt_secret, wall=self._clock.wall().timestamp())
        if isinstance(claims, Refusal):
            return await self._refuse(*claims.at_connect())
        socket = web.WebSocketResponse(
            compress=False,
            max_msg_size=self._tenant.max_frame_bytes,
            heartbeat=None,
            autoping=False,
            timeout=_GOODBYE_S,
        )
        if not socket.can_prepare(request).ok:
            return web.Response(status=400, text="this is the path of a WebSocket: send upgrade headers")
        await socket.prepare(request)
        transport = request.transport
        if not isinstance(transport, asyncio.Transport):
            return socket
        link = Link(
            name=self._name(request),
            vsn=_SPOKEN[vsn.group(1)],
            claims=claims,
            services=self._services,
            socket=socket,
            transport=transport,
        )
        self._links.add(link)
        try:
            await link.serve()
        finally:
            self._links.discard(link)
        return socket

    def _is_ours(self, host: str) -> bool:
        """The tenant is the first label of the Host (realtime-facts 1.2)."""
        return self._tenant.external_id in (None, re.split(r"[.:]", host, maxsplit=1)[0])

    async def _refuse(self, status: int, error: str) -> web.Response:
        if self._tenant.quirks.slow_connect_refusal:
            await self._clock.sleep(self._tenant.connect_error_backoff_s)
        return web.json_response({"error": error}, status=status, dumps=_compact)

    def _name(self, request: web.Request) -> str:
        self._opened += 1
        return request.query.get("link") or f"socket-{self._opened}"


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


async def _healthcheck(_: web.Request) -> web.Response:
    return web.Response(text="ok")


async def _ping(_: web.Request) -> web.Response:
    return web.json_response({"message": "Success"}, dumps=_compact)
