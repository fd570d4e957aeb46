"""Payloads as they are on the wire → the events that a client tells its application."""

from collections.abc import Mapping
from typing import Any

from harness.clients.client import ChangeReceived, SystemNotice


def change(topic: str, payload: Mapping[str, Any], *, size: int = 0, handlers: tuple[int, ...] = ()) -> ChangeReceived:
    """The change in a `postgres_changes` payload: values exactly as the JSON had them.

    What the server leaves out stays out: a DELETE has no record, an error 400 neither columns nor a commit
    timestamp (realtime-facts 4.4), an unchanged TOAST column no key in the record.
    """
    data: Mapping[str, Any] = payload["data"]
    return ChangeReceived(
        topic=topic,
        schema=data.get("schema", ""),
        table=data.get("table", ""),
        action=data.get("type", ""),
        commit_timestamp=data.get("commit_timestamp"),
        record=data.get("record") or {},
        old_record=data.get("old_record") or {},
        errors=data.get("errors"),
        ids=tuple(payload.get("ids", ())),
        bytes=size,
        handlers=handlers,
    )


def notice(topic: str, payload: Mapping[str, Any]) -> SystemNotice:
    """A `system` payload; "Server requested disconnect" is one without `channel` (realtime-facts 1.5)."""
    return SystemNotice(
        topic=topic,
        extension=str(payload.get("extension", "")),
        status=str(payload.get("status", "")),
        message=str(payload.get("message", "")),
    )
