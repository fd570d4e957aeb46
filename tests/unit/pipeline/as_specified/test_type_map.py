"""Six types keep their names, the rest becomes `generic_event`."""

from uuid import UUID

import pytest

from harness.events.types import (
    EVENT_TYPES,
    EventData,
    InputType,
    ProcessCreated,
    StateUpdated,
    UserInputRequired,
)
from harness.pipeline.as_specified.type_map import (
    TYPE_MAPPING,
    UNKNOWN,
    FinalResult,
    event_data,
    payload_name,
    published_type,
)
from tests.instant import BEGIN

ID = UUID(int=7)


def of(model: type[EventData], **fields: object) -> EventData:
    """Data of that model in which only the given fields stand."""
    return model.model_construct(None, **fields)


def question(input_type: InputType) -> EventData:
    return UserInputRequired(input_id=ID, input_type=input_type, timeout=BEGIN, options=())


def test_the_table_is_the_specification_s() -> None:
    assert sorted(TYPE_MAPPING.values()) == [
        "process_completed",
        "process_error",
        "research_progress",
        "section_chunk",
        "step_update",
        "user_input_required",
    ]


@pytest.mark.parametrize("event_type", sorted(set(EVENT_TYPES) - {"user_input_required"}))
def test_a_type_keeps_its_name_or_becomes_generic(event_type: str) -> None:
    kept = {*TYPE_MAPPING.values(), "state_updated"}

    assert published_type(of(EVENT_TYPES[event_type])) == (event_type if event_type in kept else UNKNOWN)


@pytest.mark.parametrize(
    ("input_type", "name", "becomes"),
    [
        ("SELECT_PERSONA", "PersonaProposalPayload", UNKNOWN),
        ("SELECT_THEME", "ThemeProposalPayload", "user_input_required"),
        ("APPROVE_PLAN", "ResearchPlanPayload", UNKNOWN),
        ("APPROVE_OUTLINE", "OutlinePayload", UNKNOWN),
    ],
)
def test_of_four_questions_one_is_asked(input_type: InputType, name: str, becomes: str) -> None:
    assert (payload_name(question(input_type)), published_type(question(input_type))) == (name, becomes)


def test_every_type_of_ours_has_the_name_of_a_payload_or_is_named_by_the_code() -> None:
    names = [payload_name(of(EVENT_TYPES[one])) for one in EVENT_TYPES if one != "user_input_required"]

    assert [name for name in names if not name.endswith("Payload")] == ["StateUpdated"]


def test_the_final_result_has_the_text_in_it() -> None:
    result = FinalResult(article_id=ID, title="t", final_content="text", statistics={"sections": 3})

    assert published_type(result) == "process_completed"
    assert event_data(result) == {
        "article_id": str(ID),
        "title": "t",
        "final_content": "text",
        "statistics": {"sections": 3},
    }


def test_the_state_does_not_tell_what_is_asked() -> None:
    state = StateUpdated(
        current_step="s", status="waiting", is_waiting_for_input=True, expected_user_input="SELECT_THEME"
    )

    assert event_data(state) == {"current_step": "s", "status": "waiting", "is_waiting_for_input": True}


def test_nul_characters_stay_in() -> None:
    created = ProcessCreated(process_id=ID, initial_request={"keyword": "a\x00b"})

    assert event_data(created) == {"process_id": str(ID), "initial_request": {"keyword": "a\x00b"}}
