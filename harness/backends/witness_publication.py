"""The publication that the witness reads: its own list of tables, so that it sees what a broken one hides."""

from harness.pipeline.trace import TABLES


def create_publication(name: str, schema: str) -> str:
    """The SQL that makes it, for the application's tables in `schema`."""
    tables = ", ".join(f"{quoted(schema)}.{quoted(table)}" for table in TABLES)
    return f"create publication {quoted(name)} for table {tables}"


def drop_publication(name: str) -> str:
    """The SQL that removes it again."""
    return f"drop publication if exists {quoted(name)}"


def quoted(name: str) -> str:
    """A name in SQL."""
    return '"' + name.replace('"', '""') + '"'
