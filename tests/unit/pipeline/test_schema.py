"""The SQL text for a schema."""

import pytest

from harness.errors import UsageError
from harness.pipeline.schema import maintenance, migrate, queries, schema_sql


def test_the_name_of_the_schema_is_quoted_everywhere() -> None:
    text = schema_sql("Mine")

    assert 'create table if not exists "Mine".process_events' in text
    assert "{schema}" not in text
    assert "public." not in text


@pytest.mark.parametrize("name", ["", 'a"b', "a'b", "1a", "a b", "a$$", "a" * 64])
def test_a_name_that_could_break_out_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="cannot be a schema"):
        schema_sql(name)


def test_queries_are_known_by_name_and_described() -> None:
    named = queries("mine")

    assert set(named) == {
        "create_process",
        "publish_event",
        "publish_events",
        "save_state",
        "save_context",
        "events_since",
        "last_sequence",
        "state",
        "owner",
        "acknowledge",
        "save_content",
        "content",
    }
    assert all(text.startswith("-- ") for text in named.values())
    assert all('"mine".' in text for text in named.values())


def test_statements_of_the_cleanup_are_known_by_name_and_described() -> None:
    named = maintenance("mine")

    assert set(named) == {"archive", "delete"}
    assert all(text.startswith("-- ") and '"mine".process_events' in text for text in named.values())


async def test_a_migration_is_one_query_and_so_one_transaction() -> None:
    class Connection:
        sent: tuple[str, ...] = ()

        async def execute(self, query: str) -> None:
            self.sent = (*self.sent, query)

    connection = Connection()

    await migrate(connection, "mine")

    assert connection.sent == (schema_sql("mine"),)
