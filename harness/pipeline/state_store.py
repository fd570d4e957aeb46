"""Saves the state row of a process together with the event that tells of it, in one transaction (D-44).

Beside the publisher, through which its events go too.
"""

from collections.abc import Mapping
from typing import Any

from harness.clock import Clock
from harness.errors import StoreError
from harness.events.event import ProcessEvent
from harness.events.types import EventData, StateUpdated
from harness.pipeline.app import EventPublisher
from harness.pipeline.publisher import RETRY_DELAYS_S
from harness.pipeline.store import Content, Store


class StateStore:
    """Writes state rows, contexts and finished articles."""

    def __init__(self, store: Store, publisher: EventPublisher, clock: Clock) -> None:
        self._store = store
        self._publisher = publisher
        self._clock = clock

    async def save(
        self,
        process_id: str,
        facts: StateUpdated,
        *,
        more: Mapping[str, Any] | None = None,
        context: Mapping[str, Any] | None = None,
        last: EventData | None = None,
    ) -> None:
        """Save the columns that `facts` names and, if given, `more` columns and the context, and publish `facts`.

        With `last`, the event after which nothing may be said, that is published instead. Values of `more` are
        JSON. It is committed on return; errors are those of `Publisher.publish`.
        """
        changes = {**(more or {}), **facts.model_dump(mode="json")}

        async def write(event: ProcessEvent) -> int:
            return await self._store.save_state(event, changes, context=context, at=event.emitted_at)

        await self._publisher.publish(process_id, last or facts, write=write)

    async def save_content(self, content: Content) -> None:
        """Keep the finished article; raises the last `StoreError` when all attempts were in vain."""
        at = self._clock.wall()
        for delay_s in RETRY_DELAYS_S:
            try:
                return await self._store.save_content(content, at=at)
            except StoreError:
                # Nothing is lost by it: the last attempt, below, tells what was wrong.
                await self._clock.sleep(delay_s)
        return await self._store.save_content(content, at=at)
