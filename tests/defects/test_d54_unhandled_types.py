"""D-54: the client handles five event types; whatever the others tell is nowhere to be seen."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import pytest

from harness.events.event import received, text_hash
from harness.events.types import EVENT_TYPES
from harness.pipeline.as_specified.hook import HANDLED, HookState, on_event
from harness.pipeline.reducer import ProcessState, reduce
from tests.browser import COMPLETED, HEARTBEAT, INPUT, PROCESS, QUESTION, a_row

DEFECT: Final = "D-54"
PROGRESS: Final = {"completed_steps": 1, "total_steps": 8, "percentage": 12.5}
SECTION: Final = {"section_index": 0, "section_heading": "A"}
CHUNK: Final = {"chunk_index": 0, "offset": 0, "html_chunk": "茶", "total_chars_generated": 1}
ESTIMATE: Final = {"estimated_section_length": 2, "generation_progress": 50.0}
ANSWER: Final = {"input_id": INPUT, "input_type": "SELECT_THEME", "action": "select"}

SAID: Final[Mapping[str, Mapping[str, Any]]] = {
    "process_created": {"process_id": PROCESS, "initial_request": {}},
    "step_update": {"step": "theme", "message": "", "progress": PROGRESS},
    "step_completed": {"step": "theme"},
    "user_input_required": QUESTION,
    "user_input_received": ANSWER,
    "research_progress": {"query_index": 1, "total_queries": 3, "query": "tea"},
    "section_chunk": {**SECTION, **CHUNK, **ESTIMATE},
    "section_completed": {**SECTION, "content": "茶", "content_sha256": text_hash("茶")},
    "image_placeholder_generated": {"placeholder_id": "p", "section_index": 0, "description": "", "prompt": ""},
    "image_generated": {"placeholder_id": "p", "image_url": "", "gcs_path": ""},
    "process_paused": {"paused_at_step": "theme"},
    "process_resumed": {"resumed_from_step": "theme"},
    "process_completed": COMPLETED,
    "process_error": {"error_type": "recoverable", "step": "theme", "message": "busy"},
    "heartbeat": HEARTBEAT,
    "state_updated": {"current_step": "theme", "status": "running", "is_waiting_for_input": False},
}
"""An event of each type, for a page on which the process is paused and a question is open."""


def shown_before() -> ProcessState:
    state = reduce(ProcessState(), received(a_row(1, "user_input_required", QUESTION)))
    return reduce(state, received(a_row(2, "process_paused", SAID["process_paused"])))


def test_there_is_an_event_of_each_type() -> None:
    assert SAID.keys() == EVENT_TYPES.keys()


def test_the_accused_shows_five_types_and_nothing_of_the_other_eleven() -> None:
    before = HookState(is_waiting_for_input=True, input_type="APPROVE_PLAN")
    seen = {event_type for event_type, data in SAID.items() if on_event(before, a_row(3, event_type, data)) != before}

    assert seen == HANDLED
    assert len(seen) == 5


@pytest.mark.parametrize("event_type", [name for name in SAID if name != "process_paused"])
def test_the_reference_shows_something_of_each(event_type: str) -> None:
    before = shown_before()

    after = reduce(before, received(a_row(3, event_type, SAID[event_type])))

    assert replace(after, last_event_sequence=2, facts_sequence=before.facts_sequence) != before


def test_the_reference_shows_a_pause() -> None:
    assert shown_before().paused
