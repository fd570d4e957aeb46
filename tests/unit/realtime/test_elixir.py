from typing import Any

import pytest

from harness.realtime.elixir import inspect


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        (None, "nil"),
        (True, "true"),
        (5, "5"),
        (1.5, "1.5"),
        (1e20, "1.0e20"),
        ([], "[]"),
        ({}, "%{}"),
        ([1, "x", None], '[1, "x", nil]'),
        (
            {"schema": "public", "filter": None, "event": "*"},
            '%{"event" => "*", "filter" => nil, "schema" => "public"}',
        ),
        ([("nope", "eq", "1", False)], '[{"nope", "eq", "1", false}]'),
        ('a"b\\c\nd日本\x01#{x}', '"a\\"b\\\\c\\nd日本\\x01\\#{x}"'),
    ],
)
def test_values_are_printed_as_elixir_prints_them(value: Any, printed: str) -> None:
    assert inspect(value) == printed


def test_a_long_list_is_broken_as_recorded() -> None:
    numbers = "{" + ",".join(map(str, range(101))) + "}"

    printed = inspect([("event_sequence", "in", numbers, False)])

    assert printed == f'[\n  {{"event_sequence", "in",\n   "{numbers}",\n   false}}\n]'


def test_a_long_list_of_short_tuples_has_one_on_a_line() -> None:
    printed = inspect([("a" * 30, "eq", "1", False), ("b" * 30, "eq", "2", False)])

    assert printed == f'[\n  {{"{"a" * 30}", "eq", "1", false}},\n  {{"{"b" * 30}", "eq", "2", false}}\n]'
