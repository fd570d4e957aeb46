"""What the performers share: names, tokens, links, requests."""

import jwt
import pytest

from harness.clock import ScaledClock
from harness.errors import StoryFault
from harness.tokens import DEVELOPMENT_SECRET, user_id
from tests.instant import InstantClock, run
from tests.unit.performing.scripted import PROCESS, Scene, ScriptedHttp


@pytest.fixture(autouse=True)
def scripted_http(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.performing.stage.HttpClient", ScriptedHttp)


def test_what_the_story_has_not_made_is_its_fault() -> None:
    async def story() -> None:
        stage = Scene().stage

        for ask, words in (
            (stage.process, "the story has started no process 'x'"),
            (stage.reader, "the story has subscribed no reader 'x'"),
            (stage.machine, "the story has subscribed no reader 'x'"),
        ):
            with pytest.raises(StoryFault, match=words):
                ask("x")

    run(story())


def test_a_text_is_filled_with_the_schema_and_the_ids_of_processes() -> None:
    async def story() -> str:
        scene = Scene()
        scene.has_process("article")
        return scene.stage.fill("delete from {schema}.x where id = '{article}' and j = '{{}}'")

    assert run(story()) == f"delete from \"public\".x where id = '{PROCESS}' and j = '{{}}'"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{other}", "the story has started no process 'other', which '{other}' names"),
        ("'{}'", "cannot be filled in .*: double each brace that means itself"),
        ("{", "cannot be filled in .*: double each brace that means itself"),
    ],
)
def test_a_text_that_cannot_be_filled_is_the_fault_of_the_story(text: str, words: str) -> None:
    async def story() -> None:
        with pytest.raises(StoryFault, match=words):
            Scene().stage.fill(text)

    run(story())


def test_a_name_is_given_once() -> None:
    async def story() -> None:
        scene = Scene()
        scene.has_reader("reader")

        scene.stage.make_room("other")
        with pytest.raises(StoryFault, match="the story has a 'reader' already"):
            scene.stage.make_room("reader")

    run(story())


def test_a_token_is_good_for_a_while_from_now_on_the_clock_of_the_run() -> None:
    async def story() -> tuple[dict[str, object], float]:
        clock = ScaledClock(InstantClock(), 10.0)
        scene = Scene(clock=clock)
        await clock.sleep(100.0)
        token = scene.stage.sign("alice", ttl=60.0, role="anon")
        claims = jwt.decode(
            token,
            DEVELOPMENT_SECRET,
            ["HS256"],
            audience="authenticated",
            options={"verify_exp": False, "verify_iat": False},
        )
        return claims, clock.wall().timestamp()

    claims, now = run(story())

    assert (claims["role"], claims["sub"]) == ("anon", str(user_id("alice")))
    assert claims["exp"] == int(now) + 60


@pytest.mark.parametrize(
    ("url", "upstream", "secure", "reached"),
    [
        ("ws://127.0.0.1:4000/socket", ("127.0.0.1", 4000), False, "ws://127.0.0.1:5001/socket"),
        ("wss://x.example/realtime/v1", ("x.example", 443), True, "ws://127.0.0.1:5001/realtime/v1"),
        ("http://x.example/app", ("x.example", 80), False, "http://127.0.0.1:5001/app"),
        ("https://x.example:8443", ("x.example", 8443), True, "http://127.0.0.1:5001"),
    ],
)
def test_with_links_a_reader_reaches_the_server_through_its_own(
    url: str, upstream: tuple[str, int], secure: bool, reached: str
) -> None:
    async def story() -> None:
        scene = Scene(links=True)

        assert await scene.stage.reach("reader", url) == reached
        assert scene.links is not None
        assert scene.links.opened == [("reader", upstream, secure)]

    run(story())


def test_without_links_it_is_reached_directly() -> None:
    async def story() -> str:
        return await Scene().stage.reach("reader", "ws://127.0.0.1:4000/socket")

    assert run(story()) == "ws://127.0.0.1:4000/socket"


@pytest.mark.parametrize(("factor", "timeout"), [(1.0, 10.0), (2.0, 5.0), (100.0, 2.0)])
def test_a_request_has_its_time_on_the_clock_of_the_run_but_never_too_little(factor: float, timeout: float) -> None:
    async def story() -> float:
        scene = Scene(clock=ScaledClock(InstantClock(), factor))
        http = await scene.stage.http("reader", lambda: "token")
        assert isinstance(http, ScriptedHttp)
        assert (http.url, http.token()) == ("http://127.0.0.1:4001", "token")
        return http.timeout

    assert run(story()) == timeout


def test_requests_and_links_are_given_up_at_the_end_and_those_that_were_made_anew_before() -> None:
    async def story() -> list[int]:
        scene = Scene(links=True)
        made = [await scene.stage.http("reader", lambda: "t") for _ in range(2)]
        before = [http.closed for http in made if isinstance(http, ScriptedHttp)]
        await scene.stage.close_connections()
        await scene.stage.close_connections()
        assert scene.links is not None
        after = [http.closed for http in made if isinstance(http, ScriptedHttp)]
        return [*before, *after, scene.links.closed]

    assert run(story()) == [1, 0, 1, 1, 2]


@pytest.mark.parametrize("links", [False, True])
def test_the_world_of_its_faults_is_asked_of_the_backend(links: bool) -> None:
    async def story() -> None:
        scene = Scene(links=links)
        machine = scene.stage.new_machine("reader", lambda: "token")

        assert scene.backend.asked_world["links"] is links
        assert scene.backend.asked_world["machines"] == {"reader": machine}
        assert scene.stage.machine("reader") is machine

    run(story())
