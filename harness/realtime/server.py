"""The server's HTTP side: lets sockets in or refuses them (realtime-facts 1.1 to 1.3; recordings p01 and p04)."""

import asyncio
import re
from collections.abc import Mapping
from random import Random
from typing import Final

from aiohttp import web

from harness.clock import Clock, time_factor
from harness.history.recorder import Recorder
from harness.phoenix.serializer import V1, V2
from harness.realtime.admin import Admin
from harness.realtime.answers import HEADERS, empty_answer, json_answer
from harness.realtime.auth import Claims, Refusal
from harness.realtime.authorisation import Permits
from harness.realtime.broadcasting import Broadcasts, Messages
from harness.realtime.changes import Changes
from harness.realtime.feature import UpgradeRefusal
from harness.realtime.http_broadcast import HttpBroadcast
from harness.realtime.limiting import Limiting
from harness.realtime.link import Link
from harness.realtime.presence_channel import PresenceChannels
from harness.realtime.replication_ready import ReplicationReady
from harness.realtime.services import Services
from harness.realtime.tenant import LiveTenant, Tenant
from harness.realtime.tenant_columns import disconnects
from harness.realtime.token_watch import TokenWatch
from harness.realtime.upgrade import upgrade_fault
from harness.realtime.worker import Worker

# `~> 1.0.0` or `~> 2.0.0`: a pre-release of the very first patch is older than that.
_VSN: Final = re.compile(
    r"([12])\.0\.(?:0|[1-9]\d*(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?)(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
)
_SPOKEN: Final[Mapping[str, str]] = {"1": V1, "2": V2}
_SERVICE_RESTART: Final = 1012
_GOODBYE_S: Final = 1.0
_LONGEST_HEADER: Final = 4096
_LONGEST_NAME: Final = 200


class RealtimeServer:
    """Serves one tenant. Mount `routes()` in an application, and `close` before its runner is cleaned up.

    The caller owns the worker and `messages` and closes them afterwards. Without `messages` there are neither
    private channels nor broadcasts from the database.
    """

    def __init__(
        self,
        *,
        tenant: Tenant,
        worker: Worker,
        recorder: Recorder,
        clock: Clock,
        messages: Messages | None = None,
        rng: Random | None = None,
        api_secret: str | None = None,
    ) -> None:
        self._clock = clock
        self._services = Services(
            live=LiveTenant(tenant),
            worker=worker,
            clock=clock,
            rng=rng or Random(0),
            recorder=recorder,
            limits=worker.limits,
        )
        authorisation = messages.authorisation if messages is not None else None
        permits = Permits(authorisation)
        broadcasts = Broadcasts(self._services, permits, messages)
        if messages is not None:
            messages.listen(broadcasts.hear, patient=tenant.quirks.message_stream_retries_slowly)

        def replicating() -> bool:
            return messages is not None and messages.connected

        ready = ReplicationReady(self._services, replicating)
        presence = PresenceChannels(self._services, permits)
        features = (
            Limiting(self._services).feature(),
            permits.feature(),
            broadcasts.feature(),
            presence.entrance(),
            Changes(self._services).feature(),
            ready.feature(),
            presence.feature(),
        )
        self._http_broadcast = HttpBroadcast(self._services, broadcasts, authorisation, is_ours=self._is_ours)
        self._tokens = TokenWatch(self._services, features)
        self._features = (self._tokens.feature(), *features)
        self._links: set[Link] = set()
        self._opened = 0
        self._admin = Admin(
            self._services,
            secret=api_secret or tenant.jwt_secret,
            connected=lambda: len(self._links),
            replicating=replicating,
        )
        self._services.live.watch(self._tenant_changed)
        self._services.live.on_reload(worker.reload)
        worker.on_node_end(self._node_ended)

    @property
    def live(self) -> LiveTenant:
        """The tenant, which may be changed while it is served."""
        return self._services.live

    def routes(self) -> list[web.RouteDef]:
        """The paths of the server itself and those that a gateway puts in front of it."""
        return [
            web.route("*", "/socket/websocket", self._websocket),
            web.route("*", "/realtime/v1/websocket", self._websocket),
            web.get("/healthcheck", _healthcheck),
            web.get("/api/ping", self._ping),
            web.get("/realtime/v1/api/ping", self._ping),
            *self._admin.routes(),
            *self._http_broadcast.routes(),
        ]

    def _node_ended(self) -> None:
        """A node that dies closes its sockets with 1012 and tells no channel (recording p13b)."""
        for link in tuple(self._links):
            link.drain(_SERVICE_RESTART, told=False)

    async def close(self) -> None:
        """End every socket with 1012, as a server that restarts; wait until they are gone."""
        self.close_sockets(_SERVICE_RESTART)
        waited = 0.0
        while self._links and waited < 2 * _GOODBYE_S:
            await self._clock.sleep(0.01 * time_factor(self._clock))  # of this machine: sockets are not hurried
            waited += 0.01

    def close_sockets(self, code: int) -> None:
        """Say goodbye to every channel and begin to close every socket with that code; new ones are let in."""
        for link in tuple(self._links):
            link.drain(code)

    def census(self) -> Mapping[str, int]:
        """How many `sockets` are open, and how many `channels` are joined on them."""
        return {"sockets": len(self._links), "channels": sum(len(link.channels) for link in self._links)}

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        """Let a socket in: vsn, tenant, token and limits first, then the upgrade itself, as Phoenix does."""
        if any(len(value) > _LONGEST_HEADER for value in request.headers.values()):
            return empty_answer(431)
        if request.method != "GET":
            return empty_answer(400)
        vsn = _VSN.fullmatch(_parameter(request, "vsn") or V1)
        if vsn is None:
            return empty_answer(403)
        claims = self._claims(request)
        if isinstance(claims, UpgradeRefusal):
            return await self._refuse(claims)
        missing = upgrade_fault(request.headers)
        if missing is not None:
            return web.Response(status=400, text=missing, headers=HEADERS)
        return await self._serve(request, _SPOKEN[vsn.group(1)], claims)

    def _claims(self, request: web.Request) -> Claims | UpgradeRefusal:
        """Whose socket it is, or why it is not let in."""
        if not self._is_ours(request.host):
            return UpgradeRefusal(status=404, words="Tenant not found")
        if self._services.tenant.suspended:
            return UpgradeRefusal(status=403, words="Realtime was disabled for this tenant")
        claims = self._services.verify(request.headers.get("x-api-key", _parameter(request, "apikey")))
        if isinstance(claims, Refusal):
            status, words = claims.at_connect()
            return UpgradeRefusal(status=status, words=words)
        refusals = (each.connect() for each in self._features if each.connect is not None)
        return next((each for each in refusals if each is not None), claims)

    async def _serve(self, request: web.Request, vsn: str, claims: Claims) -> web.StreamResponse:
        socket = web.WebSocketResponse(
            compress=False,
            max_msg_size=self._services.tenant.max_frame_bytes + 1,  # aiohttp refuses what is as long
            heartbeat=None,
            autoping=False,
            timeout=_GOODBYE_S,
        )
        socket.headers.update({name: value for name, value in HEADERS.items() if name != "vary"})
        await socket.prepare(request)
        transport = request.transport
        if not isinstance(transport, asyncio.Transport):
            return socket
        link = Link(
            name=self._name(request),
            vsn=vsn,
            headers={name.lower(): value for name, value in request.headers.items() if name.lower().startswith("x-")},
            claims=claims,
            services=self._services,
            features=self._features,
            tokens=self._tokens,
            socket=socket,
            transport=transport,
        )
        self._links.add(link)
        try:
            await link.serve()
        finally:
            self._links.discard(link)
        return socket

    def _tenant_changed(self, before: Tenant, after: Tenant) -> None:
        """Some changes end every socket, which then comes back under the new settings (realtime-facts 1.5)."""
        self._services.worker.follow(after)
        self._services.limits.replace(after.limits)
        if disconnects(before, after) or self._services.live.deleted:
            self.close_sockets(_SERVICE_RESTART)

    def _is_ours(self, host: str) -> bool:
        """The tenant is the first label of the Host (realtime-facts 1.2)."""
        name = re.split(r"[.:]", host, maxsplit=1)[0]
        return self._services.tenant.external_id in (None, name) and not self._services.live.deleted

    async def _refuse(self, refusal: UpgradeRefusal) -> web.Response:
        if self._services.tenant.quirks.slow_connect_refusal:
            await self._clock.sleep(self._services.tenant.connect_error_backoff_s)
        return json_answer(refusal.status, {"error": refusal.words})

    def _name(self, request: web.Request) -> str:
        """As the client calls itself, so that the history tells its readers apart; nothing that spoils a log."""
        self._opened += 1
        name = request.query.get("link", "")
        return name if name.isprintable() and 0 < len(name) <= _LONGEST_NAME else f"socket-{self._opened}"

    async def _ping(self, request: web.Request) -> web.Response:
        if not self._is_ours(request.host):
            return json_answer(401, {"message": "Tenant not found in database"})
        return json_answer(200, {"message": "Success"})


async def _healthcheck(_: web.Request) -> web.Response:
    return web.Response(text="ok", headers=HEADERS)


def _parameter(request: web.Request, name: str) -> str | None:
    """A parameter of the query; of several with that name the last, as Plug reads them."""
    return request.query.getall(name, [None])[-1]
