"""One decoded change of one row, as it left the WAL: the value between PostgreSQL and the Realtime worker."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from harness.replication.lsn import Lsn


class Action(StrEnum):
    """What was done to the row. TRUNCATE is not here: Realtime never sends it (realtime-facts 4.4)."""

    INSERT = "INSERT"
    UPDATE = "UPDATE"
    DELETE = "DELETE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column as pgoutput's RELATION message tells it; `key` means part of the replica identity."""

    name: str
    type_oid: int
    key: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """A table at the time of the change. `replica_identity` is `d`, `n`, `f` or `i`."""

    oid: int
    schema: str
    table: str
    columns: tuple[Column, ...]
    replica_identity: str = "d"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One row change.

    `record` and `old_record` hold column → text as PostgreSQL's output functions print it, None for NULL. A
    column that is absent was not in the WAL: an unchanged TOAST value, or no part of the identity. `old_record`
    is None where the WAL has no old tuple. `lsn` is that of the commit, `position` the change's place in its
    transaction (from 0): (lsn, position) is the total order. `xid` is the transaction's number in the WAL.
    """

    lsn: Lsn
    position: int
    commit_timestamp: datetime
    relation: Relation
    action: Action
    record: Mapping[str, str | None] | None
    old_record: Mapping[str, str | None] | None = None
    xid: int = field(default=0, compare=False)


Trace = Callable[[str, str, Mapping[str, Any]], Mapping[str, Any] | None]
"""(table, action, record) → what the history says of this row, or None for rows it does not follow.

Handed to whoever records hops of rows, so that a server that knows no articles can still tell which event a
change carries. The application's is `pipeline/trace.py`.
"""


def row_of(change: Change) -> Mapping[str, str | None]:
    """The new row, or for a DELETE what is known of the old one."""
    return change.record if change.record is not None else change.old_record or {}
