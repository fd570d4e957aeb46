"""The SQL that prints rows as the real server does: `to_jsonb` of each text, cast to its column's type.

PostgreSQL itself casts and prints, so that numbers, times and nested JSON come out byte for byte
(realtime-facts 4.7, recording p02b).
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from harness.realtime.quirks import Quirks
from harness.realtime.visibility import Shape, TableColumn

_PAIRS_PER_CALL: Final = 50
"""A function takes at most 100 arguments."""


_SHORT_BYTES: Final = 64
"""The longest field of a row that is too large as a whole (realtime-facts 4.6, recording p08)."""


@lru_cache(maxsize=256)
def statement(shape: Shape, quirks: Quirks) -> str:
    """A query whose one parameter is a JSON array of rows, each an array of the texts of `record`, then of `old`.

    It returns two JSON objects as text for each row, in the order of the rows.
    """
    new_object = _object(shape.record, first=0, quirks=quirks)
    old_object = _object(shape.old, first=len(shape.record), quirks=quirks)
    if shape.oversize:
        new_object, old_object = _short(new_object), _short(old_object)
    return (
        f"select ({new_object})::text, ({old_object})::text"
        " from jsonb_array_elements($1::jsonb) with ordinality as row (value, number) order by number"
    )


def quote_literal(text: str) -> str:
    """A string constant; `standard_conforming_strings` must be on, as it is by default."""
    return "'" + text.replace("'", "''") + "'"


def _short(record: str) -> str:
    """The object with only those fields whose JSON is short."""
    return (
        f"(select coalesce(jsonb_object_agg(key, field), '{{}}') from jsonb_each({record}) as fields (key, field)"
        f" where octet_length(field::text) <= {_SHORT_BYTES})"
    )


def _object(columns: Sequence[TableColumn], *, first: int, quirks: Quirks) -> str:
    pairs = [
        f"{quote_literal(column.name)}, to_jsonb((value ->> {first + at})::{_printed_type(column, quirks)})"
        for at, column in enumerate(columns)
    ]
    calls = [
        f"jsonb_build_object({', '.join(pairs[at : at + _PAIRS_PER_CALL])})"
        for at in range(0, len(pairs), _PAIRS_PER_CALL)
    ]
    return " || ".join(calls) or "'{}'::jsonb"


def _printed_type(column: TableColumn, quirks: Quirks) -> str:
    """A bytea whose prefix is gone is no bytea any more, but text."""
    without_prefix = column.built_in and column.type_name == "bytea" and quirks.bytea_hex_without_prefix
    return "text" if without_prefix else column.cast(quirks)
