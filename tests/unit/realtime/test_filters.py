import pytest

from harness.realtime.filters import Filter, Unparsable, parse


@pytest.mark.parametrize(
    ("text", "filters"),
    [
        ("", ()),
        ("  ", ()),
        ("process_id=eq.7", (Filter(column="process_id", op="eq", value="7"),)),
        ("event_type=eq.a.b=c", (Filter(column="event_type", op="eq", value="a.b=c"),)),
        ("event_type=eq.", (Filter(column="event_type", op="eq", value=""),)),
        ("event_type=eq.' or 1=1 --", (Filter(column="event_type", op="eq", value="' or 1=1 --"),)),
        ("a=eq.1, b=eq.2", (Filter(column="a", op="eq", value="1"), Filter(column="b", op="eq", value="2"))),
        ("a=not.eq.1", (Filter(column="a", op="eq", value="1", negate=True),)),
        ('a=eq."x,y",b=eq.1', (Filter(column="a", op="eq", value="x,y"), Filter(column="b", op="eq", value="1"))),
        ('a=eq."x\\",y"', (Filter(column="a", op="eq", value='x",y'),)),
        ('a=eq."x"y', (Filter(column="a", op="eq", value='"x"y'),)),
        ('a=eq."x', (Filter(column="a", op="eq", value='"x'),)),
        ('a=eq.{"s":5}', (Filter(column="a", op="eq", value='{"s":5}'),)),
        ("a=eq.(1,2)", (Filter(column="a", op="eq", value="(1,2)"),)),
        ('a=eq.x"y,b=eq.z"', (Filter(column="a", op="eq", value='x"y'), Filter(column="b", op="eq", value='z"'))),
    ],
)
def test_filters_are_read(text: str, filters: tuple[Filter, ...]) -> None:
    assert parse(text) == filters


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("undefined", '["undefined"]'),
        ("event_sequence", '["event_sequence"]'),
        ("event_sequence=5", '["5"]'),
        ("event_sequence=foo.1", '["foo", "1"]'),
        ("event_sequence=not.foo.1", '["foo", "1"]'),
        ("or=(event_sequence.eq.1,event_sequence.eq.2)", '["(event_sequence", "eq.1,event_sequence.eq.2)"]'),
        ("nr=eq.[1,2)", '["2)"]'),
        ("event_sequence=in.1,2", "`in` filter value must be wrapped by parentheses"),
        ("event_sequence=eq.1,", "filter must not contain empty segments (check for extra commas)"),
        (",event_sequence=eq.1", "filter must not contain empty segments (check for extra commas)"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_real_words(text: str, reason: str) -> None:
    assert parse(text) == Unparsable(message=f"Error parsing `filter` params: {reason}")


@pytest.mark.parametrize(
    "op", ["eq", "neq", "lt", "lte", "gt", "gte", "like", "ilike", "is", "match", "imatch", "isdistinct"]
)
def test_every_operator_is_read_negated_or_not(op: str) -> None:
    assert parse(f"a={op}.1,a=not.{op}.2") == (
        Filter(column="a", op=op, value="1"),
        Filter(column="a", op=op, value="2", negate=True),
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [("a=in.(1, 2)", "{1, 2}"), ("a=in.()", "{}"), ('a=in.(t4,"t,6")', '{t4,"t,6"}'), ("a=in.((1),2)", "{(1),2}")],
)
def test_the_list_of_in_becomes_an_array(text: str, value: str) -> None:
    assert parse(text) == (Filter(column="a", op="in", value=value),)


def test_a_filter_is_quoted_as_realtime_quotes_it() -> None:
    assert Filter(column="a", op="eq", value="1", negate=True).words() == ("a", "eq", "1", True)
