"""Steps of the users, each as its reader and the history see it."""

from collections.abc import Callable
from typing import Any

import pytest

from harness import generators as gen
from harness.clients.client import Binding, SystemNotice
from harness.errors import StoryFault
from harness.generators.step import Step
from harness.interpreter import PERFORMERS
from harness.performing.stage import Stage
from harness.pipeline.reader_status import Status
from harness.tokens import user_id
from tests.instant import run
from tests.unit.performing.scripted import PROCESS, TIMING, Scene, ScriptedHttp

READY = SystemNotice(topic="t", extension="postgres_changes", status="ok", message="Subscribed to PostgreSQL")
BINDING = {"event": "*", "schema": "public", "table": "process_events", "filter": "process_id=eq.{article}"}


@pytest.fixture(autouse=True)
def scripted_http(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.performing.stage.HttpClient", ScriptedHttp)


async def done(stage: Stage, step: Step) -> None:
    """As the interpreter does it."""
    await PERFORMERS[type(step)](stage, step)


def performed(step: Step, prepare: Callable[[Scene], Any] = lambda scene: None, **options: Any) -> Scene:
    """The scene after one step, in which there is the process `article`."""

    async def story() -> Scene:
        scene = Scene(**options)
        scene.has_process("article")
        prepare(scene)
        await done(scene.stage, step)
        return scene

    return run(story())


def test_a_process_is_asked_for_by_its_owner_and_told() -> None:
    async def story() -> Scene:
        scene = Scene()
        await done(scene.stage, gen.start_process("article", owner="alice", simulation={"sections": 2}))
        return scene

    scene = run(story())

    alice = str(user_id("alice"))
    told = {"process": "article", "owner": "alice", "owner_id": alice}
    assert scene.told() == [
        ("story", "start_process", "invoke", told),
        ("story", "start_process", "ok", {**told, "process_id": PROCESS}),
    ]
    assert scene.stage.process("article").owner_id == user_id("alice")


def test_a_reader_is_opened_with_what_is_its_own() -> None:
    scene = performed(gen.subscribe("reader", to="article", user="bob", token_ttl=60.0), links=True)

    (made,), (reader,) = scene.made, scene.backend.application.app.readers
    machine = scene.stage.machine("reader")
    assert made == {
        "name": "reader",
        "url": "ws://127.0.0.1:5001/socket",
        "token": made["token"],
        "clock": machine.clock,
        "timing": TIMING,
        "variant": None,
    }
    assert made["token"] is not None
    assert reader.calls == [("start",)]
    given = {key: reader.options[key] for key in ("process_id", "user", "user_id", "role", "schema", "client_name")}
    assert given == {
        "process_id": PROCESS,
        "user": "bob",
        "user_id": user_id("bob"),
        "role": "authenticated",
        "schema": "public",
        "client_name": "native",
    }
    assert (reader.options["clock"], reader.options["signed_in"]) == (machine.clock, True)
    assert reader.options["api"].url == "http://127.0.0.1:5002"
    kept: object = scene.stage.reader("reader")
    assert kept is reader


def test_who_is_not_signed_in_has_no_token_until_it_is() -> None:
    scene = performed(gen.subscribe("reader", to="article", user="alice", signed_in=False))

    assert scene.made[0]["token"] is None
    assert scene.backend.application.app.readers[0].options["signed_in"] is False


def test_a_client_with_a_bug_is_asked_for_by_its_name() -> None:
    scene = performed(gen.subscribe("reader", to="article", user="alice", variant="rejoin_without_bindings"))

    assert scene.made[0]["variant"] == "rejoin_without_bindings"


@pytest.mark.parametrize(
    "step",
    [gen.subscribe("reader", to="article", user="alice"), gen.listen("reader", BINDING, user="alice")],
)
def test_a_second_one_of_the_same_name_is_the_fault_of_the_story(step: Step) -> None:
    with pytest.raises(StoryFault, match="the story has a 'reader' already"):
        performed(step, prepare=Scene.has_reader)


@pytest.mark.parametrize(
    ("step", "call"),
    [
        (gen.wait_ready("reader", timeout=3.0), ("wait_ready", 3.0)),
        (gen.pause("reader"), ("pause",)),
        (gen.resume("reader"), ("resume",)),
        (gen.acknowledge("reader"), ("acknowledge",)),
        (gen.leave("reader"), ("leave",)),
    ],
)
def test_what_a_user_does_the_reader_does(step: Step, call: tuple[Any, ...]) -> None:
    scene = performed(step, prepare=Scene.has_reader)

    assert scene.stage.reader("reader").calls == [call]  # type: ignore[attr-defined]
    assert scene.told() == []


def test_a_socket_that_the_story_breaks_is_told_as_the_work_of_the_nemesis() -> None:
    scene = performed(gen.disconnect("reader"), prepare=Scene.has_reader)

    assert scene.told() == [("nemesis", "disconnect", "ok", {"reader": "reader", "process_id": PROCESS})]


def test_signing_in_gives_the_page_a_token_of_its_machine_and_is_told() -> None:
    def prepare(scene: Scene) -> None:
        scene.has_reader()
        scene.stage.new_machine("reader", lambda: "fresh")

    scene = performed(gen.sign_in("reader"), prepare=prepare)

    assert scene.stage.reader("reader").calls == [("sign_in", "fresh")]  # type: ignore[attr-defined]
    assert scene.told() == [("reader", "sign_in", "ok", {"process_id": PROCESS})]


def test_a_remount_is_told_before_it_is_done() -> None:
    scene = performed(gen.remount("reader"), prepare=Scene.has_reader)

    assert scene.stage.reader("reader").calls == [("remount",)]  # type: ignore[attr-defined]
    assert scene.told() == [("reader", "remount", "ok", {"process_id": PROCESS})]


def test_a_question_is_answered_after_thinking_which_the_pace_divides() -> None:
    def prepare(scene: Scene) -> None:
        scene.has_reader().shown.add("APPROVE_PLAN")

    async def story() -> tuple[Any, float]:
        scene = Scene(pace=4.0)
        prepare(scene)
        await done(scene.stage, gen.answer("reader", "APPROVE_PLAN", action="approve", after=2.0))
        return scene.stage.reader("reader"), scene.clock.now()

    reader, now = run(story())

    assert (reader.calls, now) == ([("answer", "APPROVE_PLAN", "approve", {})], 0.5)


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (gen.wait_status("reader", "live", timeout=7.0), "reader was not live within 7 s: it is stale"),
        (
            gen.wait_for("reader", "heartbeat", count=2, timeout=7.0),
            "reader had applied 1 of 2 heartbeat within 7 s: it is stale",
        ),
        (
            gen.answer("reader", "APPROVE_PLAN", timeout=7.0),
            "reader was not asked APPROVE_PLAN within 7 s: it is stale",
        ),
    ],
)
def test_what_is_waited_for_in_vain_is_told_with_what_is_so_instead(step: Step, words: str) -> None:
    def prepare(scene: Scene) -> None:
        reader = scene.has_reader()
        reader.status = Status.STALE
        reader.counts = {"heartbeat": 1}

    with pytest.raises(TimeoutError) as waited:
        performed(step, prepare=prepare)

    assert str(waited.value) == words


def test_what_is_so_already_is_not_waited_for() -> None:
    def prepare(scene: Scene) -> None:
        reader = scene.has_reader()
        reader.status = Status.STALE
        reader.counts = {"heartbeat": 2}

    for step in (gen.wait_status("reader", "stale"), gen.wait_for("reader", "heartbeat", count=2)):
        assert performed(step, prepare=prepare).told() == []


def test_a_listener_asks_for_what_the_story_names_and_is_kept() -> None:
    scene = performed(gen.listen("ear", BINDING, user="bob", role="anon"), events=[READY])

    asked = Binding(event="*", schema="public", table="process_events", filter=f"process_id=eq.{PROCESS}")
    assert scene.client.calls == [("connect",), ("subscribe", "ear", (asked,))]
    assert scene.made[0]["name"] == "ear"
    assert list(scene.stage.listeners) == ["ear"]
    assert [(actor, f) for actor, f, _, _ in scene.told()] == [("ear", "listen"), ("ear", "ready")]


def test_a_listener_that_is_never_answered_is_given_up_and_still_to_be_closed() -> None:
    async def story() -> Scene:
        scene = Scene()
        step = gen.listen("ear", {**BINDING, "filter": "id=eq.1"}, user="bob", timeout=3.0)
        with pytest.raises(TimeoutError, match="ear was not ready within 3 s: it is connecting"):
            await done(scene.stage, step)
        return scene

    assert list(run(story()).stage.listeners) == ["ear"]


def test_a_binding_that_names_no_process_is_the_fault_of_the_story() -> None:
    with pytest.raises(StoryFault, match="has started no process 'other'"):
        performed(gen.listen("ear", {**BINDING, "filter": "id=eq.{other}"}, user="bob"))
