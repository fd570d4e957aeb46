"""The reducer: what a reader shows after each event, and that two streams lead to one state."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import combinations
from typing import Any
from uuid import UUID

import pytest

from harness.events.event import ProcessEvent, text_hash
from harness.events.types import EVENT_TYPES, EventData, ProcessCompleted, UserInputRequired, parse
from harness.events.workflow import TRANSITIONS, Phase, advance
from harness.pipeline.reducer import Facts, ProcessState, Section, reduce, snapshot

AT = datetime(2025, 1, 31, 12, tzinfo=UTC)
ID = "00000000-0000-0000-0000-00000000000a"
TEXT = "<p>木の家</p>"
CHUNK = {
    "section_index": 0,
    "section_heading": "Wood",
    "chunk_index": 0,
    "offset": 0,
    "html_chunk": TEXT,
    "total_chars_generated": len(TEXT),
    "estimated_section_length": 20,
    "generation_progress": 50,
}
SECTION = {"section_index": 0, "section_heading": "Wood", "content": TEXT, "content_sha256": text_hash(TEXT)}
QUESTION = {
    "input_id": ID,
    "input_type": "SELECT_THEME",
    "timeout": "2025-01-31T12:30:00Z",
    "options": [{"index": 0, "title": "Tea"}],
}
ERROR = {"error_type": "recoverable", "step": "researching", "message": "no answer"}
EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "process_created": {"process_id": ID, "initial_request": {}},
    "step_update": {
        "step": "researching",
        "message": "",
        "progress": {"completed_steps": 4, "total_steps": 10, "percentage": 40},
    },
    "step_completed": {"step": "researching"},
    "user_input_required": QUESTION,
    "user_input_received": {"input_id": ID, "input_type": "SELECT_THEME", "action": "select"},
    "research_progress": {"query_index": 1, "total_queries": 3, "query": "tea"},
    "section_chunk": CHUNK,
    "section_completed": SECTION,
    "image_placeholder_generated": {"placeholder_id": "i1", "section_index": 0, "description": "", "prompt": ""},
    "image_generated": {"placeholder_id": "i1", "image_url": "u", "gcs_path": "g"},
    "process_paused": {"paused_at_step": "researching"},
    "process_resumed": {"resumed_from_step": "researching"},
    "process_completed": {
        "article_id": ID,
        "title": "Tea",
        "content_sha256": text_hash(TEXT),
        "content_chars": len(TEXT),
    },
    "process_error": ERROR,
    "heartbeat": {"timestamp": "2025-01-31T12:00:00Z"},
    "state_updated": {"current_step": "researching", "status": "running", "is_waiting_for_input": False},
}


def an_event(event_type: str, sequence: int | None = 1, **changes: Any) -> ProcessEvent:
    data = parse(event_type, {**EXAMPLES[event_type], **changes})
    return ProcessEvent(
        id=UUID(int=sequence or 0), process_id=UUID(ID), intent=0, emitted_at=AT, data=data, sequence=sequence
    )


def folded(*events: ProcessEvent, start: ProcessState | None = None) -> ProcessState:
    state = start or ProcessState()
    for event in events:
        state = reduce(state, event)
    return state


def a_chunk(text: str, offset: int, **changes: Any) -> ProcessEvent:
    return an_event("section_chunk", None, html_chunk=text, offset=offset, **changes)


def in_phase(phase: Phase) -> ProcessState:
    return ProcessState(facts=Facts(status=phase.value))


def row(sequence: int, facts: Facts) -> dict[str, Any]:
    return {
        "last_event_sequence": sequence,
        "status": facts.status,
        "current_step": facts.current_step,
        "is_waiting_for_input": facts.is_waiting_for_input,
        "expected_user_input": facts.expected_user_input,
    }


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_every_event_type_is_folded(event_type: str) -> None:
    state = reduce(ProcessState(), an_event(event_type, 7))

    assert (state.last_event_sequence, state.facts_sequence) == (7, 7)


@pytest.mark.parametrize(
    ("phase", "event_type"), [(phase, event) for phase, allowed in TRANSITIONS.items() for event in allowed]
)
def test_the_status_follows_the_automaton(phase: Phase, event_type: str) -> None:
    event = an_event(event_type, status=phase.value) if event_type == "state_updated" else an_event(event_type)

    assert reduce(in_phase(phase), event).status == advance(phase, event.data)


def test_an_unrecoverable_error_fails_the_process() -> None:
    event = an_event("process_error", error_type="unrecoverable")

    state = reduce(in_phase(Phase.RUNNING), event)

    assert (state.status, state.error) == ("failed", event.data)


def test_a_step_goes_on_and_is_completed() -> None:
    begun = folded(an_event("process_error"), an_event("step_update", 2))
    done = folded(an_event("step_completed", 3), start=begun)

    assert (begun.current_step, begun.steps, begun.error) == ("researching", {"researching": "in_progress"}, None)
    assert (done.current_step, done.steps) == ("researching", {"researching": "completed"})


def test_a_question_is_shown_until_it_is_answered() -> None:
    asked = reduce(in_phase(Phase.RUNNING), an_event("user_input_required"))
    answered = reduce(asked, an_event("user_input_received", 2))

    assert isinstance(asked.question, UserInputRequired)
    assert (asked.is_waiting_for_input, asked.expected_user_input) == (True, "SELECT_THEME")
    assert (asked.input_id, asked.options) == (UUID(ID), asked.question.options)
    assert (answered.is_waiting_for_input, answered.expected_user_input) == (False, None)
    assert (answered.input_id, answered.options) == (None, ())


def test_a_pause_keeps_the_question_and_resuming_drops_it() -> None:
    asked = reduce(in_phase(Phase.RUNNING), an_event("user_input_required"))
    paused = reduce(asked, an_event("process_paused", 2))
    resumed = reduce(paused, an_event("process_resumed", 3))

    assert (paused.paused, paused.is_waiting_for_input, paused.input_id) == (True, True, UUID(ID))
    assert (resumed.paused, resumed.is_waiting_for_input, resumed.input_id) == (False, False, None)


def test_state_updated_sets_what_the_row_says() -> None:
    event = an_event("state_updated", status="waiting", is_waiting_for_input=True, expected_user_input="APPROVE_PLAN")

    assert reduce(ProcessState(), event).facts == Facts(
        status="waiting", current_step="researching", is_waiting_for_input=True, expected_user_input="APPROVE_PLAN"
    )


def test_research_images_and_heartbeats_are_shown() -> None:
    research = an_event("research_progress")
    placeholder = an_event("image_placeholder_generated")
    image = an_event("image_generated")

    state = folded(research, placeholder, image, an_event("heartbeat"))

    assert state.research == research.data
    assert (state.placeholders, state.images) == ({"i1": placeholder.data}, {"i1": image.data})
    assert state.last_heartbeat == AT


def test_completion_shows_the_article_and_all_steps_done() -> None:
    event = an_event("process_completed", 2)

    state = folded(an_event("step_update"), event)

    assert isinstance(state.article, ProcessCompleted)
    assert (state.status, state.current_step) == ("completed", "completed")
    assert state.steps == {"researching": "completed"}


def test_chunks_join_to_the_text_and_completion_agrees() -> None:
    state = folded(a_chunk(TEXT[:3], 0), a_chunk(TEXT[3:], 3), an_event("section_completed", None))

    assert state.sections == {0: Section(heading="Wood", text=TEXT, complete=True)}


def test_a_chunk_that_was_joined_from_several_goes_on_with_the_text() -> None:
    state = folded(a_chunk(TEXT[:1], 0), a_chunk(TEXT[1:3], 1, chunk_index=1, chunks=2), a_chunk(TEXT[3:], 3))

    assert state.sections == {0: Section(heading="Wood", text=TEXT)}


def test_a_chunk_that_does_not_continue_the_text_breaks_the_section() -> None:
    state = folded(a_chunk("abc", 0), a_chunk("ghi", 6, chunk_index=2))

    assert state.sections == {0: Section(heading="Wood", text="abc", broken="chunk 2 begins at 6, the text ends at 3")}


def test_a_broken_section_stays_broken_and_keeps_its_first_reason() -> None:
    state = folded(a_chunk("abc", 0), a_chunk("x", 9), a_chunk("d", 3), a_chunk("y", 9))

    assert state.sections[0].text == "abcd"
    assert state.sections[0].broken == "chunk 0 begins at 9, the text ends at 3"


def test_a_new_attempt_starts_the_section_anew() -> None:
    state = folded(a_chunk("abc", 0), a_chunk("x", 9), a_chunk("A", 0, attempt=2))

    assert state.sections == {0: Section(heading="Wood", attempt=2, text="A")}


def test_a_chunk_of_an_older_attempt_breaks_the_section() -> None:
    state = folded(a_chunk("A", 0, attempt=2), a_chunk("abc", 0))

    assert state.sections[0].text == "A"
    assert state.sections[0].broken == "a chunk of attempt 1 came after attempt 2 had begun"


def test_a_chunk_after_the_completion_breaks_the_section() -> None:
    state = folded(a_chunk(TEXT, 0), an_event("section_completed", None), a_chunk("!", len(TEXT)))

    assert (state.sections[0].text, state.sections[0].broken) == (TEXT, "chunk 0 came after the section was complete")


def test_a_section_without_chunks_takes_the_completed_content() -> None:
    state = folded(an_event("section_completed"))

    assert state.sections == {0: Section(heading="Wood", text=TEXT, complete=True)}


def test_a_section_whose_chunks_were_other_than_its_content_is_marked_and_kept() -> None:
    state = folded(a_chunk("abc", 0), an_event("section_completed", None))

    assert state.sections[0] == Section(
        heading="Wood", text="abc", complete=True, broken="the joined chunks are not the completed content"
    )


def test_a_section_whose_first_chunk_is_missing_is_not_healed() -> None:
    state = folded(a_chunk(TEXT[3:], 3), an_event("section_completed", None))

    assert (state.sections[0].text, state.sections[0].broken) == ("", "chunk 0 begins at 3, the text ends at 0")


def test_a_repeated_chunk_that_did_no_harm_is_forgiven_by_the_content() -> None:
    state = folded(a_chunk(TEXT, 0), a_chunk(TEXT, 0), an_event("section_completed", None))

    assert state.sections[0] == Section(heading="Wood", text=TEXT, complete=True)


def test_completed_content_with_a_wrong_hash_is_marked() -> None:
    state = folded(an_event("section_completed", content_sha256=text_hash("other")))

    assert state.sections[0].broken == "the completed content does not have the hash it is said to have"


def test_a_completion_of_an_older_attempt_breaks_the_section() -> None:
    state = folded(a_chunk("A", 0, attempt=2), an_event("section_completed", None))

    assert state.sections[0].broken == "attempt 1 was completed after attempt 2 had begun"
    assert not state.sections[0].complete


def test_an_older_row_changes_nothing() -> None:
    state = folded(an_event("step_update", 5))

    assert snapshot(state, row(5, Facts(status="failed"))) is state


def test_a_newer_row_moves_the_facts_and_nothing_else() -> None:
    state = folded(an_event("step_update", 5))
    facts = Facts(status="waiting", current_step="x", is_waiting_for_input=True, expected_user_input="SELECT_THEME")

    assert snapshot(state, row(6, facts)) == replace(state, facts=facts, facts_sequence=6)


def test_a_question_known_only_from_the_row_cannot_be_answered_yet() -> None:
    facts = Facts(status="waiting", is_waiting_for_input=True, expected_user_input="SELECT_THEME")
    ahead = snapshot(ProcessState(), row(3, facts))

    asked = folded(an_event("user_input_required", 3), start=ahead)

    assert (ahead.is_waiting_for_input, ahead.input_id) == (True, None)
    assert asked.input_id == UUID(ID)


def test_a_row_without_its_sequence_is_refused() -> None:
    with pytest.raises(KeyError):
        snapshot(ProcessState(), {"status": "running"})


EVENTS: Sequence[ProcessEvent] = (
    an_event("step_update", 1),
    an_event("user_input_required", 2),
    an_event("state_updated", 3, status="waiting", is_waiting_for_input=True, expected_user_input="SELECT_THEME"),
    an_event("user_input_received", 4),
    an_event("process_completed", 5),
)


def interleavings(rows: Sequence[Mapping[str, Any]]) -> Iterator[ProcessState]:
    """The end state for each order of both streams; each stream keeps its own order."""
    total = len(EVENTS) + len(rows)
    for places in combinations(range(total), len(rows)):
        state = ProcessState()
        events, snapshots = iter(EVENTS), iter(rows)
        for place in range(total):
            state = snapshot(state, next(snapshots)) if place in places else reduce(state, next(events))
        yield state


@pytest.mark.parametrize("lost", [(), (0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2)])
def test_all_interleavings_of_events_and_rows_converge(lost: tuple[int, ...]) -> None:
    at = (1, 3, 5)
    rows = [row(n, folded(*EVENTS[:n]).facts) for place, n in enumerate(at) if place not in lost]

    ends = list(interleavings(rows))

    assert [state for state in ends if state != folded(*EVENTS)] == []


def test_examples_cover_all_types() -> None:
    models: set[type[EventData]] = {type(an_event(name).data) for name in EXAMPLES}

    assert models == set(EVENT_TYPES.values())
