"""pgoutput messages written out byte by byte, as PostgreSQL's documentation lays them out."""

import struct
from datetime import UTC, datetime

import pytest

from harness.errors import ReplicationError
from harness.replication.change import Action, Change, Column, Relation
from harness.replication.lsn import Lsn
from harness.replication.pgoutput import (
    Assembler,
    Begin,
    Commit,
    Delete,
    Insert,
    Truncate,
    Unchanged,
    Update,
    parse,
)

COMMITTED = datetime(2026, 11, 24, 7, 30, 0, 123456, tzinfo=UTC)
MICROSECONDS = 848_820_600_123_456
"""The same since 2000-01-01."""

BEGIN = b"B" + struct.pack("!QqI", 0x16B3748, MICROSECONDS, 731)
COMMIT = b"C\x00" + struct.pack("!QQq", 0x16B3748, 0x16B3778, MICROSECONDS)

RELATION = (
    b"R\x00\x00\x40\x00"  # oid 16384
    b"public\x00notes\x00d"
    b"\x00\x03"
    b"\x01id\x00\x00\x00\x00\x14\xff\xff\xff\xff"  # key, int8
    b"\x00body\x00\x00\x00\x00\x19\xff\xff\xff\xff"  # text
    b"\x00big\x00\x00\x00\x00\x19\xff\xff\xff\xff"
)
NOTES = Relation(
    oid=16384,
    schema="public",
    table="notes",
    columns=(
        Column(name="id", type_oid=20, key=True),
        Column(name="body", type_oid=25),
        Column(name="big", type_oid=25),
    ),
    replica_identity="d",
)

ONE_TEA_NULL = b"\x00\x03t\x00\x00\x00\x011t\x00\x00\x00\x06\xe8\x8c\xb6\xe8\x8c\xb6n"  # 1, 茶茶, NULL
TWO_EMPTY_TOAST = b"\x00\x03t\x00\x00\x00\x012t\x00\x00\x00\x00u"  # 2, '', unchanged
ONE_ALONE = b"\x00\x03t\x00\x00\x00\x011nn"  # the key, and NULL for what is no key

INSERT = b"I\x00\x00\x40\x00N" + ONE_TEA_NULL
UPDATE = b"U\x00\x00\x40\x00N" + TWO_EMPTY_TOAST
UPDATE_OF_KEY = b"U\x00\x00\x40\x00K" + ONE_ALONE + b"N" + TWO_EMPTY_TOAST
UPDATE_FULL = b"U\x00\x00\x40\x00O" + ONE_TEA_NULL + b"N" + TWO_EMPTY_TOAST
DELETE = b"D\x00\x00\x40\x00K" + ONE_ALONE
DELETE_FULL = b"D\x00\x00\x40\x00O" + ONE_TEA_NULL
TRUNCATE = b"T\x00\x00\x00\x02\x01\x00\x00\x40\x00\x00\x00\x40\x07"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (BEGIN, Begin(lsn=Lsn.parse("0/16B3748"), commit_timestamp=COMMITTED, xid=731)),
        (
            COMMIT,
            Commit(lsn=Lsn.parse("0/16B3748"), end_lsn=Lsn.parse("0/16B3778"), commit_timestamp=COMMITTED),
        ),
        (RELATION, NOTES),
        (INSERT, Insert(relation=16384, new=("1", "茶茶", None))),
        (UPDATE, Update(relation=16384, new=("2", "", Unchanged.TOAST))),
        (UPDATE_OF_KEY, Update(relation=16384, new=("2", "", Unchanged.TOAST), key=("1", None, None))),
        (UPDATE_FULL, Update(relation=16384, new=("2", "", Unchanged.TOAST), old=("1", "茶茶", None))),
        (DELETE, Delete(relation=16384, key=("1", None, None))),
        (DELETE_FULL, Delete(relation=16384, old=("1", "茶茶", None))),
        (TRUNCATE, Truncate(relations=(16384, 16391), options=1)),
        (b"O" + bytes(8) + b"origin\x00", None),
        (b"Y\x00\x00\x40\x00public\x00mood\x00", None),
        (b"M\x00" + bytes(8) + b"prefix\x00\x00\x00\x00\x01x", None),
    ],
)
def test_a_message_is_read_as_it_is_documented(data: bytes, message: object) -> None:
    assert parse(data) == message


NONSENSE = {
    "nothing": b"",
    "unknown letter": b"Z",
    "short begin": b"B\x00",
    "far future": b"B" + bytes(8) + b"\x7f" * 12,
    "short tuple": INSERT[:-4],
    "short value": b"I\x00\x00\x40\x00N\x00\x01t\x00\x00\x00\x09abc",
    "unknown value": b"I\x00\x00\x40\x00N\x00\x01x",
    "no tuple": b"I\x00\x00\x40\x00",
    "endless name": b"R\x00\x00\x40\x00public",
}


@pytest.mark.parametrize("data", NONSENSE.values(), ids=NONSENSE)
def test_bytes_that_make_no_sense_are_refused(data: bytes) -> None:
    with pytest.raises(ReplicationError, match="no message of pgoutput"):
        parse(data)


def test_pg_catalog_travels_without_its_name() -> None:
    relation = parse(b"R\x00\x00\x04\xeb\x00pg_class\x00n\x00\x00")

    assert relation == Relation(oid=1259, schema="pg_catalog", table="pg_class", columns=(), replica_identity="n")


def a_change(action: Action, position: int = 0, **tuples: dict[str, str | None] | None) -> Change:
    return Change(
        lsn=Lsn.parse("0/16B3748"),
        position=position,
        commit_timestamp=COMMITTED,
        relation=NOTES,
        action=action,
        record=tuples.get("record"),
        old_record=tuples.get("old_record"),
    )


def fed(*messages: bytes) -> list[list[Change]]:
    assembler = Assembler()
    return [assembler.feed(message) for message in messages]


def test_the_rows_of_a_transaction_come_together_at_its_commit() -> None:
    given = fed(BEGIN, RELATION, INSERT, UPDATE, COMMIT)

    assert given == [
        [],
        [],
        [],
        [],
        [
            a_change(Action.INSERT, record={"id": "1", "body": "茶茶", "big": None}),
            a_change(Action.UPDATE, 1, record={"id": "2", "body": ""}),
        ],
    ]


@pytest.mark.parametrize(
    ("message", "change"),
    [
        (UPDATE, a_change(Action.UPDATE, record={"id": "2", "body": ""}, old_record=None)),
        (UPDATE_OF_KEY, a_change(Action.UPDATE, record={"id": "2", "body": ""}, old_record={"id": "1"})),
        (
            UPDATE_FULL,
            a_change(
                Action.UPDATE,
                record={"id": "2", "body": ""},
                old_record={"id": "1", "body": "茶茶", "big": None},
            ),
        ),
        (DELETE, a_change(Action.DELETE, old_record={"id": "1"})),
        (DELETE_FULL, a_change(Action.DELETE, old_record={"id": "1", "body": "茶茶", "big": None})),
    ],
    ids=["update", "update of the key", "update, full identity", "delete", "delete, full identity"],
)
def test_old_rows_hold_what_the_replica_identity_gives(message: bytes, change: Change) -> None:
    assert fed(BEGIN, RELATION, message, COMMIT)[-1] == [change]


def test_a_truncate_is_dropped() -> None:
    assert fed(BEGIN, RELATION, TRUNCATE, COMMIT)[-1] == []


def test_relations_are_remembered_from_one_transaction_to_the_next() -> None:
    assert fed(BEGIN, RELATION, COMMIT, BEGIN, DELETE, COMMIT)[-1] == [a_change(Action.DELETE, old_record={"id": "1"})]


def test_a_relation_that_is_described_again_counts_from_then_on() -> None:
    renamed = RELATION.replace(b"notes", b"lines")

    changes = fed(BEGIN, RELATION, INSERT, renamed, INSERT, COMMIT)[-1]

    assert [change.relation.table for change in changes] == ["notes", "lines"]


def test_the_end_of_the_last_transaction_is_known_even_if_it_had_no_rows() -> None:
    assembler = Assembler()

    for message in (BEGIN, COMMIT):
        assembler.feed(message)

    assert assembler.end == Lsn.parse("0/16B3778")


def test_a_row_without_its_relation_or_transaction_is_refused() -> None:
    with pytest.raises(ReplicationError, match="relation 16384, which it never described"):
        fed(BEGIN, INSERT)
    with pytest.raises(ReplicationError, match="outside a transaction"):
        fed(RELATION, INSERT)


def test_a_row_with_more_values_than_its_relation_has_columns_is_refused() -> None:
    with pytest.raises(ReplicationError, match="notes"):
        fed(BEGIN, RELATION, b"I\x00\x00\x40\x00N\x00\x04nnnn")
