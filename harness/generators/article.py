"""A user's way through an article generation: the four questions, answered in order."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

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
) -> dict[str, Any]:
    """Options of the simulated flow for `start_process`; seconds are divided by `--pace`."""
    return {
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
