"""The bytes of pgoutput, PostgreSQL's own output plugin, as changes: between the WAL and everything that reads it.

Protocol version 1, text values (PostgreSQL documentation, "Logical Replication Message Formats"). What wal2json,
which Realtime reads, would say otherwise is in realtime-facts 4.9.
"""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from struct import Struct
from typing import Final

from harness.errors import ReplicationError
from harness.replication.change import Action, Change, Column, Relation
from harness.replication.lsn import Lsn

_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_INT16: Final = Struct("!H")
_INT32: Final = Struct("!I")
_BEGIN: Final = Struct("!QqI")
_COMMIT: Final = Struct("!BQQq")
_COLUMN: Final = Struct("!Ii")
_TRUNCATE: Final = Struct("!IB")

_NULL, _UNCHANGED, _TEXT = b"nut"
_KEY, _OLD, _NEW = b"KON"


class Unchanged(Enum):
    """What stands for a TOAST value that the statement did not touch: it is not in the WAL."""

    TOAST = "unchanged"


_WITHOUT_TEXT: Final[Mapping[int, Unchanged | None]] = {_NULL: None, _UNCHANGED: Unchanged.TOAST}

Values = tuple[str | Unchanged | None, ...]
"""One tuple, in the order of its relation's columns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin:
    """A committed transaction follows; `lsn` is that of its commit."""

    lsn: Lsn
    commit_timestamp: datetime
    xid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """The transaction is complete. `end_lsn` is the place behind it."""

    lsn: Lsn
    end_lsn: Lsn
    commit_timestamp: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Insert:
    relation: int
    new: Values


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """`key` is there if the replica identity is a key and changed, `old` if it is the full row."""

    relation: int
    new: Values
    key: Values | None = None
    old: Values | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete:
    """Either `key` or `old`, by the replica identity."""

    relation: int
    key: Values | None = None
    old: Values | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Truncate:
    relations: tuple[int, ...]
    options: int


Message = Begin | Commit | Relation | Insert | Update | Delete | Truncate


_ACTIONS: Final = {Insert: Action.INSERT, Update: Action.UPDATE, Delete: Action.DELETE}


class Assembler:
    """Puts messages together to changes, transaction by transaction.

    One assembler reads one slot from its start: it remembers the relations that were described. A source that
    broke starts a new one.
    """

    def __init__(self) -> None:
        self.end = Lsn(0)
        """The place behind the last complete transaction, with or without rows."""
        self._relations: dict[int, Relation] = {}
        self._begin: Begin | None = None
        self._changes: list[Change] = []

    def feed(self, data: bytes) -> list[Change]:
        """The changes of the transaction that this message completes, in statement order; else none.

        TRUNCATE is dropped, as Realtime drops it. Raises `ReplicationError` for bytes that make no sense.
        """
        match parse(data):
            case Insert() | Update() | Delete() as row:
                self._changes.append(self._change(row))
            case Begin() as begin:
                self._begin, self._changes = begin, []
            case Relation() as relation:
                self._relations[relation.oid] = relation
            case Commit() as commit:
                complete, self._begin, self._changes = self._changes, None, []
                self.end = commit.end_lsn
                return complete
            case _:
                pass
        return []

    def _change(self, row: Insert | Update | Delete) -> Change:
        if self._begin is None:
            raise ReplicationError("pgoutput gave a row outside a transaction")
        relation = self._relations.get(row.relation)
        if relation is None:
            raise ReplicationError(f"pgoutput gave a row of relation {row.relation}, which it never described")
        return Change(
            lsn=self._begin.lsn,
            position=len(self._changes),
            commit_timestamp=self._begin.commit_timestamp,
            relation=relation,
            action=_ACTIONS[type(row)],
            record=None if isinstance(row, Delete) else _record(relation, row.new),
            old_record=None if isinstance(row, Insert) else _old_record(relation, row),
            xid=self._begin.xid,
        )


def parse(data: bytes) -> Message | None:
    """One message of pgoutput, None for a kind that says nothing of rows (origin, type, logical message).

    Raises `ReplicationError` for bytes that are none.
    """
    try:
        return None if data[:1] in _IGNORED else _PARSERS[data[:1]](data)
    except (KeyError, ValueError, IndexError, OverflowError, struct.error) as error:
        raise ReplicationError(f"no message of pgoutput's protocol 1: {data[:40]!r}") from error


def _begin(data: bytes) -> Begin:
    lsn, committed, xid = _BEGIN.unpack_from(data, 1)
    return Begin(lsn=Lsn(lsn), commit_timestamp=_moment(committed), xid=xid)


def _commit(data: bytes) -> Commit:
    _flags, lsn, end, committed = _COMMIT.unpack_from(data, 1)
    return Commit(lsn=Lsn(lsn), end_lsn=Lsn(end), commit_timestamp=_moment(committed))


def _relation(data: bytes) -> Relation:
    (oid,) = _INT32.unpack_from(data, 1)
    schema, at = _string(data, 5)
    table, at = _string(data, at)
    identity = chr(data[at])
    (count,) = _INT16.unpack_from(data, at + 1)
    at += 3
    columns = []
    for _ in range(count):
        name, behind = _string(data, at + 1)
        type_oid, _modifier = _COLUMN.unpack_from(data, behind)
        columns.append(Column(name=name, type_oid=type_oid, key=bool(data[at] & 1)))
        at = behind + _COLUMN.size
    # pg_catalog travels as an empty name
    return Relation(
        oid=oid, schema=schema or "pg_catalog", table=table, columns=tuple(columns), replica_identity=identity
    )


def _insert(data: bytes) -> Insert:
    relation, tuples = _row(data)
    return Insert(relation=relation, new=tuples[_NEW])


def _update(data: bytes) -> Update:
    relation, tuples = _row(data)
    return Update(relation=relation, new=tuples[_NEW], key=tuples.get(_KEY), old=tuples.get(_OLD))


def _delete(data: bytes) -> Delete:
    relation, tuples = _row(data)
    return Delete(relation=relation, key=tuples.get(_KEY), old=tuples.get(_OLD))


def _truncate(data: bytes) -> Truncate:
    count, options = _TRUNCATE.unpack_from(data, 1)
    return Truncate(relations=struct.unpack_from(f"!{count}I", data, 1 + _TRUNCATE.size), options=options)


_PARSERS: Final[Mapping[bytes, Callable[[bytes], Message]]] = {
    b"B": _begin,
    b"C": _commit,
    b"R": _relation,
    b"I": _insert,
    b"U": _update,
    b"D": _delete,
    b"T": _truncate,
}
_IGNORED: Final = frozenset([b"O", b"Y", b"M"])


def _row(data: bytes) -> tuple[int, dict[int, Values]]:
    """The relation's oid, and the tuples that follow it by their letter (K, O or N)."""
    (relation,) = _INT32.unpack_from(data, 1)
    tuples: dict[int, Values] = {}
    at = 5
    while at < len(data):
        letter = data[at]
        tuples[letter], at = _values(data, at + 1)
    if at != len(data):
        raise ValueError("the last value ends behind the message")
    return relation, tuples


def _values(data: bytes, at: int) -> tuple[Values, int]:
    (count,) = _INT16.unpack_from(data, at)
    at += 2
    values: list[str | Unchanged | None] = []
    for _ in range(count):
        kind = data[at]
        at += 1
        if kind == _TEXT:
            start = at + 4
            at = start + _INT32.unpack_from(data, at)[0]
            values.append(data[start:at].decode())
        else:
            values.append(_WITHOUT_TEXT[kind])
    return tuple(values), at


def _string(data: bytes, at: int) -> tuple[str, int]:
    """A text that ends with a zero byte, and the place behind it."""
    end = data.index(0, at)
    return data[at:end].decode(), end + 1


def _moment(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)


def _record(relation: Relation, values: Values) -> dict[str, str | None]:
    """Column to text; what was not in the WAL is absent."""
    if len(values) != len(relation.columns):
        raise ReplicationError(f"pgoutput gave a row of {relation.table} that does not fit its description")
    named = zip(relation.columns, values, strict=True)
    return {column.name: value for column, value in named if not isinstance(value, Unchanged)}


def _old_record(relation: Relation, row: Update | Delete) -> dict[str, str | None] | None:
    """The old tuple; of a key tuple only the key, for pgoutput fills the other columns with NULL."""
    if row.old is not None:
        return _record(relation, row.old)
    if row.key is None:
        return None
    key = {column.name for column in relation.columns if column.key}
    return {name: value for name, value in _record(relation, row.key).items() if name in key}
