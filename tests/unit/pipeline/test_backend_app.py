"""The application as the story has it: held back, scripted, made to say things, killed. Its HTTP side is elsewhere."""

from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

import pytest

from harness import generators as gen
from harness.errors import InvalidRequest, StoreError
from harness.events.types import ResearchProgress
from harness.history import History, Recorder
from harness.pipeline.backend_app import Application
from harness.pipeline.reference import Reference
from harness.pipeline.requests import StartGeneration, checked
from harness.tokens import DEVELOPMENT_SECRET, user_id
from tests.contracts.memory_store import MemoryStore
from tests.instant import InstantClock, run

ALICE = str(user_id("alice"))
SMALL = {"ask": False, "sections": 1, "chunks": 2, "images": 0, "research_queries": 1}


class Stage:
    def __init__(self, *, debounce: str = "off") -> None:
        self.clock = InstantClock()
        self.store = MemoryStore()
        self.recorder = Recorder(self.clock.now)
        self.application = Application(
            app=Reference(debounce=debounce),
            store=self.store,
            secret=DEVELOPMENT_SECRET,
            clock=self.clock,
            rng=Random(5),
            recorder=self.recorder,
        )

    async def start(self, **simulation: Any) -> str:
        request = checked(StartGeneration, {"simulation": {**SMALL, **simulation}})
        return await self.application.start(request, user_id=ALICE)

    async def types(self, process_id: str) -> list[str]:
        page = await self.store.events_since(process_id, 0, limit=1000)
        return [row["event_type"] for row in page.events]


def acted(play: Callable[[Stage], Awaitable[None]], **options: Any) -> None:
    """What was played, and the application taken down after it."""

    async def story() -> None:
        stage = Stage(**options)
        await play(stage)
        await stage.application.close()
        assert not History(stage.recorder.ops()).where(f="crash")

    run(story())


def test_a_generation_that_is_held_back_begins_when_it_is_released() -> None:
    async def play(stage: Stage) -> None:
        process_id = await stage.start(held=True)
        await stage.clock.sleep(100.0)
        before = (await stage.types(process_id), stage.application.running(), stage.application.idle())
        stage.application.release(process_id)
        stage.application.release(process_id)
        running = stage.application.running()
        await stage.clock.sleep(100.0)

        assert before == ([], frozenset(), True)
        assert running == {process_id}
        assert (await stage.types(process_id))[-1] == "process_completed"
        assert stage.application.held()["flows"] == 0

    acted(play)


@pytest.mark.parametrize("simulation", [{}, {"scripted": True}], ids=["one that has ended", "one that is scripted"])
def test_what_is_not_held_back_cannot_be_released(simulation: dict[str, Any]) -> None:
    async def play(stage: Stage) -> None:
        process_id = await stage.start(**simulation)
        await stage.clock.sleep(100.0)

        with pytest.raises(InvalidRequest, match=f"no generation of process {process_id} is held back"):
            stage.application.release(process_id)

    acted(play)


def test_nothing_is_generated_for_a_process_whose_story_is_told_from_outside() -> None:
    async def play(stage: Stage) -> None:
        process_id = await stage.start(scripted=True)
        await stage.clock.sleep(100.0)
        silent = await stage.types(process_id)
        await stage.application.emit(process_id, gen.step_completed("editing"))

        assert silent == []
        assert await stage.types(process_id) == ["step_completed"]
        assert stage.application.held()["flows"] == 0

    acted(play)


def test_one_that_may_not_ask_takes_the_first_option_and_ends_by_itself() -> None:
    async def play(stage: Stage) -> None:
        process_id = await stage.start()
        await stage.clock.sleep(100.0)
        types = await stage.types(process_id)

        assert "user_input_required" not in types
        assert types[-1] == "process_completed"

    acted(play)


def test_many_events_are_written_at_once_past_the_debouncer() -> None:
    async def play(stage: Stage) -> None:
        process_id = await stage.start(scripted=True)
        events = [ResearchProgress(query_index=number, total_queries=3, query="q") for number in (1, 2, 3)]
        await stage.application.emit_at_once(process_id, events)

        assert await stage.types(process_id) == ["research_progress"] * 3

    acted(play, debounce="lossless")


def test_what_is_held_back_is_pending_until_it_is_written() -> None:
    async def play(stage: Stage) -> None:
        process_id = await stage.start(scripted=True)
        for _ in range(2):
            await stage.application.emit(
                process_id, ResearchProgress(query_index=1, total_queries=3, query="the same place")
            )
        await stage.clock.sleep(0.05)  # the first is written
        held = (stage.application.held()["pending"], stage.application.idle())
        await stage.application.flush(process_id)

        assert held == (1, False)
        assert (stage.application.held()["pending"], stage.application.idle()) == (0, True)
        assert await stage.types(process_id) == ["research_progress"] * 2

    acted(play, debounce="lossless")


@pytest.mark.parametrize("grace", [True, False])
def test_what_has_gone_down_says_and_begins_nothing_more_and_stays_readable(grace: bool) -> None:
    async def play(stage: Stage) -> None:
        held, running = await stage.start(held=True), await stage.start()
        await stage.clock.sleep(0.6)
        await stage.application.control().stop(grace=grace)
        said = await stage.types(running)
        await stage.clock.sleep(100.0)

        with pytest.raises(StoreError, match="the application is going down"):
            stage.application.release(held)
        with pytest.raises(StoreError):
            await stage.application.emit(held, gen.step_completed("editing"))
        with pytest.raises(StoreError, match="the application is going down"):
            await stage.start()
        assert said
        assert await stage.types(running) == said
        assert stage.application.running() == frozenset()

    acted(play)


@pytest.mark.parametrize(("grace", "written"), [(True, 2), (False, 1)])
def test_with_grace_what_was_held_back_is_written_and_without_it_is_lost(grace: bool, written: int) -> None:
    async def play(stage: Stage) -> None:
        process_id = await stage.start(scripted=True)
        for _ in range(2):
            await stage.application.emit(process_id, ResearchProgress(query_index=1, total_queries=3, query="q"))
        await stage.clock.sleep(0.05)  # the first is written
        await stage.application.close(grace=grace)
        await stage.clock.sleep(10.0)

        assert len(await stage.types(process_id)) == written

    acted(play, debounce="lossless")


def test_its_clock_is_bent_and_that_of_the_run_is_not() -> None:
    async def play(stage: Stage) -> None:
        stage.application.control().jump_clock(3600.0)
        process_id = await stage.start(scripted=True)
        state = await stage.store.state(process_id)

        assert state is not None
        assert (state["created_at"], stage.clock.wall().hour) == ("2026-01-01T01:00:00+00:00", 0)
        stage.application.control().jump_clock(-3600.0)
        assert stage.application.clock.wall() == stage.clock.wall()

    acted(play)
