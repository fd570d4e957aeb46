"""The columns of the published tables, held against the migration."""

import re

import pytest

from harness.pipeline.columns import COLUMNS, missing
from harness.pipeline.schema import schema_sql


@pytest.mark.parametrize("table", COLUMNS)
def test_the_columns_are_those_of_the_migration(table: str) -> None:
    body = schema_sql().split(f'create table if not exists "public".{table} (\n')[1].split("\n);")[0]

    columns = re.findall(r"^  (?!constraint\b)([a-z_0-9]+) ", body, flags=re.MULTILINE)

    assert tuple(columns) == COLUMNS[table]


def test_a_column_that_is_null_has_come() -> None:
    row = dict.fromkeys(COLUMNS["process_events"])

    assert missing("process_events", row) == ()


def test_columns_without_a_key_are_missing() -> None:
    row = dict.fromkeys(COLUMNS["process_events"])
    del row["event_data"], row["archived"]

    assert missing("process_events", row) == ("event_data", "archived")


def test_other_columns_may_be_asked_for_and_other_tables_lack_nothing() -> None:
    assert missing("a", {"x": 1}, {"a": ("x", "y")}) == ("y",)
    assert missing("a", {}) == ()
