"""The SQL of the specification as text: the files of `sql/`, for the schema that the user names.

Under the straight line, beside `pipeline/schema.py`, which makes the tables that this adds to.
"""

from collections.abc import Mapping
from importlib.resources import files
from typing import Final

from harness.pipeline.schema import by_name

_SQL: Final = files("harness.pipeline.as_specified") / "sql"


def sql(file: str, schema: str = "public") -> str:
    """The text of one file, with the quoted name of the schema in place of `{schema}`."""
    quoted = '"' + schema.replace('"', '""') + '"'
    return (_SQL / file).read_text(encoding="utf-8").replace("{schema}", quoted)


def queries(schema: str = "public") -> Mapping[str, str]:
    """The queries of `queries.sql` by name."""
    return by_name(sql("queries.sql", schema))
