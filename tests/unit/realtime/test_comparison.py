import pytest

from harness.realtime.comparison import Comparison, Met, compared, is_plain
from harness.realtime.filters import Filter, Unparsable, parse


def a_filter(text: str) -> Filter:
    parsed = parse(f"c={text}")
    assert not isinstance(parsed, Unparsable)
    (found,) = parsed
    return found


def met(text: str, value: str | None, type_name: str = "text") -> Met | Comparison:
    plain = is_plain(type_name, built_in=True, enum=False)
    return compared(a_filter(text), value, type_name=type_name, plain=plain, cast=type_name)


@pytest.mark.parametrize(
    ("text", "value", "type_name", "expected"),
    [
        ("eq.x", "x", "text", True),
        ("eq.x", "y", "text", False),
        ("eq.", "", "text", True),
        ("neq.x", "y", "varchar", True),
        ("not.neq.x", "y", "varchar", False),
        ("eq.5", "5", "int4", True),
        ("lt.5", "-7", "int8", True),
        ("lte.5", "5", "int2", True),
        ("gt.5", "10", "int4", True),
        ("gte.5", "4", "oid", False),
        ("not.gt.5", "10", "int4", False),
        ("in.(4,6)", "6", "int4", True),
        ("in.(4, 6)", "6", "int4", True),
        ("in.()", "6", "int4", False),
        ("not.in.()", "6", "int4", True),
        ("in.(a,null)", "a", "text", True),
        ("isdistinct.x", "y", "text", True),
        ("not.isdistinct.x", "x", "text", True),
        ("is.null", None, "text", True),
        ("is.null", "x", "text", False),
        ("not.is.null", "x", "text", True),
        ("is.true", "t", "bool", True),
        ("is.false", "t", "bool", False),
        ("is.unknown", None, "bool", True),
        ("not.is.true", None, "bool", True),
        ("eq.true", "t", "bool", True),
        (
            "eq.9C0F07CE-8D84-44AB-9B88-6A09905BDA31",
            "9c0f07ce-8d84-44ab-9b88-6a09905bda31",
            "uuid",
            True,
        ),
    ],
)
def test_what_is_certain_is_decided_here(text: str, value: str | None, type_name: str, expected: bool) -> None:
    assert met(text, value, type_name) is expected


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("eq.5", None),
        ("neq.5", None),
        ("not.eq.5", None),
        ("gt.5", None),
        ("in.(5)", None),
        ("in.(4,null)", "5"),
        ("not.in.(4,null)", "5"),
    ],
)
def test_a_comparison_with_null_is_unknown_negated_or_not(text: str, value: str | None) -> None:
    assert met(text, value, "int4") is None


@pytest.mark.parametrize(("text", "expected"), [("isdistinct.x", True), ("not.isdistinct.x", False)])
def test_null_is_distinct_from_every_literal(text: str, expected: bool) -> None:
    assert met(text, None) is expected


@pytest.mark.parametrize(
    ("text", "type_name"),
    [
        ("eq.007", "int4"),
        ("eq. 5", "int8"),
        ("eq.-0", "int8"),
        ("eq.99999999999999999999", "int8"),
        ("eq.{9c0f07ce8d8444ab9b886a09905bda31}", "uuid"),
        ("eq.yes", "bool"),
        ("eq." + "é" * 32, "name"),
        ('in.(a,"b,c")', "text"),
        ("in.(4,007)", "int4"),
        ("in.(a,,b)", "text"),
        ("lt.b", "text"),
        ("like.a%", "text"),
        ("ilike.A%", "text"),
        ("match.^a", "text"),
        ("imatch.^A", "text"),
        ("eq.1.50", "numeric"),
        ("is.null", "jsonb"),
        ("eq.(1,2)", "point"),
    ],
)
def test_what_is_not_certain_is_asked(text: str, type_name: str) -> None:
    each = a_filter(text)

    assert met(text, "v", type_name) == Comparison(type_name, each.op, "v", each.value, each.negate)


def test_a_null_of_an_uncertain_type_is_asked_about_too() -> None:
    assert met("not.eq.(1,2)", None, "point") == Comparison("point", "eq", None, "(1,2)", True)


@pytest.mark.parametrize(
    ("type_name", "built_in", "enum", "plain"),
    [
        ("uuid", True, False, True),
        ("uuid", False, False, False),
        ("mood", False, True, True),
        ("float8", True, False, False),
    ],
)
def test_plain_are_types_whose_equal_values_print_alike(
    type_name: str, built_in: bool, enum: bool, plain: bool
) -> None:
    assert is_plain(type_name, built_in=built_in, enum=enum) is plain
