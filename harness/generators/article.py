"""A user's way through an article generation: the four questions, answered in order."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.events.types import (
    ImageGenerated,
    ImagePlaceholderGenerated,
    ProcessError,
    Progress,
    ResearchProgress,
    StepCompleted,
    StepUpdate,
)
from harness.generators.step import Answer, Step, answer

QUESTIONS = ("SELECT_PERSONA", "SELECT_THEME", "APPROVE_PLAN", "APPROVE_OUTLINE")
"""The input types of a generation, in the order in which the flow asks them."""


def answer_question(reader: str, input_type: str, *, after: float = 1.0) -> Answer:
    """Choose the first option of a selection, or approve what is shown."""
    if input_type.startswith("SELECT"):
        return answer(reader, input_type, action="select", payload={"selected_index": 0}, after=after)
    return answer(reader, input_type, action="approve", after=after)


def answer_all(reader: str, *, questions: Sequence[str] = QUESTIONS, after: float = 1.0) -> Iterator[Step]:
    """Answer each question as soon as this reader shows it, after thinking for `after` seconds."""
    for input_type in questions:
        yield answer_question(reader, input_type, after=after)


def simulation(
    *,
    sections: int = 3,
    chunks: int = 8,
    images: int = 2,
    failures: Sequence[Mapping[str, Any]] = (),
    fatal_step: str | None = None,
    max_retries: int = 3,
    input_timeout_s: float = 1800.0,
    heartbeat_s: float = 30.0,
    chunk_interval_s: float = 0.2,
    ask: bool = True,
    scripted: bool = False,
    held: bool = False,
    section_chars: int = 800,
    step_s: float = 0.5,
    image_s: float = 0.5,
) -> dict[str, Any]:
    """Options of the simulated flow for `start_process`; seconds are divided by `--pace`.

    Unless it may `ask`, the application takes the first option of each question by itself. `scripted`: nothing is
    generated, the story says each event (`emit`). `held`: it begins when the story says `release`.
    """
    return {
        "ask": ask,
        "scripted": scripted,
        "held": held,
        "section_chars": section_chars,
        "step_s": step_s,
        "image_s": image_s,
        "sections": sections,
        "chunks": chunks,
        "images": images,
        "failures": [dict(failure) for failure in failures],
        "fatal_step": fatal_step,
        "max_retries": max_retries,
        "input_timeout_s": input_timeout_s,
        "heartbeat_s": heartbeat_s,
        "chunk_interval_s": chunk_interval_s,
    }


def calm(*, sections: int = 2, chunks: int = 10, chunk_interval_s: float = 0.5, **more: Any) -> dict[str, Any]:
    """A generation that asks nobody, is held back until `release`, and says nothing twice within 0.2 s.

    So no debouncer has anything to do, and what is lost is lost on the way. `more` are further options.
    """
    options = simulation(
        sections=sections, chunks=chunks, chunk_interval_s=chunk_interval_s, ask=False, held=True, step_s=0.5
    )
    return {**options, **more}


def step_completed(step: str, *, result: Mapping[str, Any] | None = None) -> StepCompleted:
    """For `emit`: a step is done."""
    return StepCompleted(step=step, result=dict(result or {}))


def step_begun(step: str) -> StepUpdate:
    """For `emit`: a step begins."""
    progress = Progress(completed_steps=0, total_steps=10, percentage=0.0)
    return StepUpdate(step=step, message=f"{step} begins", progress=progress)


def researched(query: int, *, of: int) -> ResearchProgress:
    """For `emit`: one of so many queries is done."""
    return ResearchProgress(query_index=query, total_queries=of, query=f"query {query}")


def failed(message: str) -> ProcessError:
    """For `emit`: an error after which the process goes on."""
    return ProcessError(error_type="recoverable", step="researching", message=message)


def image_placeholder(number: int) -> ImagePlaceholderGenerated:
    """For `emit`: the place of an image."""
    return ImagePlaceholderGenerated(
        placeholder_id=f"image-{number}", section_index=0, description=f"image {number}", prompt=f"draw {number}"
    )


def image(number: int) -> ImageGenerated:
    """For `emit`: an image is there."""
    file = f"image-{number}.webp"
    return ImageGenerated(
        placeholder_id=f"image-{number}", image_url=f"https://images.example/{file}", gcs_path=f"gs://articles/{file}"
    )
