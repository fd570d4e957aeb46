from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from harness.realtime.quirks import Quirks
from harness.realtime.visibility import (
    Grant,
    Row,
    Table,
    TableColumn,
    columns_json,
    refusal,
    row,
    shape,
    too_large,
)
from harness.replication.change import Action, Change, Column, Relation
from harness.replication.lsn import Lsn


def a_column(name: str, type_name: str = "text", *, key: bool = False, enum: bool = False) -> TableColumn:
    return TableColumn(
        name=name,
        type_name=type_name,
        bare_type={"bpchar": "character"}.get(type_name, type_name),
        full_type={"bpchar": "character(5)"}.get(type_name, type_name),
        built_in=not enum,
        enum=enum,
        key=key,
    )


ID, A, B = a_column("id", "int4", key=True), a_column("a"), a_column("b")
TABLE = Table(columns=(ID, A, B))
ALL = Grant(selectable=frozenset({"id", "a", "b"}), secured=False)


def a_change(
    action: Action,
    record: Mapping[str, str | None] | None = None,
    old: Mapping[str, str | None] | None = None,
    *,
    identity: str = "d",
) -> Change:
    return Change(
        lsn=Lsn(1),
        position=0,
        commit_timestamp=datetime(2026, 11, 24, tzinfo=UTC),
        relation=Relation(
            oid=1,
            schema="public",
            table="t",
            columns=(
                Column(name="id", type_oid=23, key=True),
                Column(name="a", type_oid=25),
                Column(name="b", type_oid=25),
            ),
            replica_identity=identity,
        ),
        action=action,
        record=record,
        old_record=old,
    )


def test_the_old_row_of_an_update_that_left_the_key_alone_is_the_new_key() -> None:
    change = a_change(Action.UPDATE, {"id": "1", "a": "x", "b": None})

    assert row(change, TABLE, Quirks()) == Row(record={"id": "1", "a": "x", "b": None}, old={"id": "1"})


def test_an_unchanged_toast_value_is_absent_unless_the_identity_is_full() -> None:
    toasted = a_change(Action.UPDATE, {"id": "1", "a": "y"})
    full = a_change(Action.UPDATE, {"id": "1", "a": "y"}, {"id": "1", "a": "x", "b": "big"}, identity="f")

    assert row(toasted, TABLE, Quirks()).record == {"id": "1", "a": "y"}
    assert row(full, TABLE, Quirks()).record == {"id": "1", "a": "y", "b": "big"}


def test_a_column_that_is_gone_from_the_catalog_is_left_out() -> None:
    assert row(a_change(Action.INSERT, {"id": "1", "dropped": "x"}), TABLE, Quirks()).record == {"id": "1"}


@pytest.mark.parametrize(
    ("type_name", "text", "on", "off", "quirk"),
    [
        ("numeric", "NaN", None, "NaN", "non_finite_numbers_null"),
        ("float8", "-Infinity", None, "-Infinity", "non_finite_numbers_null"),
        ("text", "NaN", "NaN", "NaN", "non_finite_numbers_null"),
        ("bytea", "\\x00ff", "00ff", "\\x00ff", "bytea_hex_without_prefix"),
    ],
)
def test_values_are_as_wal2json_prints_them_unless_the_quirk_is_off(
    type_name: str, text: str, on: str | None, off: str, quirk: str
) -> None:
    table = Table(columns=(a_column("v", type_name),))
    change = a_change(Action.INSERT, {"v": text})

    assert row(change, table, Quirks()).record == {"v": on}
    assert row(change, table, Quirks(**{quirk: False})).record == {"v": off}


def test_char_is_cast_without_its_length_unless_the_quirk_is_off() -> None:
    char = a_column("c", "bpchar")

    assert char.cast(Quirks()) == "character"
    assert char.cast(Quirks(char_cut_to_one=False)) == "character(5)"


@pytest.mark.parametrize(
    ("action", "table", "selectable", "error"),
    [
        (Action.INSERT, TABLE, {"id", "a"}, None),
        (Action.INSERT, TABLE, {"a"}, "Error 401: Unauthorized"),
        (Action.UPDATE, Table(columns=(A,)), {"a"}, "Error 400: Bad Request, no primary key"),
        (Action.DELETE, Table(columns=(A,)), {"a"}, None),
        (Action.DELETE, TABLE, set(), None),
    ],
)
def test_a_table_without_a_key_that_the_role_may_read_gives_an_error(
    action: Action, table: Table, selectable: set[str], error: str | None
) -> None:
    assert refusal(a_change(action), table, Grant(selectable=frozenset(selectable), secured=False)) == error


def test_a_role_gets_the_columns_that_it_may_select() -> None:
    change = a_change(Action.UPDATE, {"id": "1", "a": "x", "b": "y"})
    grant = Grant(selectable=frozenset({"id", "a"}), secured=True)

    found = shape(change, row(change, TABLE, Quirks()), TABLE, grant, None)

    assert (found.columns, found.record, found.old) == ((ID, A), (ID, A), (ID,))


def test_selected_columns_come_with_the_key() -> None:
    change = a_change(Action.INSERT, {"id": "1", "a": "x", "b": "y"})

    found = shape(change, row(change, TABLE, Quirks()), TABLE, ALL, ("b",))

    assert (found.columns, found.record, found.old) == ((ID, B), (ID, B), ())


@pytest.mark.parametrize(("secured", "old"), [(False, (ID, A, B)), (True, (ID,))])
def test_a_delete_under_row_security_carries_the_key_alone(secured: bool, old: tuple[TableColumn, ...]) -> None:
    change = a_change(Action.DELETE, None, {"id": "1", "a": "x", "b": "y"}, identity="f")
    grant = Grant(selectable=ALL.selectable, secured=secured)

    found = shape(change, row(change, TABLE, Quirks()), TABLE, grant, None)

    assert (found.columns, found.record, found.old) == ((ID, A, B), (), old)


def test_columns_are_announced_as_postgresql_prints_json() -> None:
    assert columns_json((ID, A)) == '[{"name": "id", "type": "int4"}, {"name": "a", "type": "text"}]'
    assert columns_json(()) == "[]"


@pytest.mark.parametrize(
    ("column", "plain"),
    [(a_column("u", "uuid"), True), (a_column("m", "mood", enum=True), True), (a_column("n", "numeric"), False)],
)
def test_only_types_that_print_alike_are_plain(column: TableColumn, plain: bool) -> None:
    assert column.plain is plain


def test_an_oversize_row_loses_its_nulls_and_what_only_the_old_row_has() -> None:
    change = a_change(Action.UPDATE, {"id": "1", "a": None}, {"id": "1", "a": "x", "b": "big"}, identity="f")
    whole = row(change, TABLE, Quirks())

    cut = shape(change, whole, TABLE, ALL, None, oversize=True)
    kept = shape(change, whole, TABLE, ALL, None, oversize=True, keep_nulls=True)

    assert (cut.columns, cut.record, cut.old, cut.oversize) == ((ID, A, B), (ID,), (ID, A, B), True)
    assert kept.record == (ID, A)


@pytest.mark.parametrize(("text", "bytes_each"), [("x", 1), ('"', 2), ("\u0001", 6), ("é", 2), ("日", 3)])
def test_the_size_of_a_row_is_that_of_its_wal2json_record(text: str, bytes_each: int) -> None:
    change = a_change(Action.INSERT, {"id": "1", "a": text * 1000, "b": None})
    frame = (
        '{"pk": [{"name": "id", "type": "int4", "typeoid": 23}], "table": "t", "action": "I", "schema": "public", '
        '"columns": [{"name": "id", "type": "int4", "value": 1, "typeoid": 23}, '
        '{"name": "a", "type": "text", "value": "", "typeoid": 25}, '
        '{"name": "b", "type": "text", "value": null, "typeoid": 25}], "timestamp": "2026-11-24 00:00:00.000000+00"}'
    )
    size = len(frame) + 1000 * bytes_each

    found = row(change, TABLE, Quirks())

    assert not too_large(change, found, TABLE, limit=size)
    assert too_large(change, found, TABLE, limit=size - 1)


def test_the_old_row_counts_too() -> None:
    change = a_change(
        Action.UPDATE, {"id": "1", "a": "x", "b": "y"}, {"id": "1", "a": "x" * 2000, "b": "y"}, identity="f"
    )

    assert too_large(change, row(change, TABLE, Quirks()), TABLE, limit=2000)
    assert not too_large(
        a_change(Action.DELETE, None, {"id": "1"}), Row(record=None, old={"id": "1"}), TABLE, limit=500
    )
