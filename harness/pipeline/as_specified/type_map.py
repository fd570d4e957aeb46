"""Which event type the specification gives to what its application says: a table of six, else `generic_event` (D-25).

Before the debouncer. The specification's code finds the type by the name of a payload's class; ours says the same
things with classes of its own, so each gets the name of the class that would have said it there.
"""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from pydantic import Field

from harness.events.types import (
    EventData,
    Heartbeat,
    ImageGenerated,
    ImagePlaceholderGenerated,
    InputType,
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

UNKNOWN: Final = "generic_event"

TYPE_MAPPING: Final[Mapping[str, str]] = {
    "StatusUpdatePayload": "step_update",
    "ThemeProposalPayload": "user_input_required",
    "ResearchProgressPayload": "research_progress",
    "SectionChunkPayload": "section_chunk",
    "FinalResultPayload": "process_completed",
    "ErrorPayload": "process_error",
}
"""The specification's own six."""


class FinalResult(EventData):
    """The end, with the whole text in it (D-48). The specification's table has no `title`, but its client reads it."""

    event_type = "process_completed"
    article_id: UUID
    title: str
    final_content: str
    statistics: dict[str, Any] = Field(default_factory=dict)


_QUESTIONS: Final[Mapping[InputType, str]] = {
    "SELECT_PERSONA": "PersonaProposalPayload",
    "SELECT_THEME": "ThemeProposalPayload",
    "APPROVE_PLAN": "ResearchPlanPayload",
    "APPROVE_OUTLINE": "OutlinePayload",
}

_NAMES: Final[Mapping[type[EventData], str]] = {
    ProcessCreated: "ProcessCreatedPayload",
    StepUpdate: "StatusUpdatePayload",
    StepCompleted: "StepCompletedPayload",
    UserInputReceived: "UserInputPayload",
    ResearchProgress: "ResearchProgressPayload",
    SectionChunk: "SectionChunkPayload",
    SectionCompleted: "SectionCompletedPayload",
    ImagePlaceholderGenerated: "ImagePlaceholderPayload",
    ImageGenerated: "ImageGeneratedPayload",
    ProcessPaused: "ProcessPausedPayload",
    ProcessResumed: "ProcessResumedPayload",
    ProcessCompleted: "FinalResultPayload",
    FinalResult: "FinalResultPayload",
    ProcessError: "ErrorPayload",
    Heartbeat: "HeartbeatPayload",
}

_BY_NAME: Final[Mapping[type[EventData], str]] = {StateUpdated: "state_updated"}
"""What the specification's code publishes under a type that it writes out, past the table (D-26)."""

_NOT_SENT: Final[Mapping[type[EventData], frozenset[str]]] = {StateUpdated: frozenset({"expected_user_input"})}
"""Fields of ours that the specification's code does not put into its event."""


def payload_name(data: EventData) -> str:
    """The name of the payload class that says this in the specification, or would."""
    if isinstance(data, UserInputRequired):
        return _QUESTIONS[data.input_type]
    return _NAMES.get(type(data), type(data).__name__)


def published_type(data: EventData) -> str:
    """What the row's `event_type` becomes."""
    return _BY_NAME.get(type(data)) or TYPE_MAPPING.get(payload_name(data), UNKNOWN)


def event_data(data: EventData) -> Mapping[str, Any]:
    """The row's `event_data`: mode json (repaired, D-24), but NUL characters stay in, and PostgreSQL refuses them."""
    return data.model_dump(mode="json", exclude=set(_NOT_SENT.get(type(data), ())))
