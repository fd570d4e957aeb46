"""Steps behind the users' backs, each as the stack and the history see it."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from harness import generators as gen
from harness.errors import StackError, StoryFault
from harness.faults import TabHidden
from harness.generators.step import Step
from harness.interpreter import PERFORMERS
from tests.instant import run
from tests.unit.performing.scripted import BROKEN, PROCESS, Scene

HIDDEN = TabHidden(reader="reader")
EVENT = gen.step_completed("editing")


def performed(*steps: Step, prepare: Callable[[Scene], Any] = lambda scene: None, **options: Any) -> Scene:
    """The scene after these steps, in which there is the process `article`."""

    async def story() -> Scene:
        scene = Scene(**options)
        scene.has_process("article")
        prepare(scene)
        for step in steps:
            await PERFORMERS[type(step)](scene.stage, step)
        return scene

    return run(story())


@pytest.mark.parametrize(
    ("step", "call"),
    [
        (gen.release("article"), ("release", PROCESS)),
        (gen.emit("article", EVENT), ("emit", PROCESS, EVENT)),
    ],
)
def test_the_application_does_what_the_story_says(step: Step, call: tuple[Any, ...]) -> None:
    assert performed(step).backend.application.calls == [call]


def test_many_events_are_written_at_once() -> None:
    ((what, process, *events),) = performed(gen.bulk("article", 3)).backend.application.calls

    assert (what, process) == ("emit_at_once", PROCESS)
    assert [(event.event_type, event.query_index, event.total_queries) for event in events] == [
        ("research_progress", number, 3) for number in (1, 2, 3)
    ]


@pytest.mark.parametrize(
    "step", [gen.release("x"), gen.emit("x", EVENT), gen.bulk("x", 1), gen.read_back("x"), gen.wait_committed("x", "y")]
)
def test_a_process_that_the_story_has_not_started_is_its_fault(step: Step) -> None:
    with pytest.raises(StoryFault, match="the story has started no process 'x'"):
        performed(step)


def test_a_fault_is_begun_and_ended_by_the_nemesis() -> None:
    scene = performed(gen.begin(HIDDEN), gen.end(HIDDEN))

    assert scene.world.done == [("throttle", "reader", 60.0), ("throttle", "reader", None)]
    assert [(actor, f, type_) for actor, f, type_, _ in scene.told()] == [
        ("nemesis", "fault", "invoke"),
        ("nemesis", "fault", "ok"),
    ]


def test_a_statement_is_filled_in_and_run_by_the_world() -> None:
    scene = performed(gen.sql("delete from {schema}.process_events where process_id = '{article}'"))

    assert scene.world.statements() == [f"delete from \"public\".process_events where process_id = '{PROCESS}'"]


def test_the_rows_of_a_process_are_read_page_by_page_and_told_whole() -> None:
    rows = [
        {"id": f"e{number}", "process_id": PROCESS, "event_type": "heartbeat", "event_sequence": number}
        for number in range(1, 6)
    ]

    def prepare(scene: Scene) -> None:
        scene.backend.store.rows = rows

    told = performed(gen.read_back("article"), prepare=prepare).told()

    assert [(actor, f, value["sequence"], value["record"]) for actor, f, _, value in told] == [
        ("story", "read_back", row["event_sequence"], row) for row in rows
    ]


def test_a_process_without_rows_is_read_and_nothing_told() -> None:
    assert performed(gen.read_back("article")).told() == []


def test_the_cleanup_is_told_when_it_begins_and_what_it_deleted() -> None:
    assert performed(gen.clean_up()).told() == [
        ("app", "cleanup", "invoke", {}),
        ("app", "cleanup", "ok", {"deleted": 12}),
    ]


def test_a_cleanup_that_fails_is_told_so() -> None:
    async def story() -> Scene:
        scene = Scene()
        scene.backend.cleanup = BROKEN
        with pytest.raises(StackError):
            await PERFORMERS[type(gen.clean_up())](scene.stage, gen.clean_up())
        return scene

    ops = run(story()).recorder.ops()
    assert [(op.f, op.type, op.error) for op in ops] == [
        ("cleanup", "invoke", None),
        ("cleanup", "fail", "the database is gone"),
    ]


def test_what_everybody_keeps_is_counted_under_one_label() -> None:
    scene = performed(gen.census("after"), prepare=Scene.has_reader)

    counts = {
        "app.flows": 3,
        "app.pending": 0,
        "engine.channels": 4,
        "engine.subscriptions": 5,
        "reader.channels": 2,
        "reader.timers": 1,
    }
    assert scene.told() == [("story", "census", "ok", {"label": "after", "counts": counts})]
    assert list(scene.told()[0][3]["counts"]) == sorted(counts)


def test_waiting_is_divided_by_the_pace() -> None:
    async def story() -> float:
        scene = Scene(pace=4.0)
        await PERFORMERS[type(gen.wait(10.0))](scene.stage, gen.wait(10.0))
        return float(scene.clock.now())

    assert run(story()) == 2.5


def test_what_is_committed_meanwhile_is_waited_for() -> None:
    async def story() -> float:
        scene = Scene()
        scene.has_process("article")

        async def commit() -> None:
            await scene.clock.sleep(3.0)
            told = {"action": "INSERT", "event_id": "e", "process_id": PROCESS, "event_type": "heartbeat"}
            scene.recorder.record("witness", "commit", told)

        committing = asyncio.create_task(commit())
        step = gen.wait_committed("article", "heartbeat")
        await PERFORMERS[type(step)](scene.stage, step)
        await committing
        return float(scene.clock.now())

    assert run(story()) == 3.0


def test_what_is_not_committed_in_time_is_told_with_how_many_were() -> None:
    with pytest.raises(TimeoutError) as waited:
        performed(gen.wait_committed("article", "heartbeat", count=2, timeout=7.0))

    assert str(waited.value) == "0 of 2 heartbeat were committed within 7 s"
