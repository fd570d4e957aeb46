"""The application's HTTP side: starts generations, takes what users want of them, and gives what clients missed.

Behind the straight line: what the clients' recovery and the story's users talk to. Row security does not protect
these answers, so every request is checked here (D-68).
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final
from uuid import UUID

from aiohttp import web

from harness.clock import Clock, SteerableClock
from harness.errors import InvalidRequest, StoreError, TokenError
from harness.events.types import EventData
from harness.history import Recorder
from harness.pipeline.app import App
from harness.pipeline.flow import Flow
from harness.pipeline.ids import new_id
from harness.pipeline.inbox import Inbox, Reception
from harness.pipeline.requests import (
    Acknowledgement,
    EventsQuery,
    Nothing,
    StartGeneration,
    UserInput,
    body_of,
    checked,
)
from harness.pipeline.store import Store
from harness.tokens import verify

GENERATION: Final = "/api/articles/generation"
GOING_DOWN: Final = "the application is going down"
LARGEST_PAGE: Final = 1000

CORS: Final = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
    "Access-Control-Allow-Headers": "*, Authorization",
}
"""Open to every page: the stack listens on loopback and nothing goes without a token."""

REFUSED: Final[Mapping[Reception, str]] = {
    Reception.NOT_ASKED: "nothing is asked now",
    Reception.OTHER_QUESTION: "another question is asked now",
    Reception.NOT_PAUSED: "the process is not paused",
    Reception.ENDED: "the process is not running any more",
}
"""What a conflict (409) says; every other reception is a success."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who sends a request: a user, or the service itself, which sees all."""

    user_id: str | None
    is_service: bool


class Application:
    """The simulated backend of `app`: its running generations, and `web_application()` to be served.

    Its own `clock`, which faults may bend, goes by the one that it is given. All waiting of the generations is divided
    by `pace`. The same `rng` state and the same requests in the same order give the same ids and texts; where tables
    outlive a run, `ids` are drawn apart, and never twice the same.
    """

    def __init__(
        self,
        *,
        app: App,
        store: Store,
        secret: str,
        clock: Clock,
        rng: Random,
        recorder: Recorder,
        pace: float = 1.0,
        ids: Random | None = None,
    ) -> None:
        self.app: Final = app
        self.clock: Final = SteerableClock(clock)
        self._store = store
        self._secret = secret
        self._rng = rng
        own_ids = Random(rng.getrandbits(64))
        self._ids = own_ids if ids is None else ids
        self._recorder = recorder
        self._pace = pace
        publisher_ids = Random(self._ids.getrandbits(64))
        self._publisher = app.publisher(store, recorder=recorder, clock=self.clock, rng=publisher_ids)
        self._states = app.states(store, self._publisher, clock=self.clock)
        self._flows: dict[str, Flow] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._closed = False

    async def start(self, request: StartGeneration, *, user_id: str) -> str:
        """Begin a generation for that user and return its process id; raises `StoreError`."""
        process_id = str(new_id(self._ids))
        flow = Flow(
            process_id,
            initial_request=request.initial_request,
            options=request.simulation,
            publisher=self._publisher,
            states=self._states,
            clock=self.clock,
            rng=Random(self._rng.getrandbits(64)),
            ids=Random(self._ids.getrandbits(64)),
            recorder=self._recorder,
            pace=self._pace,
        )
        await self._store.create_process(
            process_id, user_id=user_id, initial_request=request.initial_request, at=self.clock.wall()
        )
        if self._closed:
            raise StoreError(GOING_DOWN)
        if request.simulation.scripted:
            return process_id
        self._flows[process_id] = flow
        if not request.simulation.held:
            self.release(process_id)
        return process_id

    def release(self, process_id: str) -> None:
        """Let a generation begin that is held back; one that runs goes on.

        Raises `InvalidRequest` where there is none any more, or never was, and `StoreError` after `close`.
        """
        if self._closed:
            raise StoreError(GOING_DOWN)
        if process_id not in self._flows:
            raise InvalidRequest(f"no generation of process {process_id} is held back: it has ended, or is scripted")
        if process_id in self._tasks:
            return
        task = self._tasks[process_id] = asyncio.create_task(self._flows[process_id].run(), name=f"flow {process_id}")
        task.add_done_callback(lambda _: self._ended(process_id))

    async def emit(self, process_id: str, data: EventData) -> None:
        """Say one event of a process whose story is told from outside; errors are those of the publisher."""
        await self._publisher.publish(process_id, data)

    async def emit_at_once(self, process_id: str, events: Sequence[EventData]) -> None:
        """Write many events of a process in one statement, past the debouncer, as an import does."""
        await self._publisher.publish_at_once(process_id, events)

    async def flush(self, process_id: str) -> None:
        """Return when nothing of the process is held back or being written any more."""
        await self._publisher.flush(process_id)

    def held(self) -> Mapping[str, int]:
        """What is kept, by kind: flows, and what the publisher holds."""
        return {"flows": len(self._flows), **self._publisher.held()}

    def running(self) -> frozenset[str]:
        """Processes that go on by themselves: not those that have ended, nor those that wait for a user."""
        flows = self._flows.items()
        return frozenset(name for name, flow in flows if name in self._tasks and not flow.process.at_rest)

    def idle(self) -> bool:
        """Whether nothing more will be said or written, heartbeats and expiries apart, until a user does something."""
        return not self.running() and not self._publisher.held().get("pending", 0)

    async def stop_flows(self) -> None:
        """End all generations where they are; an event that is being published is so before this returns."""
        tasks = tuple(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def close(self, *, grace: bool = True) -> None:
        """End all generations and start no more; without `grace` as if killed. Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        if not grace:  # nothing of the application may run between the two, or it would tell of its own end
            for task in self._tasks.values():
                task.cancel()
            await self._publisher.close(grace=False)
        await self.stop_flows()
        if grace:
            await self._publisher.close()

    def control(self) -> "Control":
        """What faults can do to it."""
        return Control(self)

    def web_application(self) -> web.Application:
        """The HTTP side, with full paths, to be served at the root of a site; see `docs/contract.md` 3, APP_URL."""
        application = web.Application(middlewares=[_answered_in_json])
        one = f"{GENERATION}/{{process_id}}"
        application.add_routes(
            [
                web.post(GENERATION, self._start),
                web.get(one, self._state),
                web.get(f"{one}/events", self._events),
                web.get(f"{one}/content", self._content),
                web.post(f"{one}/user-input", self._user_input),
                web.post(f"{one}/pause", self._pause),
                web.post(f"{one}/resume", self._resume),
                web.post(f"{one}/events/ack", self._acknowledge),
            ]
        )
        return application

    async def _start(self, request: web.Request) -> web.Response:
        user_id = self._user(request)
        process_id = await self.start(body_of(StartGeneration, await _text(request)), user_id=user_id)
        return _json({"process_id": process_id}, status=201)

    async def _state(self, request: web.Request) -> web.Response:
        process_id = await self._process(request)
        row = await self._store.state(process_id)
        return _json(row) if row is not None else _not_found()

    async def _events(self, request: web.Request) -> web.Response:
        process_id = await self._process(request)
        query = checked(EventsQuery, dict(request.query))
        limit = min(query.limit, LARGEST_PAGE)
        page = await self._store.events_since(process_id, query.since_sequence, limit=limit)
        return _json({"events": page.events, "last_sequence": page.last_sequence, "complete": page.complete})

    async def _content(self, request: web.Request) -> web.Response:
        process_id = await self._process(request)
        content = await self._store.content(process_id)
        if content is None:
            return _error(404, "the article is not finished")
        return _json(
            {
                "article_id": content.article_id,
                "process_id": content.process_id,
                "title": content.title,
                "content": content.content,
                "sha256": content.sha256,
            }
        )

    async def _user_input(self, request: web.Request) -> web.Response:
        process_id = await self._process(request)
        given = body_of(UserInput, await _text(request))
        return self._received(process_id, lambda inbox: inbox.answer(given))

    async def _pause(self, request: web.Request) -> web.Response:
        return await self._command(request, Inbox.pause)

    async def _resume(self, request: web.Request) -> web.Response:
        return await self._command(request, Inbox.resume)

    async def _command(self, request: web.Request, command: Callable[[Inbox], Reception]) -> web.Response:
        process_id = await self._process(request)
        body_of(Nothing, await _text(request))
        return self._received(process_id, command)

    async def _acknowledge(self, request: web.Request) -> web.Response:
        process_id = await self._process(request)
        user_id = self._user(request)
        up_to = body_of(Acknowledgement, await _text(request)).up_to_sequence
        cursor = await self._store.acknowledge(process_id, user_id=user_id, up_to_sequence=up_to, at=self.clock.wall())
        return _json({"acknowledged_up_to": cursor})

    def _received(self, process_id: str, put: Callable[[Inbox], Reception]) -> web.Response:
        flow = self._flows.get(process_id)
        reception = Reception.ENDED if flow is None or flow.process.ended else put(flow.process.inbox)
        if reception in REFUSED:
            return _error(409, REFUSED[reception])
        return _json({"outcome": reception}, status=202 if reception is Reception.ASKED_AGAIN else 200)

    async def _process(self, request: web.Request) -> str:
        """The process that is meant, if there is one and the caller may know of it; else the same 404."""
        caller = self._caller(request)
        process_id = _uuid(request.match_info["process_id"])
        owner = None if process_id is None else await self._store.owner(process_id)
        if process_id is None or owner is None or not (caller.is_service or owner == caller.user_id):
            raise web.HTTPNotFound(text="no such process")
        return process_id

    def _user(self, request: web.Request) -> str:
        user_id = self._caller(request).user_id
        if user_id is None:
            raise web.HTTPForbidden(text="only a user can do this: the token needs a `sub`")
        return user_id

    def _caller(self, request: web.Request) -> Caller:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise TokenError("a bearer token is needed")
        claims = verify(token.strip(), self._secret, wall=self.clock.wall())
        user_id = _uuid(str(claims.get("sub", "")))
        is_service = claims["role"] == "service_role"
        if not is_service and (claims["role"] != "authenticated" or user_id is None):
            raise TokenError("token refused: it is no user's")
        return Caller(user_id=user_id, is_service=is_service)

    def _ended(self, process_id: str) -> None:
        del self._flows[process_id], self._tasks[process_id]
        self._publisher.forget(process_id)


class Control:
    """`faults.fault.AppControl` of an application in this process."""

    def __init__(self, application: Application) -> None:
        self._application = application

    def jump_clock(self, seconds: float) -> None:
        """Set its wall clock forward or back."""
        self._application.clock.jump(seconds)

    async def stop(self, *, grace: bool) -> None:
        """End it as SIGTERM does, or without `grace` as SIGKILL does; what it has written stays readable."""
        await self._application.close(grace=grace)


@web.middleware
async def _answered_in_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Errors as JSON, and every answer readable for pages from elsewhere."""
    preflight = request.method == "OPTIONS"
    response = web.Response(status=204) if preflight else await _handled(request, handler)
    response.headers.update(CORS)
    return response


async def _handled(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except TokenError as error:
        return _error(401, str(error))
    except InvalidRequest as error:
        return _error(400, str(error))
    except StoreError as error:
        return _error(503, str(error))
    except web.HTTPException as error:
        return _error(error.status, error.text or error.reason)


async def _text(request: web.Request) -> str:
    try:
        return await request.text()
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"the body is no text: {error}") from error


def _json(value: Any, *, status: int = 200) -> web.Response:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return web.Response(text=text, status=status, content_type="application/json")


def _error(status: int, words: str) -> web.Response:
    return _json({"error": words}, status=status)


def _not_found() -> web.Response:
    return _error(404, "no such process")


def _uuid(text: str) -> str | None:
    """The id in its usual spelling, None if it is none."""
    try:
        return str(UUID(text))
    except ValueError:
        return None
