"""What each event type carries: one pydantic model per type, the registry, and `parse`.

The fifteen types of the specification and `state_updated` (spec-decisions D-26). Where the specification
names a field in two ways, the concrete example wins (D-55). Final content and contexts are not carried:
events hold id and hash, the text is fetched (D-45, D-48).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Final, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.errors import InvalidEvent, UnknownEventType

InputType = Literal["SELECT_PERSONA", "SELECT_THEME", "APPROVE_PLAN", "APPROVE_OUTLINE"]
InputAction = Literal["select", "approve", "regenerate", "edit", "skip"]
ErrorType = Literal["recoverable", "unrecoverable", "input_timeout"]


class EventData(BaseModel):
    """Base of all event data: closed (an unknown field is an error) and frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    event_type: ClassVar[str]
    category: ClassVar[str] = "process"
    priority: ClassVar[int] = 5
    source: ClassVar[str] = "generation_flow_manager"

    def entity(self) -> str:
        """What of the process this is about; two events of one type and entity are versions of one fact."""
        return ""


class ProcessCreated(EventData):
    event_type = "process_created"
    category = "system"
    process_id: UUID
    initial_request: dict[str, Any]


class Progress(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    completed_steps: int = Field(ge=0)
    total_steps: int = Field(gt=0)
    percentage: float = Field(ge=0, le=100)


class StepUpdate(EventData):
    event_type = "step_update"
    priority = 3
    step: str
    previous_step: str | None = None
    message: str
    progress: Progress
    estimated_completion: datetime | None = None
    image_mode: bool = False

    def entity(self) -> str:
        return self.step


class StepCompleted(EventData):
    event_type = "step_completed"
    priority = 3
    step: str
    result: dict[str, Any] = Field(default_factory=dict)

    def entity(self) -> str:
        return self.step


class Choice(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    index: int = Field(ge=0)
    title: str
    description: str = ""
    keywords: tuple[str, ...] = ()


class UserInputRequired(EventData):
    event_type = "user_input_required"
    category = "interaction"
    priority = 1
    source = "user_interaction_manager"
    input_id: UUID
    input_type: InputType
    timeout: datetime
    options: tuple[Choice, ...]
    additional_actions: tuple[InputAction, ...] = ("regenerate", "edit", "skip")

    def entity(self) -> str:
        return str(self.input_id)


class UserInputReceived(EventData):
    event_type = "user_input_received"
    category = "interaction"
    priority = 1
    source = "user_interaction_manager"
    input_id: UUID
    input_type: InputType
    action: InputAction
    selected: dict[str, Any] = Field(default_factory=dict)

    def entity(self) -> str:
        return str(self.input_id)


class ResearchProgress(EventData):
    event_type = "research_progress"
    category = "generation"
    source = "research_agent"
    query_index: int = Field(ge=1)
    total_queries: int = Field(ge=1)
    query: str
    sources_found: int = Field(default=0, ge=0)

    def entity(self) -> str:
        return str(self.query_index)


class SectionChunk(EventData):
    """A piece of a section's text. A new `attempt` starts the section anew (D-73); `offset` counts characters.

    `chunks` says how many pieces a debouncer has joined in this one, of which `chunk_index` is the first.
    """

    event_type = "section_chunk"
    category = "generation"
    priority = 4
    source = "section_writer_agent"
    section_index: int = Field(ge=0)
    section_heading: str
    attempt: int = Field(default=1, ge=1)
    chunk_index: int = Field(ge=0)
    chunks: int = Field(default=1, ge=1)
    offset: int = Field(ge=0)
    html_chunk: str
    is_complete: bool = False
    total_chars_generated: int = Field(ge=0)
    estimated_section_length: int = Field(ge=0)
    generation_progress: float = Field(ge=0, le=100)
    image_mode: bool = False

    def entity(self) -> str:
        return str(self.section_index)

    def followed_by(self, later: "SectionChunk") -> "SectionChunk":
        """One chunk with the text of both: it begins where this one does, and what it says of progress is `later`'s."""
        return self.model_copy(
            update={
                "html_chunk": self.html_chunk + later.html_chunk,
                "chunks": self.chunks + later.chunks,
                "is_complete": later.is_complete,
                "total_chars_generated": later.total_chars_generated,
                "estimated_section_length": later.estimated_section_length,
                "generation_progress": later.generation_progress,
            }
        )


class SectionCompleted(EventData):
    event_type = "section_completed"
    category = "generation"
    priority = 3
    source = "section_writer_agent"
    section_index: int = Field(ge=0)
    section_heading: str
    attempt: int = Field(default=1, ge=1)
    content: str
    content_sha256: str
    images: tuple[str, ...] = ()

    def entity(self) -> str:
        return str(self.section_index)


class ImagePlaceholderGenerated(EventData):
    event_type = "image_placeholder_generated"
    category = "generation"
    source = "image_agent"
    placeholder_id: str
    section_index: int = Field(ge=0)
    description: str
    prompt: str

    def entity(self) -> str:
        return self.placeholder_id


class ImageGenerated(EventData):
    event_type = "image_generated"
    category = "generation"
    source = "image_agent"
    placeholder_id: str
    image_url: str
    gcs_path: str

    def entity(self) -> str:
        return self.placeholder_id


class ProcessPaused(EventData):
    event_type = "process_paused"
    priority = 2
    reason: str = "user_request"
    resume_available: bool = True
    paused_at_step: str


class ProcessResumed(EventData):
    event_type = "process_resumed"
    priority = 2
    resumed_from_step: str


class ProcessCompleted(EventData):
    """The end. The article's text is fetched by `article_id` and checked against `content_sha256` (D-48)."""

    event_type = "process_completed"
    priority = 1
    article_id: UUID
    title: str
    content_sha256: str
    content_chars: int = Field(ge=0)
    statistics: dict[str, Any] = Field(default_factory=dict)


class ProcessError(EventData):
    """`unrecoverable` is terminal, the other kinds are not; expired input is `input_timeout` (D-70, D-72)."""

    event_type = "process_error"
    priority = 1
    error_type: ErrorType
    step: str
    message: str
    retry_count: int = Field(default=0, ge=0)
    max_retries: int = Field(default=3, ge=0)
    recovery_options: tuple[str, ...] = ()

    @property
    def recoverable(self) -> bool:
        return self.error_type != "unrecoverable"


class Heartbeat(EventData):
    """`active_connections` is what the backend knows, which may be nothing (D-27)."""

    event_type = "heartbeat"
    category = "system"
    priority = 9
    source = "backend"
    timestamp: datetime
    active_connections: int | None = None


class StateUpdated(EventData):
    """Written in the transaction that saves the state row it tells of (D-26, D-44)."""

    event_type = "state_updated"
    category = "state"
    source = "process_persistence_service"
    current_step: str
    status: str
    is_waiting_for_input: bool
    expected_user_input: InputType | None = None


EVENT_TYPES: Final[Mapping[str, type[EventData]]] = {
    model.event_type: model
    for model in (
        ProcessCreated,
        StepUpdate,
        StepCompleted,
        UserInputRequired,
        UserInputReceived,
        ResearchProgress,
        SectionChunk,
        SectionCompleted,
        ImagePlaceholderGenerated,
        ImageGenerated,
        ProcessPaused,
        ProcessResumed,
        ProcessCompleted,
        ProcessError,
        Heartbeat,
        StateUpdated,
    )
}
"""Event type → model: the registry. A model that is not here cannot be published (D-25)."""


def parse(event_type: str, event_data: Any) -> EventData:
    """The model of that type filled from JSON data.

    Raises `UnknownEventType`, or `InvalidEvent` with the first fault that the model finds.
    """
    model = EVENT_TYPES.get(event_type)
    if model is None:
        raise UnknownEventType(event_type, sorted(EVENT_TYPES))
    try:
        return model.model_validate(event_data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "event_data"
        raise InvalidEvent(event_type, f"{where}: {first['msg']}") from error
