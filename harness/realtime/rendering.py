"""The SQL that prints rows as the real server does: `to_jsonb` of each text, cast to its column's type.

PostgreSQL itself casts and prints, so that numbers, times and nested JSON come out byte for byte
(realtime-facts 4.7, recording p02b).
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from harness.realtime.quirks import Quirks
from harness.realtime.visibility import TableColumn

_PAIRS_PER_CALL: Final = 50
"""A function takes at most 100 arguments."""


@lru_cache(maxsize=256)
def statement(record: tuple[TableColumn, ...], old: tuple[TableColumn, ...], quirks: Quirks) -> str:
    """A query whose one parameter is a JSON array of rows, each an array of the texts of `record`, then of `old`.

    It returns two JSON objects as text for each row, in the order of the rows.
    """
    new_object = _object(record, first=0, quirks=quirks)
    old_object = _object(old, first=len(record), quirks=quirks)
    return (
        f"select ({new_object})::text, ({old_object})::text"
        " from jsonb_array_elements($1::jsonb) with ordinality as row (value, number) order by number"
    )


def quote_literal(text: str) -> str:
    """A string constant; `standard_conforming_strings` must be on, as it is by default."""
    return "'" + text.replace("'", "''") + "'"


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
