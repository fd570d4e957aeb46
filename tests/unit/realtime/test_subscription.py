from typing import Any

import pytest

from harness.realtime.filters import Filter
from harness.realtime.subscription import Refused, Wanted, binding, understand

NO_PARAMS = "No subscription params provided. Please provide at least a `schema` or `table` to subscribe to: "


@pytest.mark.parametrize(
    ("element", "wanted"),
    [
        (
            {"event": "INSERT", "schema": "public", "table": "t", "filter": "a=eq.1"},
            Wanted(action="INSERT", schema="public", table="t", filters=(Filter(column="a", op="eq", value="1"),)),
        ),
        ({"event": "insert", "schema": "public", "table": "t"}, Wanted(action="INSERT", schema="public", table="t")),
        ({"event": "UPSERT", "schema": "public", "table": "t"}, Wanted(action="*", schema="public", table="t")),
        ({"event": 5, "schema": "public", "table": "t"}, Wanted(action="*", schema="public", table="t")),
        ({"schema": "test3"}, Wanted(action="*", schema="test3", table="*")),
        ({"event": "INSERT", "table": "t"}, Wanted(action="INSERT", schema="public", table="t")),
        ({"schema": "*", "table": "*"}, Wanted(action="*", schema="*", table="*")),
        ({"schema": "public", "table": "t", "filter": ""}, Wanted(action="*", schema="public", table="t")),
        (
            {"schema": "public", "table": "t", "select": ["a", 5, "b"]},
            Wanted(action="*", schema="public", table="t", select=("a", "b")),
        ),
        ({"schema": "public", "table": "t", "select": None}, Wanted(action="*", schema="public", table="t")),
        ({"schema": "public", "table": "t", "select": [5]}, Wanted(action="*", schema="public", table="t")),
        ({"schema": "*", "select": []}, Wanted(action="*", schema="*", table="*")),
    ],
)
def test_an_element_is_understood(element: dict[str, Any], wanted: Wanted) -> None:
    assert understand(element) == wanted


@pytest.mark.parametrize(
    ("element", "message"),
    [
        ({}, NO_PARAMS + "%{}"),
        ({"event": "*"}, NO_PARAMS + '%{"event" => "*"}'),
        (
            {"event": "INSERT", "schema": "public", "table": "process_events", "filter": None},
            NO_PARAMS + '%{"event" => "INSERT", "filter" => nil, "schema" => "public", "table" => "process_events"}',
        ),
        ({"schema": "public", "table": 5}, NO_PARAMS + '%{"schema" => "public", "table" => 5}'),
        ({"table": "t", "filter": "a=eq.1"}, NO_PARAMS + '%{"filter" => "a=eq.1", "table" => "t"}'),
        ({"user_token": "secret"}, NO_PARAMS + "<redacted>"),
        ({"schema": "p", "table": "t", "filter": "undefined"}, 'Error parsing `filter` params: ["undefined"]'),
        (
            {"schema": "p", "table": "t", "select": "id"},
            'Error parsing `select` params: expected a list of column name strings, e.g. select: ["col1", "col2"]',
        ),
        (
            {"schema": "p", "select": ["id"]},
            "Column selection is not supported for wildcard subscriptions. Provide an explicit schema and table name.",
        ),
    ],
)
def test_an_element_is_refused_with_the_real_words(element: dict[str, Any], message: str) -> None:
    assert understand(element) == Refused(message=message)


def test_a_binding_is_quoted_as_realtime_quotes_it() -> None:
    wanted = Wanted(
        action="*", schema="public", table="t", filters=(Filter(column="nope", op="eq", value="1"),), select=("b",)
    )

    assert wanted.words() == (
        '[event: *, schema: public, table: t, filters: [{"nope", "eq", "1", false}], select: ["b"]]'
    )
    assert Wanted(action="INSERT", schema="test3", table="*").words() == (
        "[event: INSERT, schema: test3, table: *, filters: [], select: nil]"
    )


def test_equal_elements_have_equal_ids_of_27_bits() -> None:
    one = binding({"event": "*", "schema": "public", "table": "t"})
    same = binding({"table": "t", "schema": "public", "event": "*"})
    other = binding({"event": "*", "schema": "public", "table": "u"})

    assert one.id == same.id != other.id
    assert all(0 < each.id < 1 << 27 for each in (one, other))


def test_the_echo_is_the_element_with_its_id() -> None:
    echo = binding({"event": 5, "schema": "public", "table": "t", "x": [1]}).echo()

    assert echo == {"event": 5, "schema": "public", "table": "t", "x": [1], "id": echo["id"]}
