from harness.realtime.quirks import Quirks
from harness.realtime.rendering import quote_literal, statement
from harness.realtime.visibility import Shape, TableColumn


def a_column(name: str, type_name: str = "int4", bare_type: str = "integer") -> TableColumn:
    return TableColumn(
        name=name,
        type_name=type_name,
        bare_type=bare_type,
        full_type=bare_type,
        built_in=True,
        enum=False,
        key=False,
    )


def a_shape(record: tuple[TableColumn, ...], old: tuple[TableColumn, ...] = (), *, oversize: bool = False) -> Shape:
    return Shape(columns=record, record=record, old=old, oversize=oversize)


def test_new_and_old_columns_are_numbered_through() -> None:
    a, b = a_column("a"), a_column("it's", "uuid", "uuid")

    assert statement(a_shape((a, b), (a,)), Quirks()) == (
        "select (jsonb_build_object('a', to_jsonb((value ->> 0)::integer), "
        "'it''s', to_jsonb((value ->> 1)::uuid)))::text"
        ", (jsonb_build_object('a', to_jsonb((value ->> 2)::integer)))::text"
        " from jsonb_array_elements($1::jsonb) with ordinality as row (value, number) order by number"
    )


def test_no_columns_are_an_empty_object() -> None:
    assert statement(a_shape(()), Quirks()).startswith("select ('{}'::jsonb)::text, ('{}'::jsonb)::text from")


def test_many_columns_are_built_in_pieces() -> None:
    columns = tuple(a_column(f"c{number}") for number in range(101))

    text = statement(a_shape(columns), Quirks())

    assert text.count("jsonb_build_object(") == 3
    assert text.count(" || ") == 2


def test_bytea_is_printed_as_text_unless_its_prefix_stays() -> None:
    column = a_column("by", "bytea", "bytea")

    assert "(value ->> 0)::text" in statement(a_shape((column,)), Quirks())
    assert "(value ->> 0)::bytea" in statement(a_shape((column,)), Quirks(bytea_hex_without_prefix=False))


def test_quotes_are_doubled() -> None:
    assert quote_literal("a'b''c") == "'a''b''''c'"


def test_of_an_oversize_row_only_short_fields_are_printed() -> None:
    a = a_column("a")

    assert statement(a_shape((a,), oversize=True), Quirks()) == (
        "select ((select coalesce(jsonb_object_agg(key, field), '{}') from jsonb_each("
        "jsonb_build_object('a', to_jsonb((value ->> 0)::integer))) as fields (key, field)"
        " where octet_length(field::text) <= 64))::text"
        ", ((select coalesce(jsonb_object_agg(key, field), '{}') from jsonb_each('{}'::jsonb) as fields (key, field)"
        " where octet_length(field::text) <= 64))::text"
        " from jsonb_array_elements($1::jsonb) with ordinality as row (value, number) order by number"
    )
