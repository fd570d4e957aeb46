"""Who may see a change, and how much of it: the interface, and the rules that do not depend on who is asked.

The rules are those of `realtime.apply_rls` (realtime-facts 4.4 to 4.7; recordings p02, p02b, p12). What only a
database knows (grants, policies, casts, comparisons) comes from an arm: `visibility_postgres` or, for virtual
time, one in memory.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Protocol

from harness.realtime.auth import Claims
from harness.realtime.comparison import is_plain
from harness.realtime.quirks import Quirks
from harness.realtime.subscription import Binding, Refused, Subscriber, Subscription, Wanted
from harness.replication.change import Action, Change

Texts = Mapping[str, str | None]
"""Column → text as PostgreSQL prints it; None is NULL, an absent column is unknown."""

_NUMBERS: Final = frozenset({"int2", "int4", "int8", "oid", "float4", "float8", "numeric"})
_NOT_FINITE: Final = frozenset({"NaN", "Infinity", "-Infinity"})
_RAW: Final = _NUMBERS | {"bool"}
_ROW_BYTES: Final = 120
_WIDEST: Final = 6
"""Bytes that a character may come to in JSON: `\\u0001`."""

_CUT: Final = frozenset({"bpchar", "bit"})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TableColumn:
    """A column as the catalog has it, compared by identity.

    `type_name` is `pg_type.typname`; a `bare_type` is written without, a `full_type` with its modifier, both ready
    to be put into SQL. `key` means part of the primary key.
    """

    name: str
    type_name: str
    bare_type: str
    full_type: str
    built_in: bool
    enum: bool
    key: bool

    def cast(self, quirks: Quirks) -> str:
        """The type to which a value is cast before it is compared or printed."""
        whole = self.built_in and self.type_name in _CUT and not quirks.char_cut_to_one
        return self.full_type if whole else self.bare_type

    @property
    def plain(self) -> bool:
        """Whether equal values always print alike."""
        return is_plain(self.type_name, built_in=self.built_in, enum=self.enum)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table's columns in the order of the catalog, and its name; none of it for a table that is gone."""

    columns: tuple[TableColumn, ...]
    schema: str = ""
    name: str = ""

    @property
    def key(self) -> tuple[str, ...]:
        """The columns of the primary key; empty if there is none."""
        return tuple(column.name for column in self.columns if column.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a role may do with a table: the columns it may SELECT, and whether row security is on."""

    selectable: frozenset[str]
    secured: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A change and the subscriptions on its table that asked for changes of its kind."""

    change: Change
    subscriptions: tuple[Subscription, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """A change as one group of subscriptions gets it; all texts are JSON.

    One whose `error` stands in place of content is `timeless`: it does not even say when it was committed.
    """

    subscriptions: tuple[Subscription, ...]
    columns: str = "[]"
    record: str = "{}"
    old_record: str = "{}"
    error: str | None = None
    timeless: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """Who gets what of a change; `withheld` are those whose filter it met and whose policies refused."""

    outputs: tuple[Output, ...] = ()
    withheld: tuple[Subscription, ...] = ()


class Visibility(Protocol):
    """Decides who may see what, by role and claims, never by socket: equal claims get equal answers."""

    async def subscribe(
        self, subscriber: Subscriber, wanted: Sequence[tuple[Binding, Wanted]], claims: Claims
    ) -> tuple[Subscription, ...] | Refused:
        """The subscriptions that all of `wanted` come to, or the refusal of the first that cannot be had.

        Raises `VisibilityError` when the database does not answer.
        """
        ...

    async def judge(self, questions: Sequence[Question]) -> tuple[Judgement, ...]:
        """One judgement for each question, in order.

        Subscriptions whose rows somebody else has deleted get nothing. Raises `VisibilityError`: the whole batch is
        then lost, as on the real server (realtime-facts 4.3).
        """
        ...

    async def clear(self) -> None:
        """Delete the rows of everybody; raises `VisibilityError`."""
        ...

    async def remove(self, rows: Sequence[int]) -> None:
        """Delete these rows; raises `VisibilityError`."""
        ...

    async def published(self) -> frozenset[int]:
        """The tables of the publication now; raises `VisibilityError`."""
        ...

    async def server_began(self) -> str:
        """When the database server began, to know a restart by; raises `VisibilityError` while it does not answer."""
        ...

    async def release(self, slot: str) -> None:
        """End the session that holds a slot; raises `VisibilityError`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The new and the old row of a change, as far as Realtime knows them. `record` is None for a DELETE."""

    record: Texts | None
    old: Texts | None

    @property
    def tested(self) -> Texts:
        """What filters look at: the new row, for a DELETE what is left of the old one."""
        return self.record if self.record is not None else self.old or {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What a role gets of a row: `columns` to announce, the names in `record` and in `old` to print.

    Of an `oversize` row only what is short is printed.
    """

    columns: tuple[TableColumn, ...]
    record: tuple[TableColumn, ...]
    old: tuple[TableColumn, ...]
    oversize: bool = False


@lru_cache(maxsize=256)
def columns_json(columns: tuple[TableColumn, ...]) -> str:
    """Columns as an event announces them, in JSON as PostgreSQL prints it."""
    return json.dumps([{"name": each.name, "type": each.type_name} for each in columns], ensure_ascii=False)


def row(change: Change, table: Table, quirks: Quirks) -> Row:
    """The row as wal2json would have given it, from what pgoutput gives (realtime-facts 4.6 and 4.9).

    With identity FULL an unchanged TOAST value comes from the old row; with any other identity the old row of an
    UPDATE that left the key alone is the key of the new one.
    """
    types = {column.name: column for column in table.columns}
    record = _texts(change.record, types, quirks)
    old = _texts(change.old_record, types, quirks)
    if change.action is Action.UPDATE and record is not None:
        record = {**(old or {}), **record} if change.relation.replica_identity == "f" else record
        identity = [column.name for column in change.relation.columns if column.key]
        old = old if old is not None else {name: record[name] for name in identity if name in record}
    return Row(record=record, old=old)


def _texts(texts: Texts | None, types: Mapping[str, TableColumn], quirks: Quirks) -> Texts | None:
    if texts is None:
        return None
    return {name: _text(text, types[name], quirks) for name, text in texts.items() if name in types}


def _text(text: str | None, column: TableColumn, quirks: Quirks) -> str | None:
    if text is None or not column.built_in:
        return text
    if column.type_name in _NUMBERS and text in _NOT_FINITE and quirks.non_finite_numbers_null:
        return None
    if column.type_name == "bytea" and quirks.bytea_hex_without_prefix:
        return text.removeprefix("\\x")
    return text


def refusal(change: Change, table: Table, grant: Grant) -> str | None:
    """The error that everybody of a role gets in place of an INSERT or UPDATE, whatever their filters."""
    if change.action is Action.DELETE:
        return None
    if not table.key:
        return "Error 400: Bad Request, no primary key"
    return None if grant.selectable.issuperset(table.key) else "Error 401: Unauthorized"


def too_large(change: Change, row: Row, table: Table, *, limit: int) -> bool:
    """Whether the record that wal2json would have made of a change has more bytes than `limit`.

    Counted is the whole text of that JSON, as jsonb prints it (realtime-facts 4.6 and 4.9, recording p08).
    """
    texts = [text for side in (change.record, row.old) if side is not None for text in side.values() if text]
    if _WIDEST * sum(map(len, texts)) + 4 * _ROW_BYTES * (len(table.columns) + 1) < limit:
        return False
    oids = {column.name: column.type_oid for column in change.relation.columns}
    record: dict[str, object] = {
        "action": change.action[0],
        "timestamp": f"{change.commit_timestamp:%Y-%m-%d %H:%M:%S.%f}+00",
        "schema": change.relation.schema,
        "table": change.relation.table,
        "pk": [_described(column, oids) for column in table.columns if column.key],
    }
    sides = {"columns": change.record, "identity": None if change.action is Action.INSERT else row.old}
    for name, given in sides.items():
        if given is not None:
            record[name] = [
                {**_described(column, oids), "value": _as_wal2json(column, given[column.name])}
                for column in table.columns
                if column.name in given
            ]
    return len(json.dumps(record, ensure_ascii=False).encode()) > limit


def _described(column: TableColumn, oids: Mapping[str, int]) -> dict[str, str | int]:
    return {"name": column.name, "type": column.full_type, "typeoid": oids.get(column.name, 0)}


def _as_wal2json(column: TableColumn, text: str | None) -> str | int | bool | None:
    """A value whose JSON is as long as that of wal2json, where a number has no quotes."""
    if text is None or not (column.built_in and column.type_name in _RAW):
        return text
    if column.type_name == "bool":
        return text == "t"
    return text[2:] if len(text) > 1 else 0


def shape(
    change: Change,
    row: Row,
    table: Table,
    grant: Grant,
    select: tuple[str, ...] | None,
    *,
    oversize: bool = False,
    keep_nulls: bool = False,
) -> Shape:
    """What of a row a role may see that selected these columns; the key is always selected.

    A DELETE cannot be checked against policies, so with row security it carries the key alone. An oversize row
    loses its NULLs, unless they are kept, and what it has only from the old row.
    """
    chosen = tuple(
        column
        for column in table.columns
        if column.name in grant.selectable and (select is None or column.key or column.name in select)
    )
    key_only = grant.secured and change.action is Action.DELETE
    record = (change.record if oversize else row.record) or {}
    old = (row.old if change.action is not Action.INSERT else None) or {}
    without_nulls = oversize and not keep_nulls
    return Shape(
        columns=chosen,
        record=_present(chosen, record, without_nulls=without_nulls),
        old=_present([each for each in chosen if each.key or not key_only], old, without_nulls=without_nulls),
        oversize=oversize,
    )


def _present(columns: Iterable[TableColumn], texts: Texts, *, without_nulls: bool) -> tuple[TableColumn, ...]:
    return tuple(each for each in columns if each.name in texts and not (without_nulls and texts[each.name] is None))
