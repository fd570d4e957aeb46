"""What a reader shows at its end, as the history's `view` op has it, and what it can see to be wrong with that."""

from typing import Any

from harness.events.event import text_hash
from harness.pipeline.app_api import Article
from harness.pipeline.reducer import ProcessState


def view(state: ProcessState, article: Article | None, *, stale: bool) -> dict[str, Any]:
    """The value of the op. The article's hash is taken of the text that was fetched, not of what is said of it."""
    return {
        "status": state.status,
        "current_step": state.current_step,
        "is_waiting_for_input": state.is_waiting_for_input,
        "expected_user_input": state.expected_user_input,
        "last_event_sequence": state.last_event_sequence,
        "stale": stale,
        "sections": [
            {"section_index": index, "sha256": text_hash(section.text), "chars": len(section.text)}
            for index, section in sorted(state.sections.items())
        ],
        "article_sha256": text_hash(article.content) if article else None,
    }


def complaints(state: ProcessState, article: Article | None, *, article_failure: str) -> list[str]:
    """Broken sections, and an article that did not come or is not the one that the completion told of."""
    broken = [f"section {index}: {section.broken}" for index, section in state.sections.items() if section.broken]
    if state.article is None:
        return broken
    if article is None:
        return [*broken, f"article: {article_failure}"]
    if text_hash(article.content) != state.article.content_sha256:
        return [*broken, "article: its hash is not the one that process_completed told"]
    return broken
