"""The admin API: the tenant seen and changed from outside (realtime-facts 1.5, 8.2, 11.3; the recordings' `ctl` steps).

`/api/tenants` and what is below it, for whoever has a token signed with the API secret. The server has one tenant:
it can be changed, deleted and made again, but there is no second one.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from aiohttp import web

from harness.realtime import request_json
from harness.realtime.answers import HEADERS, empty_answer, json_answer
from harness.realtime.auth import signed_with
from harness.realtime.services import Services
from harness.realtime.tenant import Tenant
from harness.realtime.tenant_columns import altered, shown

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_DEFAULT_ID: Final = "realtime-dev"


class Admin:
    """The routes of the API. `secret` is the API's, not the tenant's.

    `connected` counts the open sockets; `replicating` says whether broadcasts from the database are heard.
    """

    def __init__(
        self, services: Services, *, secret: str, connected: Callable[[], int], replicating: Callable[[], bool]
    ) -> None:
        self._services = services
        self._secret = secret
        self._connected = connected
        self._replicating = replicating

    def routes(self) -> Sequence[web.RouteDef]:
        """For an application."""
        one = "/api/tenants/{id}"
        return [
            web.get("/api/tenants", self._for_admins(self._list)),
            web.post("/api/tenants", self._for_admins(self._create)),
            web.get(one, self._for_admins(self._show)),
            web.put(one, self._for_admins(self._update)),
            web.patch(one, self._for_admins(self._update)),
            web.delete(one, self._for_admins(self._delete)),
            web.post(one + "/reload", self._for_admins(self._reload)),
            web.get(one + "/health", self._for_admins(self._health)),
        ]

    def _for_admins(self, handler: Handler) -> Handler:
        """The handler, behind a 403 without a body for everybody else."""

        async def guarded(request: web.Request) -> web.StreamResponse:
            scheme, _, token = request.headers.get("authorization", "").partition(" ")
            if scheme != "Bearer" or not signed_with(self._secret, token, wall=self._services.wall()):
                return empty_answer(403)
            return await handler(request)

        return guarded

    async def _list(self, _: web.Request) -> web.StreamResponse:
        tenants = [] if self._services.live.deleted else [self._shown()]
        return json_answer(200, {"data": tenants})

    async def _show(self, request: web.Request) -> web.StreamResponse:
        return json_answer(200, {"data": self._shown()}) if self._is_there(request) else _not_found()

    async def _create(self, request: web.Request) -> web.StreamResponse:
        columns = await _columns(request)
        if columns is None:
            return _bad_request()
        name = columns.get("external_id")
        if not isinstance(name, str) or not name:
            return _unprocessable({"external_id": ["can't be blank"]})
        if not self._is_ours(name):
            return _unprocessable({"external_id": [f"realtime-harness has one tenant, {self._id()}"]})
        if not self._services.live.deleted:
            return _unprocessable({"external_id": ["has already been taken"]})
        return self._alter(columns)

    async def _update(self, request: web.Request) -> web.StreamResponse:
        columns = await _columns(request)
        if columns is None:
            return _bad_request()
        if not self._is_ours(request.match_info["id"]):
            return _unprocessable({"external_id": [f"realtime-harness has one tenant, {self._id()}"]})
        return self._alter(columns)

    async def _delete(self, request: web.Request) -> web.StreamResponse:
        """A tenant that is gone lets nobody in; whoever is in is sent away."""
        if self._is_there(request):
            self._services.live.delete()
        return empty_answer(204)

    async def _reload(self, request: web.Request) -> web.StreamResponse:
        """Stop what serves the tenant; whoever needs it starts it anew."""
        if not self._is_there(request):
            return _not_found()
        await self._services.live.reload()
        return empty_answer(204)

    async def _health(self, request: web.Request) -> web.StreamResponse:
        """A tenant whose changes nobody wants is healthy without a reader of changes."""
        if not self._is_there(request):
            return _not_found()
        worker, replicating = self._services.worker, self._replicating()
        health = {
            "healthy": worker.warm or replicating or not worker.running,
            "db_connected": worker.warm or replicating,
            "replication_connected": replicating,
            "connected_cluster": self._connected(),
        }
        return json_answer(200, {"data": health})

    def _alter(self, columns: Mapping[str, Any]) -> web.Response:
        live = self._services.live
        tenant = altered(live.now, columns)
        if not isinstance(tenant, Tenant):
            return _unprocessable(tenant)
        created = live.deleted
        live.change(tenant)
        return json_answer(201 if created else 200, {"data": self._shown()})

    def _shown(self) -> dict[str, Any]:
        return shown(self._services.tenant, self._id())

    def _id(self) -> str:
        return self._services.tenant.external_id or _DEFAULT_ID

    def _is_ours(self, name: str) -> bool:
        return self._services.tenant.external_id in (None, name)

    def _is_there(self, request: web.Request) -> bool:
        return self._is_ours(request.match_info["id"]) and not self._services.live.deleted


async def _columns(request: web.Request) -> Mapping[str, Any] | None:
    """What the body wants of the tenant; None for a body that is none."""
    try:
        body = request_json.parse(await request.read())
    except ValueError:
        return None
    columns = body.get("tenant") if isinstance(body, dict) else None
    return columns if isinstance(columns, dict) else None


def _not_found() -> web.Response:
    return json_answer(404, {"error": "not found"})


def _unprocessable(errors: Mapping[str, list[str]]) -> web.Response:
    return json_answer(422, {"errors": errors})


def _bad_request() -> web.Response:
    """Recorded for a body that is no JSON: p05."""
    return web.Response(status=400, text="Bad Request", content_type="text/html", charset="utf-8", headers=HEADERS)
