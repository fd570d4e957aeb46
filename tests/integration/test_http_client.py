"""`HttpClient` against a small server: what it sends, and what it makes of each kind of answer."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from harness.errors import FetchFailed
from harness.pipeline.app_api import AppApi, Article, EventPage
from harness.pipeline.http_client import HttpClient

ROOT = "/api/articles/generation"
ROW = {"id": "e1", "event_sequence": 8}
PAGE = {"events": [ROW], "last_sequence": 9, "complete": False}
ARTICLE = {"article_id": "a", "process_id": "p", "title": "Tea", "content": "木", "sha256": "00"}

Call = Callable[[AppApi], Awaitable[object]]


class Server:
    """Answers everything with `answer` and keeps what was asked."""

    def __init__(self) -> None:
        self.answer: Callable[[], web.Response] = lambda: web.json_response({})
        self.delay = 0.0
        self.asked: list[tuple[str, str, Any, str | None]] = []
        application = web.Application()
        application.router.add_route("*", "/{anything:.*}", self._handle)
        self.server = TestServer(application)

    async def _handle(self, request: web.Request) -> web.Response:
        body = await request.json() if request.can_read_body else None
        self.asked.append((request.method, request.path_qs, body, request.headers.get("Authorization")))
        await asyncio.sleep(self.delay)
        return self.answer()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    await server.server.start_server()
    yield server
    await server.server.close()


@pytest.fixture
async def client(server: Server) -> AsyncIterator[HttpClient]:
    client = HttpClient(f"{server.server.make_url('/')}", token="secret", timeout=0.5)
    yield client
    await client.close()


@pytest.mark.parametrize(
    ("call", "method", "path", "body"),
    [
        (lambda api: api.pause("p"), "POST", "/p/pause", None),
        (lambda api: api.resume("p"), "POST", "/p/resume", None),
        (lambda api: api.ack("p", 7), "POST", "/p/events/ack", {"up_to_sequence": 7}),
        (
            lambda api: api.post_user_input("p", response_type="SELECT_THEME", payload={"a": 1}, input_id="i"),
            "POST",
            "/p/user-input",
            {"response_type": "SELECT_THEME", "payload": {"a": 1}, "input_id": "i"},
        ),
    ],
)
async def test_what_users_do_is_posted(
    server: Server, client: HttpClient, call: Call, method: str, path: str, body: Any
) -> None:
    await call(client)

    assert server.asked == [(method, ROOT + path, body, "Bearer secret")]


async def test_a_generation_is_started(server: Server, client: HttpClient) -> None:
    server.answer = lambda: web.json_response({"process_id": "p"}, status=201)

    assert await client.start({"keywords": ["茶"]}, {"sections": 3}) == "p"
    body = {"initial_request": {"keywords": ["茶"]}, "simulation": {"sections": 3}}
    assert server.asked == [("POST", ROOT, body, "Bearer secret")]


async def test_events_are_fetched_page_by_page(server: Server, client: HttpClient) -> None:
    server.answer = lambda: web.json_response(PAGE)

    page = await client.events_since("p", 7, 1)

    assert page == EventPage(events=(ROW,), last_sequence=9, complete=False)
    assert server.asked == [("GET", f"{ROOT}/p/events?since_sequence=7&limit=1", None, "Bearer secret")]


async def test_the_article_is_read(server: Server, client: HttpClient) -> None:
    server.answer = lambda: web.json_response(ARTICLE)

    assert await client.content("p") == Article(article_id="a", title="Tea", content="木", sha256="00")
    assert server.asked == [("GET", f"{ROOT}/p/content", None, "Bearer secret")]


async def test_a_refusal_is_raised_with_status_and_words(server: Server, client: HttpClient) -> None:
    server.answer = lambda: web.Response(status=409, text="nothing is asked now")

    with pytest.raises(FetchFailed) as refusal:
        await client.pause("p")

    assert (refusal.value.status, refusal.value.reason) == (409, "nothing is asked now")


@pytest.mark.parametrize("text", ["", "[]", '{"events": 5, "last_sequence": 1, "complete": true}', "<html>"])
async def test_an_answer_that_is_no_page_is_a_failure(server: Server, client: HttpClient, text: str) -> None:
    server.answer = lambda: web.Response(text=text)

    with pytest.raises(FetchFailed, match="not understood"):
        await client.events_since("p", 0, 1)


async def test_no_answer_in_time_is_a_failure_without_a_status(server: Server, client: HttpClient) -> None:
    server.delay = 2.0

    with pytest.raises(FetchFailed) as failure:
        await client.pause("p")

    assert failure.value.status == 0


async def test_nobody_there_is_a_failure_without_a_status(server: Server, client: HttpClient) -> None:
    await server.server.close()

    with pytest.raises(FetchFailed) as failure:
        await client.content("p")

    assert failure.value.status == 0


async def test_a_token_may_be_asked_for_before_each_request(server: Server) -> None:
    tokens = iter(["first", "second"])
    client = HttpClient(str(server.server.make_url("/")), token=lambda: next(tokens))

    await client.pause("p")
    await client.resume("p")
    await client.close()

    assert [authorization for *_, authorization in server.asked] == ["Bearer first", "Bearer second"]
