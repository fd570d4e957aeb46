"""What the history says of an event when it is emitted, and of a row of ours: the keys of docs/history.md.

`trace` is handed to those who record hops of rows, so that a server that knows no articles can tell which event a
change carries.
"""

from collections.abc import Mapping
from typing import Any, Final

from harness.events.delivery_class import delivery_class
from harness.events.event import content_hash
from harness.events.types import EventData, ProcessError, SectionChunk, StateUpdated

_KEYS: Final[Mapping[str, Mapping[str, str]]] = {
    "process_events": {
        "event_id": "id",
        "process_id": "process_id",
        "event_type": "event_type",
        "sequence": "event_sequence",
    },
    "generated_articles_state": {"process_id": "id", "last_event_sequence": "last_event_sequence"},
}
"""Table → row key → column."""
TABLES: Final = tuple(_KEYS)
"""The tables whose rows the history follows."""
_NUMBERS: Final = ("sequence", "last_event_sequence")


def trace(table: str, action: str, record: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The row keys, from column values as text or as JSON.

    None for another table, and for a row that lacks one of them (the old row of a DELETE has only its key).
    """
    columns = _KEYS.get(table)
    if columns is None or any(record.get(column) is None for column in columns.values()):
        return None
    keys = {key: record[column] for key, column in columns.items()}
    return {"table": table, "action": str(action), **{k: int(v) if k in _NUMBERS else v for k, v in keys.items()}}


def emitted(data: EventData, event_data: Any) -> Mapping[str, Any]:
    """What an `emit` tells besides the event's keys: its class, the hash of the data that it goes out with, details."""
    return {
        "delivery_class": delivery_class(data.event_type),
        "content": content_hash(event_data),
        **_details(data),
    }


def _details(data: EventData) -> Mapping[str, Any]:
    """What is told of some types besides."""
    match data:
        case SectionChunk():
            return {"section_index": data.section_index, "attempt": data.attempt, "chunk_index": data.chunk_index}
        case ProcessError():
            return {"error_type": data.error_type}
        case StateUpdated():
            return {"status": data.status}
        case _:
            return {}
