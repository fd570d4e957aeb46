"""State and reducer of the specification's hooks, type by type."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pytest

from harness.events.event import text_hash
from harness.events.types import ProcessCompleted, ProcessError, UserInputRequired
from harness.pipeline.as_specified.hook import HANDLED, FinalArticle, HookState, answered, on_event, on_state, shown
from harness.pipeline.reducer import Facts, ProcessState, Section

ARTICLE = str(UUID(int=1))
QUESTION = {
    "input_id": str(UUID(int=2)),
    "input_type": "SELECT_THEME",
    "timeout": "2025-01-31T12:30:00Z",
    "options": [{"index": 0, "title": "Tea"}],
}
ERROR = {"error_type": "recoverable", "step": "editing", "message": "busy"}


def after(state: HookState, event_type: str, data: Any) -> HookState:
    return on_event(state, {"id": "e", "event_type": event_type, "event_data": data})


def test_a_step_is_shown_as_under_way() -> None:
    state = after(after(HookState(), "step_update", {"step": "a"}), "step_update", {"step": "b"})

    assert state == HookState(current_step="b", steps={"a": "in_progress", "b": "in_progress"})


def test_a_question_opens_the_dialog() -> None:
    state = after(HookState(), "user_input_required", QUESTION)

    assert state == HookState(is_waiting_for_input=True, input_type="SELECT_THEME", question=QUESTION)
    assert state.input_id == QUESTION["input_id"]


def test_a_question_without_a_name_has_an_empty_one() -> None:
    assert after(HookState(), "user_input_required", {"input_type": "SELECT_THEME"}).input_id == ""
    assert HookState().input_id == ""


def test_chunks_are_joined_as_they_come() -> None:
    state = HookState()
    for index, text, attempt in ((1, "b", 1), (0, "x", 1), (1, "a", 2), (1, "b", 1)):
        state = after(state, "section_chunk", {"section_index": index, "html_chunk": text, "attempt": attempt})

    assert state.sections == {1: "bab", 0: "x"}


def test_the_end_completes_every_step() -> None:
    data = {"title": "Tea", "final_content": "text", "article_id": ARTICLE}
    state = after(HookState(steps={"a": "in_progress"}), "process_completed", data)

    assert state == HookState(
        current_step="completed",
        steps={"a": "completed"},
        final_article=FinalArticle(title="Tea", content="text", article_id=ARTICLE),
    )


def test_an_error_is_kept() -> None:
    assert after(HookState(), "process_error", ERROR).error == ERROR


@pytest.mark.parametrize("event_type", ["section_completed", "heartbeat", "generic_event", None])
def test_any_other_type_changes_nothing(event_type: str | None) -> None:
    state = HookState(current_step="a")

    assert on_event(state, {"event_type": event_type}) is state


@pytest.mark.parametrize("event_type", sorted(HANDLED))
def test_a_type_that_is_handled_throws_without_its_data(event_type: str) -> None:
    with pytest.raises(TypeError, match="Cannot read properties of undefined"):
        after(HookState(), event_type, None)


@pytest.mark.parametrize("event_type", sorted(HANDLED))
def test_data_that_are_no_object_have_no_properties_and_do_not_throw(event_type: str) -> None:
    assert isinstance(after(HookState(), event_type, "text"), HookState)


def test_a_state_row_is_taken_whatever_its_age_and_read_where_there_may_be_no_columns() -> None:
    state = HookState(is_waiting_for_input=True, input_type="SELECT_THEME", question=QUESTION)
    inside = {"is_waiting_for_input": True, "expected_user_input": "SELECT_THEME"}

    assert on_state(state, {"current_step": "b", "step_execution_metadata": inside}) == HookState(
        current_step="b", question=QUESTION
    )


def test_an_answer_closes_the_dialog_at_once() -> None:
    state = HookState(is_waiting_for_input=True, input_type="SELECT_THEME")

    assert answered(state) == HookState()


def test_what_is_shown_in_the_words_of_the_reference() -> None:
    state = HookState(
        current_step="theme",
        steps={"theme": "in_progress"},
        is_waiting_for_input=True,
        input_type="SELECT_THEME",
        question=QUESTION,
        sections={0: "text"},
        error=ERROR,
    )

    assert shown(state, last_sequence=9) == ProcessState(
        facts=Facts(
            status="waiting", current_step="theme", is_waiting_for_input=True, expected_user_input="SELECT_THEME"
        ),
        facts_sequence=9,
        last_event_sequence=9,
        steps={"theme": "in_progress"},
        question=UserInputRequired.model_validate(QUESTION),
        sections={0: Section(heading="", text="text")},
        error=ProcessError.model_validate(ERROR),
    )


def test_the_finished_article_in_the_words_of_the_reference() -> None:
    final = FinalArticle(title="Tea", content="text", article_id=ARTICLE)

    assert shown(HookState(final_article=final), last_sequence=1).article == ProcessCompleted(
        article_id=UUID(int=1), title="Tea", content_sha256=text_hash("text"), content_chars=4
    )
    assert shown(HookState(final_article=FinalArticle(title=1, content=None, article_id=None)), last_sequence=1) == (
        ProcessState(facts=Facts(status="completed"), facts_sequence=1, last_event_sequence=1)
    )


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, "new"),
        ({"current_step": "a"}, "running"),
        ({"current_step": "a", "error": ERROR}, "recovering"),
        ({"error": {"error_type": "unrecoverable"}}, "failed"),
        ({"error": ERROR, "is_waiting_for_input": True}, "waiting"),
    ],
)
def test_the_status_is_what_the_events_have_left_behind(fields: Mapping[str, Any], status: str) -> None:
    assert shown(HookState(**fields), last_sequence=0).status == status
