"""What the history says of a row of ours: the row keys of docs/history.md.

Handed to those who record hops of rows, so that a server that knows no articles can tell which event a change
carries.
"""

from collections.abc import Mapping
from typing import Any, Final

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
