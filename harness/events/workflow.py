"""The automaton of one process: phase × event → phase, as a table (spec-decisions D-70 … D-73).

The specification does not define it; this is ours, and the flow, the reducer's tests and the checkers all go
by it. `docs/workflow.md` is drawn from these tables.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from harness.errors import IllegalTransition
from harness.events.types import EventData, ProcessError


class Phase(StrEnum):
    """Where a process is. `recovering` is after a recoverable error and before the retry; two are terminal."""

    NEW = "new"
    RUNNING = "running"
    WAITING = "waiting"
    PAUSED = "paused"
    RECOVERING = "recovering"
    COMPLETED = "completed"
    FAILED = "failed"


TERMINAL: Final = frozenset({Phase.COMPLETED, Phase.FAILED})

STEPS: Final = (
    "keyword_analyzing",
    "persona_generating",
    "theme_generating",
    "research_planning",
    "researching",
    "research_synthesizing",
    "outline_generating",
    "writing_sections",
    "image_generating",
    "editing",
)
"""The steps of an article generation, in order; after the last comes `completed`."""

_WORK: Final = (
    "step_update",
    "step_completed",
    "research_progress",
    "section_chunk",
    "section_completed",
    "image_placeholder_generated",
    "image_generated",
)
_ANYTIME: Final = ("heartbeat", "state_updated")

TRANSITIONS: Final[Mapping[Phase, Mapping[str, Phase]]] = {
    Phase.NEW: {"process_created": Phase.RUNNING},
    Phase.RUNNING: {
        **dict.fromkeys((*_WORK, *_ANYTIME), Phase.RUNNING),
        "user_input_required": Phase.WAITING,
        "process_paused": Phase.PAUSED,
        "process_error": Phase.RECOVERING,
        "process_completed": Phase.COMPLETED,
    },
    Phase.WAITING: {
        **dict.fromkeys(_ANYTIME, Phase.WAITING),
        "user_input_received": Phase.RUNNING,
        "process_paused": Phase.PAUSED,
        "process_error": Phase.RECOVERING,
    },
    Phase.PAUSED: {
        **dict.fromkeys(_ANYTIME, Phase.PAUSED),
        "process_resumed": Phase.RUNNING,
        "process_error": Phase.RECOVERING,
    },
    Phase.RECOVERING: {
        **dict.fromkeys(_ANYTIME, Phase.RECOVERING),
        "step_update": Phase.RUNNING,
        "user_input_required": Phase.WAITING,
        "process_paused": Phase.PAUSED,
        "process_error": Phase.RECOVERING,
    },
    Phase.COMPLETED: {},
    Phase.FAILED: {},
}
"""What is not here is illegal. An unrecoverable `process_error` leads to `failed` instead (see `advance`).

While waiting or paused no work is told; a pause while waiting keeps the question open, so that resuming
asks it again.
"""


def advance(phase: Phase, event: EventData) -> Phase:
    """The phase after `event`; raises `IllegalTransition`, and then nothing has changed."""
    following = TRANSITIONS[phase].get(event.event_type)
    if following is None:
        raise IllegalTransition(phase, event.event_type)
    if isinstance(event, ProcessError) and not event.recoverable:
        return Phase.FAILED
    return following
