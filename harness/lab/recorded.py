"""The input of a recorded run: its emits said again at their times, with what the history does not tell made up."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import UUID

from harness.clock import VIRTUAL_BEGIN
from harness.errors import UnknownEventType, UsageError
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
    Progress,
    ResearchProgress,
    SectionChunk,
    SectionCompleted,
    StateUpdated,
    StepCompleted,
    StepUpdate,
    UserInputReceived,
    UserInputRequired,
)
from harness.history import History, Op
from harness.history.hops import EMIT
from harness.lab.input import Input, Saying

_LETTERS: Final = (0x4E00, 20_000)
"""Where the characters that stand for chunks begin, and how many there are: no two near each other are alike."""


def recorded(history: History, *, name: str) -> Input:
    """Every event that the history has emitted, with its type, its process, its time and the place of a chunk.

    What it is about (a step, an image, a question) is not in the history: each is taken as another one, so that a
    policy that goes by entities replaces none. Raises `UsageError` if nothing was emitted, or nothing that we know.
    """
    emits = history.where(f=EMIT, type="ok")
    if not len(emits):
        raise UsageError(f"{name} tells of no emitted event: there is nothing to debounce")
    retelling = _Retelling()
    sayings = sorted((retelling.saying(op) for op in emits), key=lambda saying: saying.at)
    begin = sayings[0].at
    shifted = (Saying(at=one.at - begin, process_id=one.process_id, data=one.data, saved=one.saved) for one in sayings)
    return Input(name=name, sayings=tuple(shifted), texts=False)


class _Retelling:
    """Makes events again; `number` is that of the emit, and stands for whatever is not known."""

    def __init__(self) -> None:
        self._number = 0
        self._processes: dict[Any, str] = {}
        self._chunks: Counter[tuple[Any, ...]] = Counter()

    def saying(self, op: Op) -> Saying:
        self._number += 1
        told = op.value
        process_id = self._processes.setdefault(told.get("process_id"), str(UUID(int=len(self._processes) + 1)))
        data = self._data(process_id, told)
        ends = isinstance(data, ProcessCompleted) or (isinstance(data, ProcessError) and not data.recoverable)
        return Saying(
            at=float(told.get("due", op.time)),
            process_id=process_id,
            data=data,
            saved=ends or isinstance(data, StateUpdated),
        )

    def _data(self, process_id: str, told: Mapping[str, Any]) -> EventData:
        event_type = told.get("event_type", "")
        if event_type == "section_chunk":
            return self._chunk(process_id, told)
        if event_type not in _OTHERS:
            raise UnknownEventType(event_type, ["section_chunk", *_OTHERS])
        return _OTHERS[event_type](self._number, told)

    def _chunk(self, process_id: str, told: Mapping[str, Any]) -> SectionChunk:
        section, attempt = told.get("section_index", 0), told.get("attempt", 1)
        offset = self._chunks[process_id, section, attempt]
        self._chunks[process_id, section, attempt] += 1
        first, letters = _LETTERS
        return SectionChunk(
            section_index=section,
            section_heading="",
            attempt=attempt,
            chunk_index=told.get("chunk_index", offset),
            offset=offset,
            html_chunk=chr(first + self._number % letters),
            total_chars_generated=offset + 1,
            estimated_section_length=0,
            generation_progress=0,
        )


_QUESTIONS: Final[tuple[InputType, ...]] = ("SELECT_PERSONA", "SELECT_THEME", "APPROVE_PLAN", "APPROVE_OUTLINE")

_OTHERS: Final[Mapping[str, Callable[[int, Mapping[str, Any]], EventData]]] = {
    "process_created": lambda n, told: ProcessCreated(process_id=UUID(int=n), initial_request={}),
    "step_update": lambda n, told: StepUpdate(
        step=str(n), message="", progress=Progress(completed_steps=0, total_steps=1, percentage=0)
    ),
    "step_completed": lambda n, told: StepCompleted(step=str(n)),
    "user_input_required": lambda n, told: UserInputRequired(
        input_id=UUID(int=n), input_type=_QUESTIONS[n % len(_QUESTIONS)], timeout=VIRTUAL_BEGIN, options=()
    ),
    "user_input_received": lambda n, told: UserInputReceived(
        input_id=UUID(int=n), input_type=_QUESTIONS[n % len(_QUESTIONS)], action="select"
    ),
    "research_progress": lambda n, told: ResearchProgress(query_index=n, total_queries=n, query=""),
    "section_completed": lambda n, told: SectionCompleted(
        section_index=n, section_heading="", content="", content_sha256=""
    ),
    "image_placeholder_generated": lambda n, told: ImagePlaceholderGenerated(
        placeholder_id=str(n), section_index=0, description="", prompt=""
    ),
    "image_generated": lambda n, told: ImageGenerated(placeholder_id=str(n), image_url="", gcs_path=""),
    "process_paused": lambda n, told: ProcessPaused(paused_at_step=str(n)),
    "process_resumed": lambda n, told: ProcessResumed(resumed_from_step=str(n)),
    "process_completed": lambda n, told: ProcessCompleted(
        article_id=UUID(int=n), title="", content_sha256="", content_chars=0
    ),
    "process_error": lambda n, told: ProcessError(
        error_type=told.get("error_type", "recoverable"), step=str(n), message=""
    ),
    "heartbeat": lambda n, told: Heartbeat(timestamp=VIRTUAL_BEGIN),
    "state_updated": lambda n, told: StateUpdated(
        current_step=str(n), status=told.get("status", ""), is_waiting_for_input=False
    ),
}
"""Event type → an event of that type that is about something of its own."""
