"""The application's HTTP side over real sockets, with its tables in memory and, once, in PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from random import Random
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from aiohttp.test_utils import TestClient, TestServer

from harness.backends.cluster import start_cluster
from harness.clock import SystemClock
from harness.errors import StoreError
from harness.history import History, Recorder
from harness.pipeline.backend_app import GENERATION, Application
from harness.pipeline.reference import Reference
from harness.pipeline.schema import migrate
from harness.pipeline.store import Store
from harness.pipeline.store_postgres import PostgresStore
from harness.tokens import DEVELOPMENT_SECRET, mint, user_id
from tests.contracts.memory_store import MemoryStore

ALICE, BOB = str(user_id("alice")), str(user_id("bob"))
CLOCK = SystemClock()
QUICK = {"sections": 1, "chunks": 3, "images": 1, "research_queries": 1}


def token(sub: str | None = ALICE, *, role: str = "authenticated", ttl: float = 3600.0, secret: str = "") -> str:
    return mint(secret or DEVELOPMENT_SECRET, role=role, sub=sub, wall=CLOCK.wall(), ttl=ttl)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A running application and who speaks to it."""

    application: Application
    client: Any
    store: Store
    recorder: Recorder

    async def ask(
        self, method: str, path: str = "", *, body: Any = None, bearer: str | None = None, **query: str
    ) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {token() if bearer is None else bearer}"}
        url = GENERATION + path
        async with self.client.request(method, url, json=body, headers=headers, params=query) as response:
            return response.status, await response.json()

    async def start(self, **simulation: Any) -> str:
        status, answer = await self.ask("POST", body={"simulation": {**QUICK, **simulation}})
        assert status == 201, answer
        process_id: str = answer["process_id"]
        return process_id

    async def question(self, process_id: str, number: int) -> dict[str, Any]:
        """The `number`th question, as soon as its state is saved."""
        question: dict[str, Any] = await eventually(lambda: self._question(process_id, number))
        return question

    async def _question(self, process_id: str, number: int) -> dict[str, Any] | None:
        rows = await self.rows(process_id)
        asked = [row["event_data"] for row in rows if row["event_type"] == "user_input_required"]
        state = await self.store.state(process_id)
        ready = len(asked) >= number and state is not None and state["is_waiting_for_input"]
        return asked[number - 1] if ready else None

    async def answer(self, process_id: str, question: dict[str, Any], **payload: Any) -> tuple[int, Any]:
        if not payload and question["input_type"].startswith("SELECT"):
            payload = {"selected_index": 0}
        body = {"response_type": question["input_type"], "payload": payload, "input_id": question["input_id"]}
        return await self.ask("POST", f"/{process_id}/user-input", body=body)

    async def finish(self, process_id: str) -> None:
        for number in range(1, 5):
            status, _ = await self.answer(process_id, await self.question(process_id, number))
            assert status == 200
        await self.status(process_id, "completed")

    async def status(self, process_id: str, wanted: str) -> None:
        async def reached() -> bool:
            state = await self.store.state(process_id)
            return state is not None and state["status"] == wanted

        await eventually(reached)

    async def rows(self, process_id: str) -> list[dict[str, Any]]:
        return [dict(row) for row in (await self.store.events_since(process_id, 0, limit=1000)).events]


async def eventually(found: Callable[[], Awaitable[Any]]) -> Any:
    async with asyncio.timeout(20):
        while not (value := await found()):
            await CLOCK.sleep(0.01)
    return value


async def served(store: Store, *, pace: float = 500.0) -> AsyncIterator[Site]:
    recorder = Recorder(CLOCK.now)
    application = Application(
        app=Reference(debounce="off"),
        store=store,
        secret=DEVELOPMENT_SECRET,
        clock=CLOCK,
        rng=Random(5),
        recorder=recorder,
        pace=pace,
    )
    async with TestClient(TestServer(application.web_application())) as client:
        yield Site(application=application, client=client, store=store, recorder=recorder)
        await application.close()
        assert application.idle()
    assert not History(recorder.ops()).where(f="crash")


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async for site in served(MemoryStore()):
        yield site


async def test_a_generation_from_request_to_article(site: Site) -> None:
    process_id = await site.start()

    await site.finish(process_id)
    status, state = await site.ask("GET", f"/{process_id}")
    _, article = await site.ask("GET", f"/{process_id}/content")
    _, events = await site.ask("GET", f"/{process_id}/events")

    assert (status, state["id"], state["status"], state["user_id"]) == (200, process_id, "completed", ALICE)
    assert state["title"] == article["title"]
    completed = events["events"][-1]
    assert completed["event_type"] == "process_completed"
    assert completed["event_data"]["article_id"] == article["article_id"]
    assert completed["event_data"]["content_sha256"] == article["sha256"]
    assert (events["last_sequence"], events["complete"]) == (completed["event_sequence"], True)
    await eventually(_true(site.application.idle))
    assert site.application.running() == frozenset()


async def test_a_generation_on_postgresql() -> None:
    cluster = await start_cluster()
    try:
        session = await asyncpg.connect(cluster.url())
        await migrate(session)
        await session.close()
        store = await PostgresStore.open(cluster.url())
        async for site in served(store):
            processes = [await site.start(failures=[{"step": "editing"}]) for _ in range(3)]
            await asyncio.gather(*(site.finish(process_id) for process_id in processes))
            for process_id in processes:
                rows = await site.rows(process_id)
                assert [row["event_sequence"] for row in rows] == list(range(1, len(rows) + 1))
                assert rows[-1]["event_type"] == "process_completed"
                state = await store.state(process_id)
                assert state is not None
                assert (state["status"], state["last_event_sequence"]) == ("completed", len(rows))
                assert state["total_processing_time"]
        await store.close()
    finally:
        await cluster.stop()


async def test_events_come_in_pages(site: Site) -> None:
    process_id = await site.start()
    await site.finish(process_id)
    total = len(await site.rows(process_id))

    _, first = await site.ask("GET", f"/{process_id}/events", limit="10")
    _, rest = await site.ask("GET", f"/{process_id}/events", since_sequence="10", limit="5000")

    assert [row["event_sequence"] for row in first["events"]] == list(range(1, 11))
    assert (first["last_sequence"], first["complete"]) == (total, False)
    assert [row["event_sequence"] for row in rest["events"]] == list(range(11, total + 1))
    assert rest["complete"] is True


async def test_a_page_holds_at_most_a_thousand_events(site: Site) -> None:
    process_id = await site.start(sections=1, chunks=1100, chunk_interval_s=0)
    await site.finish(process_id)

    _, page = await site.ask("GET", f"/{process_id}/events", limit="5000")

    assert (len(page["events"]), page["complete"]) == (1000, False)
    assert page["last_sequence"] > 1100


@pytest.mark.parametrize(
    ("bearer", "words"),
    [
        ("", "a bearer token is needed"),
        ("nonsense", "token refused"),
        (token(secret="another secret of at least 32 characters"), "Signature verification failed"),
        (token(ttl=-1), "expired"),
        (token(None, role="anon"), "no user's"),
        (token(None), "no user's"),
        (token("alice"), "no user's"),
    ],
)
async def test_without_a_users_token_nothing_is_said(site: Site, bearer: str, words: str) -> None:
    process_id = await site.start()

    for method, path in (("POST", ""), ("GET", f"/{process_id}"), ("GET", f"/{process_id}/events")):
        status, answer = await site.ask(method, path, bearer=bearer)
        assert status == 401
        assert words in answer["error"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("GET", "/events"),
        ("GET", "/content"),
        ("POST", "/user-input"),
        ("POST", "/pause"),
        ("POST", "/resume"),
        ("POST", "/events/ack"),
    ],
)
async def test_somebody_elses_process_is_as_unknown_as_none(site: Site, method: str, path: str) -> None:
    process_id = await site.start()

    answers = [await site.ask(method, f"/{one}{path}", bearer=token(BOB)) for one in (process_id, uuid4(), "not-an-id")]

    assert answers == [(404, {"error": "no such process"})] * 3


async def test_the_service_sees_all_but_is_no_user(site: Site) -> None:
    process_id = await site.start()
    service = token(None, role="service_role")

    status, state = await site.ask("GET", f"/{process_id}", bearer=service)
    started = await site.ask("POST", bearer=service)
    acknowledged = await site.ask("POST", f"/{process_id}/events/ack", bearer=service, body={"up_to_sequence": 1})

    assert (status, state["id"]) == (200, process_id)
    assert started[0] == acknowledged[0] == 403


async def test_an_answer_is_idempotent_and_another_is_a_conflict(site: Site) -> None:
    process_id = await site.start()
    question = await site.question(process_id, 1)

    wrong = await site.answer(process_id, {**question, "input_type": "SELECT_THEME"})
    invalid = await site.answer(process_id, question, selected_index=17)
    first = await site.answer(process_id, question)
    second = await site.answer(process_id, question)
    await site.question(process_id, 2)
    late = await site.answer(process_id, question)

    assert wrong == (409, {"error": "another question is asked now"})
    assert invalid == (400, {"error": "payload.selected_index: there are only 3 options"})
    assert first == (200, {"outcome": "accepted"})
    assert second == late == (200, {"outcome": "repeated"})
    received = [row for row in await site.rows(process_id) if row["event_type"] == "user_input_received"]
    assert len(received) == 1


async def test_where_nothing_is_asked_an_answer_is_a_conflict(site: Site) -> None:
    process_id = await site.start(step_s=1000)

    body = {"response_type": "SELECT_PERSONA", "payload": {"selected_id": 0}}
    answer = await site.ask("POST", f"/{process_id}/user-input", body=body)

    assert answer == (409, {"error": "nothing is asked now"})


async def test_the_other_actions_over_http(site: Site) -> None:
    process_id = await site.start()

    await site.answer(process_id, await site.question(process_id, 1), action="regenerate")
    await site.answer(process_id, await site.question(process_id, 2), action="skip")
    await site.answer(process_id, await site.question(process_id, 3), action="edit", selected_index=0, title="題")
    await site.question(process_id, 4)

    received = [row["event_data"] for row in await site.rows(process_id) if row["event_type"] == "user_input_received"]
    assert [data["action"] for data in received] == ["regenerate", "skip", "edit"]
    assert received[2]["selected"]["title"] == "題"


async def test_pause_and_resume(site: Site) -> None:
    process_id = await site.start()
    await site.question(process_id, 1)

    early = await site.ask("POST", f"/{process_id}/resume")
    paused = await site.ask("POST", f"/{process_id}/pause")
    await site.status(process_id, "paused")
    again = await site.ask("POST", f"/{process_id}/pause", body={})
    await eventually(_true(site.application.idle))
    resumed = await site.ask("POST", f"/{process_id}/resume")
    question = await site.question(process_id, 2)

    assert early == (409, {"error": "the process is not paused"})
    assert paused == resumed == (200, {"outcome": "accepted"})
    assert again == (200, {"outcome": "repeated"})
    assert question["input_type"] == "SELECT_PERSONA"


async def test_an_answer_after_the_time_has_the_question_asked_again(site: Site) -> None:
    process_id = await site.start(input_timeout_s=5)
    question = await site.question(process_id, 1)
    await site.status(process_id, "recovering")

    answer = await site.answer(process_id, question)

    async def asked_again() -> bool:
        rows = await site.rows(process_id)
        return [row["event_type"] for row in rows].count("user_input_required") == 2

    assert answer == (202, {"outcome": "asked_again"})
    await eventually(asked_again)


async def test_after_the_end_there_is_nothing_to_do(site: Site) -> None:
    process_id = await site.start()
    await site.finish(process_id)

    answers = [await site.ask("POST", f"/{process_id}/{verb}") for verb in ("pause", "resume")]

    assert answers == [(409, {"error": "the process is not running any more"})] * 2


async def test_acknowledgements_move_a_cursor(site: Site) -> None:
    process_id = await site.start()
    await site.question(process_id, 1)

    cursors = [await site.ask("POST", f"/{process_id}/events/ack", body={"up_to_sequence": up_to}) for up_to in (2, 1)]

    assert cursors == [(200, {"acknowledged_up_to": 2})] * 2
    rows = await site.rows(process_id)
    assert [row["acknowledged_by"] for row in rows[:3]] == [[ALICE], [ALICE], []]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"simulation": {"sektions": 3}}, "simulation.sektions: unknown field"),
        ({"initial_request": 3}, "initial_request: Input should be a valid dictionary"),
        ([], "body: Input should be a valid dictionary"),
    ],
)
async def test_a_bad_body_is_refused_with_words(site: Site, body: Any, words: str) -> None:
    status, answer = await site.ask("POST", body=body)

    assert status == 400
    assert words in answer["error"]


async def test_a_bad_query_is_refused_with_words(site: Site) -> None:
    process_id = await site.start()

    status, answer = await site.ask("GET", f"/{process_id}/events", since_sequence="x", page="2")

    assert status == 400
    assert "since_sequence: Input should be a valid integer" in answer["error"]
    assert "page: unknown field" in answer["error"]


async def test_an_unfinished_article_is_not_there_yet(site: Site) -> None:
    process_id = await site.start()

    assert await site.ask("GET", f"/{process_id}/content") == (404, {"error": "the article is not finished"})


async def test_what_is_no_address_is_answered_in_json(site: Site) -> None:
    async with site.client.get("/elsewhere") as response:
        assert (response.status, await response.json()) == (404, {"error": "404: Not Found"})
    async with site.client.put(GENERATION) as response:
        assert response.status == 405


async def test_pages_from_elsewhere_may_ask(site: Site) -> None:
    asked = {"Origin": "http://127.0.0.1:3000", "Access-Control-Request-Method": "POST"}
    async with site.client.options(GENERATION, headers=asked) as response:
        assert response.status == 204
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert "Authorization" in response.headers["Access-Control-Allow-Headers"]
    async with site.client.get(GENERATION + "/x") as response:
        assert (response.status, response.headers["Access-Control-Allow-Origin"]) == (401, "*")


async def test_tables_that_do_not_answer_are_a_503(monkeypatch: pytest.MonkeyPatch, site: Site) -> None:
    async def broken(process_id: str) -> str:
        raise StoreError("the database did not answer")

    process_id = await site.start()
    monkeypatch.setattr(site.store, "owner", broken)

    assert await site.ask("GET", f"/{process_id}") == (503, {"error": "the database did not answer"})


async def test_stopped_flows_leave_an_application_that_can_start_others_until_it_closes(site: Site) -> None:
    first = await site.start(step_s=1000)
    running = site.application.running()

    await site.application.stop_flows()
    stopped = site.application.idle()
    await site.start(step_s=1000)
    await site.application.close()
    status, _ = await site.ask("POST")

    assert (running, stopped, status) == (frozenset({first}), True, 503)


def _true(ask: Callable[[], bool]) -> Callable[[], Awaitable[bool]]:
    async def answer() -> bool:
        return ask()

    return answer
