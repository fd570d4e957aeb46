"""What a simulated generation shall be like: the key `simulation` of the request that starts it."""

from collections import Counter
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from harness.events.workflow import STEPS

Step = Literal[
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
]
assert get_args(Step) == STEPS, "the steps of the workflow, spelled out so that pydantic can name a wrong one"

WRITING: Step = "writing_sections"
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Failure(BaseModel):
    """A recoverable error that happens `times` times: at the begin of the step, or before a chunk of a section."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    step: Step
    times: int = Field(default=1, ge=1)
    at_chunk: int | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _chunks_are_written_in_one_step(self) -> "Failure":
        if self.at_chunk is not None and self.step != WRITING:
            raise ValueError(f"at_chunk is for {WRITING} only")
        return self


class FlowOptions(BaseModel):
    """Sizes, seconds and failures of one generation; all seconds are divided by the application's pace.

    Unless it may `ask`, the application takes the first option of each question by itself. `scripted`: there is no
    generation, the story says each event; `held`: it begins when the story says so. A section has at least
    `section_chars` characters.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    ask: bool = True
    scripted: bool = False
    held: bool = False
    sections: int = Field(default=3, ge=1, le=100)
    section_chars: int = Field(default=800, ge=1, le=2_000_000)
    chunks: int = Field(default=8, ge=1, le=10_000)
    images: int = Field(default=2, ge=0, le=100)
    research_queries: int = Field(default=3, ge=1, le=100)
    heartbeat_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 30.0
    input_timeout_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1800.0
    chunk_interval_s: Seconds = 0.2
    step_s: Seconds = 0.5
    query_s: Seconds = 0.5
    image_s: Seconds = 0.5
    failures: tuple[Failure, ...] = ()
    fatal_step: Step | None = None
    max_retries: int = Field(default=3, ge=0, le=100)
    retry_delay_s: Seconds = 1.0

    @model_validator(mode="after")
    def _failures_can_happen(self) -> "FlowOptions":
        if any((failure.at_chunk or 0) >= self.chunks for failure in self.failures):
            raise ValueError(f"at_chunk must be below chunks, which is {self.chunks}")
        return self


class FailurePlan:
    """Which of the failures are still to come."""

    def __init__(self, failures: tuple[Failure, ...]) -> None:
        self._left: Counter[tuple[str, int | None]] = Counter()
        for failure in failures:
            self._left[failure.step, failure.at_chunk] += failure.times

    def due(self, step: str, at_chunk: int | None = None) -> bool:
        """Whether it fails here and now; each failure happens once."""
        if not self._left[step, at_chunk]:
            return False
        self._left[step, at_chunk] -= 1
        return True
