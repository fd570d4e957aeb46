"""Event data at the door: what is taken, and what is refused with its place."""

from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from harness.errors import InvalidEvent, UnknownEventType
from harness.events.types import EVENT_TYPES, Heartbeat, ProcessError, SectionChunk, parse

CHUNK: dict[str, Any] = {
    "section_index": 0,
    "section_heading": "木の家",
    "chunk_index": 0,
    "offset": 0,
    "html_chunk": "<p>",
    "total_chars_generated": 3,
    "estimated_section_length": 800,
    "generation_progress": 0.4,
}


def test_the_sixteen_types_are_registered_under_their_names() -> None:
    assert len(EVENT_TYPES) == 16
    assert all(model.event_type == name for name, model in EVENT_TYPES.items())


def test_data_becomes_the_model_of_its_type() -> None:
    data = parse("section_chunk", CHUNK)

    assert isinstance(data, SectionChunk)
    assert (data.attempt, data.is_complete, data.entity()) == (1, False, "0")


@pytest.mark.parametrize(
    ("event_type", "data", "words"),
    [
        ("section_chunk", {**CHUNK, "offset": -1}, "section_chunk: offset: Input should be greater than or equal to 0"),
        ("section_chunk", {**CHUNK, "extra": 1}, "section_chunk: extra: Extra inputs are not permitted"),
        ("heartbeat", {}, "heartbeat: timestamp: Field required"),
        ("heartbeat", None, "heartbeat: event_data: Input should be a valid dictionary"),
        ("heartbeat", "[]", "heartbeat: event_data: Input should be a valid dictionary"),
        (
            "process_error",
            {"error_type": "odd", "step": "editing", "message": ""},
            "process_error: error_type: Input should be 'recoverable'",
        ),
    ],
)
def test_data_that_does_not_fit_is_refused_with_its_first_fault(event_type: str, data: Any, words: str) -> None:
    with pytest.raises(InvalidEvent) as refused:
        parse(event_type, data)

    assert str(refused.value).startswith(words)


def test_a_type_that_is_not_registered_is_refused_with_those_that_are() -> None:
    with pytest.raises(UnknownEventType, match="unknown event type 'no_such'; known are heartbeat, image_generated"):
        parse("no_such", {})


def test_data_does_not_change_after_the_fact() -> None:
    data = parse("section_chunk", CHUNK)

    with pytest.raises(ValidationError, match="frozen"):
        data.offset = 1  # type: ignore[attr-defined]


def test_a_heartbeat_may_know_nothing_of_connections() -> None:
    data = parse("heartbeat", {"timestamp": "2026-01-01T00:00:00Z"})

    assert isinstance(data, Heartbeat)
    assert data.active_connections is None
    assert data.priority == 9


@pytest.mark.parametrize(
    ("event_type", "data", "entity"),
    [
        ("step_completed", {"step": "editing"}, "editing"),
        ("research_progress", {"query_index": 2, "total_queries": 3, "query": "q"}, "2"),
        ("image_generated", {"placeholder_id": "i1", "image_url": "u", "gcs_path": "p"}, "i1"),
        (
            "user_input_received",
            {"input_id": str(UUID(int=7)), "input_type": "APPROVE_PLAN", "action": "approve"},
            str(UUID(int=7)),
        ),
        ("process_paused", {"paused_at_step": "editing"}, ""),
    ],
)
def test_versions_of_one_fact_have_one_entity(event_type: str, data: dict[str, Any], entity: str) -> None:
    assert parse(event_type, data).entity() == entity


@pytest.mark.parametrize(
    ("kind", "expected"), [("recoverable", True), ("input_timeout", True), ("unrecoverable", False)]
)
def test_whether_an_error_can_be_recovered_from_is_its_type(kind: str, expected: bool) -> None:
    data = parse("process_error", {"error_type": kind, "step": "editing", "message": ""})

    assert isinstance(data, ProcessError)
    assert data.recoverable is expected


def test_two_chunks_become_one_that_begins_with_the_first_and_has_come_as_far_as_the_second() -> None:
    def chunk(text: str, **places: Any) -> SectionChunk:
        data = parse("section_chunk", {**CHUNK, "html_chunk": text, **places})
        assert isinstance(data, SectionChunk)
        return data

    first = chunk("ab", chunk_index=3, chunks=2, offset=10, total_chars_generated=12, generation_progress=50)
    second = chunk("c", chunk_index=5, offset=12, total_chars_generated=13, generation_progress=100, is_complete=True)

    assert first.followed_by(second) == chunk(
        "abc", chunk_index=3, chunks=3, offset=10, total_chars_generated=13, generation_progress=100, is_complete=True
    )
