"""`Transport`: how a row comes to a tab: what it joins, how it is told that rows flow, and what a message says.

Two values, of which a plan names one. The tab, its recovery and what it tells the history are the same for both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from harness.clients import payload
from harness.clients.client import ChangeReceived, SystemNotice
from harness.phoenix.connection import Delivered
from harness.pipeline.reader_channels import bindings

_SCHEMA: Final = "public"
_REPLICATING: Final = "Replication connection established"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a join asks for: `bindings` of postgres_changes, or the broadcasts of a private topic."""

    bindings: Sequence[Mapping[str, str]] = ()
    broadcasts: bool = False


class Transport(Protocol):
    """One of the two."""

    def channels(self, process_id: str) -> Mapping[str, Asked]:
        """The topics of a process, and what is asked of each."""
        ...

    def ready(self, notice: SystemNotice) -> bool:
        """Whether from here on every row that is committed comes on this channel: what was before is fetched."""
        ...

    def deaf(self, notice: SystemNotice) -> bool:
        """Whether the channel stands and brings no rows: it must be joined afresh."""
        ...

    def change(self, delivered: Delivered) -> ChangeReceived:
        """The change in a message; one of no table, with an empty record, if there is none in it."""
        ...


class PostgresChanges:
    """The server reads the WAL every 100 ms and asks the database who may see each row: two channels a tab."""

    def channels(self, process_id: str) -> Mapping[str, Asked]:
        asked = bindings(process_id, _SCHEMA)
        return {topic: Asked(bindings=(binding.as_json(),)) for topic, binding in asked.items()}

    def ready(self, notice: SystemNotice) -> bool:
        return notice.ready

    def deaf(self, notice: SystemNotice) -> bool:
        return notice.extension == "postgres_changes"

    def change(self, delivered: Delivered) -> ChangeReceived:
        return payload.change(delivered.topic, delivered.payload, size=delivered.bytes, handlers=delivered.handlers)


class Broadcasts:
    """A trigger sends each row to the private topic of its process (`broadcast.sql`): one channel a tab.

    Who may hear it is asked once, at the join. A joined channel is in its room before the reply, but the server may
    not be reading the database yet, so ready is what it says when it does (`replication_ready`, since v2.111.4:
    realtime-facts 3.4). A commit timestamp is not in what `realtime.broadcast_changes` sends (realtime-facts 5.3).
    """

    def channels(self, process_id: str) -> Mapping[str, Asked]:
        return {broadcast_topic(process_id): Asked(broadcasts=True)}

    def ready(self, notice: SystemNotice) -> bool:
        return (notice.extension, notice.status, notice.message) == ("system", "ok", _REPLICATING)

    def deaf(self, notice: SystemNotice) -> bool:
        """Never: whatever ails such a channel, the server closes it (realtime-facts 3.4 and 6.2)."""
        return False

    def change(self, delivered: Delivered) -> ChangeReceived:
        told = _object(delivered.payload.get("payload"))
        return ChangeReceived(
            topic=delivered.topic,
            schema=str(told.get("schema", "")),
            table=str(told.get("table", "")),
            action=str(told.get("operation", "")),
            commit_timestamp=None,
            record=_object(told.get("record")),
            old_record=_object(told.get("old_record")),
            bytes=delivered.bytes,
        )


BY_NAME: Final[Mapping[str, Transport]] = {"postgres_changes": PostgresChanges(), "broadcast": Broadcasts()}
"""By the names of `Plan.transport`."""


def broadcast_topic(process_id: str) -> str:
    """The private topic of a process, as the triggers of `broadcast.sql` spell it."""
    return f"process:{process_id}"


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
