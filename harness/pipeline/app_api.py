"""`AppApi`: the application's HTTP side as one user's browser uses it, so that memory can be another arm.

Beside the line: where a reader gets what did not come live, and where users say what they want.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict


class EventPage(BaseModel):
    """Rows of `process_events` in order of sequence; `complete` says that no later one was committed then."""

    model_config = ConfigDict(frozen=True)

    events: tuple[dict[str, Any], ...]
    last_sequence: int
    complete: bool


class Article(BaseModel):
    """The finished article; `sha256` is what the application says of `content`."""

    model_config = ConfigDict(frozen=True)

    article_id: str
    title: str
    content: str
    sha256: str


class AppApi(Protocol):
    """The requests of one user. Each raises `FetchFailed`: refused, not answered (`status` 0) or not understood.

    A request that was not answered may have been carried out all the same.
    """

    async def start(self, initial_request: Mapping[str, Any], simulation: Mapping[str, Any]) -> str:
        """Begin an article generation; returns its process id."""
        ...

    async def events_since(self, process_id: str, since: int, limit: int) -> EventPage:
        """The first `limit` events with a sequence above `since`."""
        ...

    async def post_user_input(
        self, process_id: str, *, response_type: str, payload: Mapping[str, Any], input_id: str
    ) -> None:
        """Answer the question `input_id`; answering it twice is one answer (D-59)."""
        ...

    async def pause(self, process_id: str) -> None:
        """Ask for a pause; `process_paused` tells when it has begun."""
        ...

    async def resume(self, process_id: str) -> None:
        """Ask to go on; `process_resumed` tells when it does."""
        ...

    async def ack(self, process_id: str, up_to_sequence: int) -> None:
        """Say that everything up to there was applied (D-30)."""
        ...

    async def content(self, process_id: str) -> Article:
        """The finished article (D-48)."""
        ...
