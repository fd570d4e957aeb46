"""What one reader tells the history: the pen that knows the reader's name and process (docs/history.md)."""

from collections.abc import Mapping
from typing import Any

from harness.clients.client import ChangeReceived, SystemNotice
from harness.history import Recorder
from harness.history.hops import RECEIVE
from harness.history.op import Type
from harness.pipeline.columns import COLUMNS, missing


class ReaderLog:
    """Writes the ops of the reader `name` on the page of `process_id`."""

    def __init__(self, recorder: Recorder, *, name: str, process_id: str) -> None:
        self._recorder = recorder
        self._name = name
        self._process_id = process_id

    def tell(
        self, f: str, value: Mapping[str, Any] | None = None, *, type: Type = "ok", error: str | None = None
    ) -> None:
        """An op about the process."""
        self.record(f, {"process_id": self._process_id, **(value or {})}, type=type, error=error)

    def record(self, f: str, value: Mapping[str, Any], *, type: Type = "ok", error: str | None = None) -> None:
        """An op about a socket, a topic or a row."""
        self._recorder.record(self._name, f, value, type=type, error=error)

    def receive(
        self,
        change: ChangeReceived,
        keys: Mapping[str, Any] | None,
        *,
        columns: Mapping[str, tuple[str, ...]] = COLUMNS,
    ) -> None:
        """A row came, with those row keys if it has them all; also what of it did not come, and why."""
        value = {
            **(keys or {"table": change.table, "action": change.action}),
            "topic": change.topic,
            "bytes": change.bytes,
        }
        if lacks := missing(change.table, change.record, columns):
            value["missing"] = list(lacks)
        if change.errors:
            value["errors"] = list(change.errors)
        self.record(RECEIVE, value)

    def system(self, notice: SystemNotice) -> None:
        """A system message other than ready; it has failed if its status is not ok."""
        value = {
            "topic": notice.topic,
            "extension": notice.extension,
            "status": notice.status,
            "message": notice.message,
        }
        if notice.status == "ok":
            self.record("system", value)
        else:
            self.record("system", value, type="fail", error=notice.message)

    def channel(self, topic: str, *, event: str, reason: str = "", expected: bool = False) -> None:
        """`phx_close` or `phx_error`, told as a system message of Phoenix."""
        status = "ok" if expected else "error"
        message = f"{event}: {reason}" if reason else event
        self.system(SystemNotice(topic=topic, extension="phoenix", status=status, message=message))
