"""What the specification's context save writes, what it leaves out, and in which order."""

from random import Random
from uuid import UUID

import pytest

from harness.errors import InsertFailed, StoreError
from harness.events.event import text_hash
from harness.events.types import ProcessCompleted, ProcessError, StateUpdated
from harness.history import Recorder
from harness.pipeline.as_specified.context_save import ContextSave
from harness.pipeline.as_specified.publisher import SpecifiedPublisher
from harness.pipeline.as_specified.store import StateRow
from harness.pipeline.store import Content
from tests.defects.stage import PROCESS, MemoryTables
from tests.instant import BEGIN, InstantClock, run

ARTICLE = UUID(int=9)
WAITING = StateUpdated(
    current_step="theme_generating", status="waiting", is_waiting_for_input=True, expected_user_input="SELECT_THEME"
)
WRITING = StateUpdated(current_step="writing_sections", status="running", is_waiting_for_input=False)
CONTENT = Content(
    article_id=str(ARTICLE), process_id=PROCESS, title="t", content="the text", sha256=text_hash("the text")
)
END = ProcessCompleted(article_id=ARTICLE, title="t", content_sha256=CONTENT.sha256, content_chars=8)


def a_desk() -> tuple[ContextSave, MemoryTables]:
    clock = InstantClock()
    tables = MemoryTables(clock)
    publisher = SpecifiedPublisher(tables, recorder=Recorder(clock.now), clock=clock, rng=Random(1))
    return ContextSave(tables, publisher, clock=clock), tables


def test_the_row_has_the_context_and_hides_the_question_in_its_metadata() -> None:
    async def story() -> MemoryTables:
        states, tables = a_desk()
        more = {"executing_step": "theme_generating", "step_execution_start": "noon", "retry_count": 2}
        await states.save(PROCESS, WAITING, more=more, context={"persona": "p"})
        return tables

    assert run(story()).states == [
        StateRow(
            process_id=PROCESS,
            article_context={"persona": "p"},
            status="waiting",
            current_step="theme_generating",
            updated_at=BEGIN,
            realtime_channel=f"process_{PROCESS}",
            executing_step="theme_generating",
            step_execution_metadata={
                "step_start_time": "noon",
                "expected_user_input": "SELECT_THEME",
                "is_waiting_for_input": True,
            },
        )
    ]


def test_the_whole_context_is_saved_again_with_every_save() -> None:
    async def story() -> MemoryTables:
        states, tables = a_desk()
        await states.save(PROCESS, WAITING, more={"executing_step": "a"}, context={"persona": "p"})
        await states.save(PROCESS, WRITING)
        return tables

    _, second = run(story()).states

    assert (second.article_context, second.executing_step) == ({"persona": "p"}, "a")


def test_the_event_comes_after_the_row_and_may_be_missing() -> None:
    async def story() -> MemoryTables:
        states, tables = a_desk()
        tables.faults.append(InsertFailed("refused"))
        with pytest.raises(StoreError):
            await states.save(PROCESS, WRITING)
        return tables

    tables = run(story())

    assert [row.current_step for row in tables.states] == ["writing_sections"]
    assert tables.rows == []


def test_the_last_event_carries_the_text_and_stands_in_place_of_the_state() -> None:
    async def story() -> MemoryTables:
        states, tables = a_desk()
        await states.save(PROCESS, WRITING)
        await states.save_content(CONTENT)
        await states.save(PROCESS, WRITING, last=END)
        return tables

    tables = run(story())

    assert tables.contents == [CONTENT]
    assert [row.event_type for row in tables.rows] == ["state_updated", "process_completed"]
    assert tables.rows[-1].event_data == {
        "article_id": str(ARTICLE),
        "title": "t",
        "final_content": "the text",
        "statistics": {},
    }


def test_an_error_at_the_end_is_told_as_it_is() -> None:
    error = ProcessError(error_type="unrecoverable", step="s", message="m")

    async def story() -> MemoryTables:
        states, tables = a_desk()
        await states.save(PROCESS, WRITING, last=error)
        return tables

    (row,) = run(story()).rows

    assert (row.event_type, row.event_data["message"]) == ("process_error", "m")


def test_nothing_is_kept_of_a_process_that_has_ended() -> None:
    async def story() -> MemoryTables:
        states, tables = a_desk()
        await states.save(PROCESS, WRITING, context={"persona": "p"}, last=END)
        await states.save(PROCESS, WRITING)
        return tables

    assert [row.article_context for row in run(story()).states] == [{"persona": "p"}, {}]
