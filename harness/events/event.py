"""`ProcessEvent`: what the application says, with its envelope, before and after it has a number."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from harness.events.types import EventData, parse


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessEvent:
    """One event of one process.

    `id` is chosen by the application and reused on retry, so that a retry cannot double the event (D-22).
    `intent` is the order in which the application meant its events of this process (1, 2, …), stamped before
    any debouncing. `sequence` is given by the database in the inserting transaction (D-16): None until then.
    """

    id: UUID
    process_id: UUID
    intent: int
    emitted_at: datetime
    data: EventData
    sequence: int | None = None

    @property
    def event_type(self) -> str:
        return self.data.event_type

    def event_data(self) -> dict[str, Any]:
        """The JSON that goes into the row; NUL characters, which jsonb cannot hold, are stripped (D-24)."""
        data: dict[str, Any] = json.loads(self.data.model_dump_json())
        return {key: _without_nul(value) for key, value in data.items()}


def content_hash(event_data: Any) -> str:
    """sha256 of event data as canonical JSON: equal wherever the same data passed, whoever parsed it.

    Key order does not count, and 1.0 equals 1, as JavaScript and jsonb see it.
    """
    canonical = json.dumps(
        _canonical(event_data), ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
    )
    return hashlib.sha256(canonical.encode()).hexdigest()


def text_hash(text: str) -> str:
    """sha256 of a text's UTF-8 bytes."""
    return hashlib.sha256(text.encode()).hexdigest()


def received(row: Mapping[str, Any]) -> ProcessEvent:
    """A row of `process_events`, as a record or from the fetch, as an event.

    `intent` is 0: it does not travel. Raises `UnknownEventType` or `InvalidEvent`.
    """
    return ProcessEvent(
        id=UUID(row["id"]),
        process_id=UUID(row["process_id"]),
        intent=0,
        emitted_at=datetime.fromisoformat(row["published_at"] or row["created_at"]),
        data=parse(row["event_type"], row["event_data"]),
        sequence=int(row["event_sequence"]),
    )


def _without_nul(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\x00", "")
    if isinstance(value, dict):
        return {_without_nul(key): _without_nul(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_nul(item) for item in value]
    return value


def _canonical(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {key: _canonical(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_canonical(item) for item in value]
    return value
