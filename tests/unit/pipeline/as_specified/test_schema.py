"""SQL by file and name, for any schema."""

from harness.pipeline.as_specified.schema import queries, sql


def test_the_schema_is_quoted_wherever_it_stands() -> None:
    text = sql("tables.sql", 'My"s')

    assert '"My""s".generated_articles_state' in text
    assert "{schema}" not in text


def test_the_queries_are_those_of_the_store() -> None:
    assert set(queries()) == {"max_sequence", "insert_events", "update_state"}
