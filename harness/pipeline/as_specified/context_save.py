"""The specification's context save, to the letter: the row in one transaction, the event that tells of it in another.

Beside the publisher, through which its events go too.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.clock import Clock
from harness.events.types import EventData, ProcessCompleted, StateUpdated
from harness.pipeline.app import EventPublisher
from harness.pipeline.as_specified.store import StateRow, Tables
from harness.pipeline.as_specified.type_map import FinalResult
from harness.pipeline.store import Content


@dataclass(slots=True, kw_only=True)
class _Context:
    """What the specification's `ArticleContext` carries from save to save, and the text of the finished article."""

    article: Mapping[str, Any] = field(default_factory=dict)
    executing_step: str | None = None
    step_execution_start: str | None = None
    final_content: str = ""


class ContextSave:
    """Saves state rows with the whole context in them (D-45), and finished articles."""

    def __init__(self, tables: Tables, publisher: EventPublisher, *, clock: Clock) -> None:
        self._tables = tables
        self._publisher = publisher
        self._clock = clock
        self._contexts: dict[str, _Context] = {}

    async def save(
        self,
        process_id: str,
        facts: StateUpdated,
        *,
        more: Mapping[str, Any] | None = None,
        context: Mapping[str, Any] | None = None,
        last: EventData | None = None,
    ) -> None:
        """Update the row, then publish `facts`, or `last` in its place: what ends between the two stays so (D-44).

        Of `more` only what the specification's code writes is saved. Raises `StoreError`, without a second attempt.
        """
        kept = self._contexts.setdefault(process_id, _Context())
        _take(kept, more or {}, context)
        await self._tables.update_state(self._row(process_id, facts, kept))
        if last is not None:
            del self._contexts[process_id]
        await self._publisher.publish(process_id, facts if last is None else _final(last, kept))

    async def save_content(self, content: Content) -> None:
        """Keep the finished article, in its table and for the last event (D-48); raises `StoreError`."""
        self._contexts.setdefault(content.process_id, _Context()).final_content = content.content
        await self._tables.save_content(content, at=self._clock.wall())

    def _row(self, process_id: str, facts: StateUpdated, kept: _Context) -> StateRow:
        return StateRow(
            process_id=process_id,
            article_context=kept.article,
            status=facts.status,
            current_step=facts.current_step,
            updated_at=self._clock.wall(),
            realtime_channel=f"process_{process_id}",  # no channel is called so (D-47)
            executing_step=kept.executing_step,
            step_execution_metadata={
                "step_start_time": kept.step_execution_start,
                "expected_user_input": facts.expected_user_input,
                "is_waiting_for_input": facts.is_waiting_for_input,  # clients look for a column (D-42)
            },
        )


def _take(kept: _Context, more: Mapping[str, Any], context: Mapping[str, Any] | None) -> None:
    kept.article = kept.article if context is None else context
    kept.executing_step = more.get("executing_step", kept.executing_step)
    kept.step_execution_start = more.get("step_execution_start", kept.step_execution_start)


def _final(last: EventData, kept: _Context) -> EventData:
    """The last event as the specification has it: with the text in it."""
    if not isinstance(last, ProcessCompleted):
        return last
    return FinalResult(
        article_id=last.article_id,
        title=last.title,
        final_content=kept.final_content,
        statistics=last.statistics,
    )
