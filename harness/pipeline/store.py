"""`Store`: the application's tables as an interface, so that PostgreSQL and memory are two arms of one contract.

Between the publisher and the WAL, and behind the HTTP side. Ids of processes and users are text, as they travel.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from harness.events.event import ProcessEvent

Row = Mapping[str, Any]
"""A row as JSON: columns as spelled in `sql/schema.sql`, times as ISO text, ids as text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Events of one process in order of sequence, and the process's last sequence at the same moment.

    `complete` says that no event after these was committed at that moment. Holes that cleanup has left are no
    reason to ask again.
    """

    events: tuple[Row, ...]
    last_sequence: int
    complete: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A finished article; `sha256` is that of `content` (D-48)."""

    article_id: str
    process_id: str
    title: str
    content: str
    sha256: str


def page(events: Sequence[Row], *, last_sequence: int, limit: int) -> Page:
    """The page that a query for at most `limit` events has brought."""
    complete = len(events) < limit or events[-1]["event_sequence"] >= last_sequence
    return Page(events=tuple(events), last_sequence=last_sequence, complete=complete)


class Store(Protocol):
    """The application's tables.

    What writes raises `InsertFailed` (it did not happen) or `InsertInDoubt` (it may have happened), and may be
    called again with the same arguments: nothing is doubled. What reads raises `StoreError`. Within a process
    the order of sequences is the order of commits, without holes (D-16, D-18, D-19).
    """

    async def create_process(
        self, process_id: str, *, user_id: str, initial_request: Mapping[str, Any], at: datetime
    ) -> None:
        """A new state row with the columns' defaults."""
        ...

    async def insert_event(self, event: ProcessEvent) -> int:
        """Commit the event under the next sequence of its process and return that; again for a known id."""
        ...

    async def insert_events(self, events: Sequence[ProcessEvent]) -> Sequence[int]:
        """Commit the events in one statement, all or none, and return their sequences; known ids keep theirs."""
        ...

    async def save_state(
        self,
        event: ProcessEvent,
        changes: Mapping[str, Any],
        *,
        context: Mapping[str, Any] | None = None,
        at: datetime,
    ) -> int:
        """Commit in one transaction the event, the columns in `changes` and, if given, the context (D-44).

        The row's `last_event_sequence` becomes the event's, `updated_at` becomes `at`, and with a context
        `article_context_sha256` its hash. Values are JSON as in `Row`. Returns the sequence; if the event's id
        is known already, everything was saved then and nothing is changed now.
        """
        ...

    async def events_since(self, process_id: str, since: int, *, limit: int) -> Page:
        """The first `limit` events with a sequence above `since`."""
        ...

    async def last_sequence(self, process_id: str) -> int:
        """The last sequence that was given, 0 before the first."""
        ...

    async def state(self, process_id: str) -> Row | None:
        """The state row."""
        ...

    async def owner(self, process_id: str) -> str | None:
        """The id of the user who owns the process; None if there is no such process."""
        ...

    async def acknowledge(self, process_id: str, *, user_id: str, up_to_sequence: int, at: datetime) -> int:
        """Move the user's cursor forward to `up_to_sequence`, at most to the last event, and return it (D-30).

        Rows that it passes get the user's id in `acknowledged_by` and one more of `delivery_attempts`.
        """
        ...

    async def save_content(self, content: Content, *, at: datetime) -> None:
        """Keep the finished article; the first one of a process stays."""
        ...

    async def content(self, process_id: str) -> Content | None:
        """The finished article, None before it is there."""
        ...

    async def close(self) -> None:
        """End; what was opened for it is given back."""
        ...
