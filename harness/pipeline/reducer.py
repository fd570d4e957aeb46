"""What a reader shows: `ProcessState`, folded from events, with the state row as a snapshot of four facts.

Last on the line: recovery hands the events over in sequence order, the reducer makes the page out of them. It
does not judge: what the automaton forbids is folded all the same, and the checkers say so.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from harness.events.event import ProcessEvent, text_hash
from harness.events.types import (
    Choice,
    EventData,
    Heartbeat,
    ImageGenerated,
    ImagePlaceholderGenerated,
    ProcessCompleted,
    ProcessCreated,
    ProcessError,
    ProcessPaused,
    ProcessResumed,
    ResearchProgress,
    SectionChunk,
    SectionCompleted,
    StateUpdated,
    StepCompleted,
    StepUpdate,
    UserInputReceived,
    UserInputRequired,
)
from harness.events.workflow import Phase


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What events and the state row both tell. `status` is a `Phase` value, so that row and reader compare equal."""

    status: str = Phase.NEW.value
    current_step: str | None = None
    is_waiting_for_input: bool = False
    expected_user_input: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One section of the article as its chunks joined to it. `broken` says why its text cannot be trusted."""

    heading: str
    attempt: int = 1
    text: str = ""
    complete: bool = False
    broken: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessState:
    """The page of one process. `facts_sequence` is the event that `facts` are as of: a snapshot may be ahead."""

    facts: Facts = Facts()
    facts_sequence: int = 0
    last_event_sequence: int = 0
    steps: Mapping[str, str] = field(default_factory=dict)
    question: UserInputRequired | None = None
    sections: Mapping[int, Section] = field(default_factory=dict)
    placeholders: Mapping[str, ImagePlaceholderGenerated] = field(default_factory=dict)
    images: Mapping[str, ImageGenerated] = field(default_factory=dict)
    research: ResearchProgress | None = None
    error: ProcessError | None = None
    article: ProcessCompleted | None = None
    last_heartbeat: datetime | None = None

    @property
    def status(self) -> str:
        return self.facts.status

    @property
    def current_step(self) -> str | None:
        return self.facts.current_step

    @property
    def paused(self) -> bool:
        return self.facts.status == Phase.PAUSED

    @property
    def is_waiting_for_input(self) -> bool:
        return self.facts.is_waiting_for_input

    @property
    def expected_user_input(self) -> str | None:
        return self.facts.expected_user_input

    @property
    def input_id(self) -> UUID | None:
        """The question that can be answered now; None while none is open or only the row has told of it."""
        return self.question.input_id if self.question and self.is_waiting_for_input else None

    @property
    def options(self) -> tuple[Choice, ...]:
        return self.question.options if self.question and self.is_waiting_for_input else ()


def reduce(state: ProcessState, event: ProcessEvent) -> ProcessState:
    """The state after `event`; total over all event types.

    The facts move only if the event is newer than they are: a snapshot may already be ahead of it. An event
    without a number counts as the next one. Duplicates and order are the business of recovery.
    """
    sequence = state.last_event_sequence + 1 if event.sequence is None else event.sequence
    page = _PAGE[type(event.data)](state, event.data)
    if sequence <= state.facts_sequence:
        return replace(page, last_event_sequence=sequence)
    facts = _FACTS[type(event.data)](state.facts, event.data)
    return replace(page, last_event_sequence=sequence, facts=facts, facts_sequence=sequence)


def snapshot(state: ProcessState, row: Mapping[str, Any]) -> ProcessState:
    """The state after a row of `generated_articles_state`: the same object if the row tells nothing newer (D-43).

    Events up to the row's `last_event_sequence` then no longer move the facts, those after it do. So both
    streams lead to one state in any interleaving, as long as the row says what the events up to it say.

    Raises `KeyError` where a column is missing, `TypeError` or `ValueError` where the sequence is no number.
    """
    sequence = int(row["last_event_sequence"])
    facts = Facts(
        status=row["status"],
        current_step=row["current_step"],
        is_waiting_for_input=row["is_waiting_for_input"],
        expected_user_input=row["expected_user_input"],
    )
    if sequence <= state.facts_sequence:
        return state
    return replace(state, facts=facts, facts_sequence=sequence)


def _same_facts(facts: Facts, data: EventData) -> Facts:
    return facts


def _in_phase(phase: Phase) -> Callable[[Facts, EventData], Facts]:
    return lambda facts, data: _closed(facts, phase)


def _closed(facts: Facts, phase: Phase) -> Facts:
    return replace(facts, status=phase.value, is_waiting_for_input=False, expected_user_input=None)


def _step_begun(facts: Facts, data: StepUpdate) -> Facts:
    return replace(_closed(facts, Phase.RUNNING), current_step=data.step)


def _asked(facts: Facts, data: UserInputRequired) -> Facts:
    return replace(facts, status=Phase.WAITING.value, is_waiting_for_input=True, expected_user_input=data.input_type)


def _paused(facts: Facts, data: ProcessPaused) -> Facts:
    # A pause keeps an open question open (events/workflow.py).
    return replace(facts, status=Phase.PAUSED.value)


def _completed(facts: Facts, data: ProcessCompleted) -> Facts:
    return replace(_closed(facts, Phase.COMPLETED), current_step="completed")


def _failed(facts: Facts, data: ProcessError) -> Facts:
    return _closed(facts, Phase.RECOVERING if data.recoverable else Phase.FAILED)


def _told(facts: Facts, data: StateUpdated) -> Facts:
    return Facts(
        status=data.status,
        current_step=data.current_step,
        is_waiting_for_input=data.is_waiting_for_input,
        expected_user_input=data.expected_user_input,
    )


def _same_page(state: ProcessState, data: EventData) -> ProcessState:
    return state


def _show_step(state: ProcessState, data: StepUpdate) -> ProcessState:
    return replace(state, steps={**state.steps, data.step: "in_progress"}, error=None)


def _show_step_done(state: ProcessState, data: StepCompleted) -> ProcessState:
    return replace(state, steps={**state.steps, data.step: "completed"})


def _show_question(state: ProcessState, data: UserInputRequired) -> ProcessState:
    return replace(state, question=data)


def _drop_question(state: ProcessState, data: UserInputReceived | ProcessResumed) -> ProcessState:
    return replace(state, question=None)


def _show_research(state: ProcessState, data: ResearchProgress) -> ProcessState:
    return replace(state, research=data)


def _show_chunk(state: ProcessState, data: SectionChunk) -> ProcessState:
    section = _with_chunk(_section(state, data), data)
    return replace(state, sections={**state.sections, data.section_index: section})


def _show_section(state: ProcessState, data: SectionCompleted) -> ProcessState:
    section = _finished(_section(state, data), data)
    return replace(state, sections={**state.sections, data.section_index: section})


def _show_placeholder(state: ProcessState, data: ImagePlaceholderGenerated) -> ProcessState:
    return replace(state, placeholders={**state.placeholders, data.placeholder_id: data})


def _show_image(state: ProcessState, data: ImageGenerated) -> ProcessState:
    return replace(state, images={**state.images, data.placeholder_id: data})


def _show_article(state: ProcessState, data: ProcessCompleted) -> ProcessState:
    return replace(state, article=data, question=None, error=None, steps=dict.fromkeys(state.steps, "completed"))


def _show_error(state: ProcessState, data: ProcessError) -> ProcessState:
    return replace(state, error=data, question=None)


def _show_heartbeat(state: ProcessState, data: Heartbeat) -> ProcessState:
    return replace(state, last_heartbeat=data.timestamp)


def _section(state: ProcessState, data: SectionChunk | SectionCompleted) -> Section:
    """The section so far; a new attempt starts it anew (D-73)."""
    known = state.sections.get(data.section_index)
    if known is None or data.attempt > known.attempt:
        return Section(heading=data.section_heading, attempt=data.attempt)
    return known


def _with_chunk(section: Section, data: SectionChunk) -> Section:
    if data.attempt < section.attempt:
        return _broken(section, f"a chunk of attempt {data.attempt} came after attempt {section.attempt} had begun")
    if section.complete:
        return _broken(section, f"chunk {data.chunk_index} came after the section was complete")
    if data.offset != len(section.text):
        wanted = f"chunk {data.chunk_index} begins at {data.offset}, the text ends at {len(section.text)}"
        return _broken(section, wanted)
    return replace(section, text=section.text + data.html_chunk)


def _finished(section: Section, data: SectionCompleted) -> Section:
    """The section with its end told. Where the chunks joined to something else, that stays, and is marked.

    Replacing it would paint over what streaming did wrong; the finished article is fetched by itself.
    """
    if data.attempt < section.attempt:
        return _broken(section, f"attempt {data.attempt} was completed after attempt {section.attempt} had begun")
    done = replace(section, complete=True)
    if text_hash(data.content) != data.content_sha256:
        return _broken(done, "the completed content does not have the hash it is said to have")
    if not section.text and section.broken is None:
        return replace(done, text=data.content)
    if section.text != data.content:
        return _broken(done, "the joined chunks are not the completed content")
    return replace(done, broken=None)


def _broken(section: Section, reason: str) -> Section:
    return replace(section, broken=section.broken or reason)


_FACTS: Final[Mapping[type[EventData], Callable[[Facts, Any], Facts]]] = {
    ProcessCreated: _in_phase(Phase.RUNNING),
    StepUpdate: _step_begun,
    StepCompleted: _same_facts,
    UserInputRequired: _asked,
    UserInputReceived: _in_phase(Phase.RUNNING),
    ResearchProgress: _same_facts,
    SectionChunk: _same_facts,
    SectionCompleted: _same_facts,
    ImagePlaceholderGenerated: _same_facts,
    ImageGenerated: _same_facts,
    ProcessPaused: _paused,
    ProcessResumed: _in_phase(Phase.RUNNING),
    ProcessCompleted: _completed,
    ProcessError: _failed,
    Heartbeat: _same_facts,
    StateUpdated: _told,
}

_PAGE: Final[Mapping[type[EventData], Callable[[ProcessState, Any], ProcessState]]] = {
    ProcessCreated: _same_page,
    StepUpdate: _show_step,
    StepCompleted: _show_step_done,
    UserInputRequired: _show_question,
    UserInputReceived: _drop_question,
    ResearchProgress: _show_research,
    SectionChunk: _show_chunk,
    SectionCompleted: _show_section,
    ImagePlaceholderGenerated: _show_placeholder,
    ImageGenerated: _show_image,
    ProcessPaused: _same_page,
    ProcessResumed: _drop_question,
    ProcessCompleted: _show_article,
    ProcessError: _show_error,
    Heartbeat: _show_heartbeat,
    StateUpdated: _same_page,
}
