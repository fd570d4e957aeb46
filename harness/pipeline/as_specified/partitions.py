"""The specification's monthly partitions of `process_events` as SQL: as written, and repaired so that it runs.

Under the straight line. The application does not run on them: with them nothing would be delivered (D-40). They are
made in a schema of their own, to show what they do.
"""

from datetime import date
from typing import Final

from harness.pipeline.as_specified.schema import sql

FIRST: Final = date(2025, 1, 1)
"""The first of the two months for which the specification makes a partition; nothing makes the third (D-36)."""


def as_written(schema: str = "public", *, first: date = FIRST) -> str:
    """To the letter: PostgreSQL refuses it (D-32)."""
    return _for_months(sql("partitions_as_written.sql", schema), first)


def repaired(schema: str = "public", *, first: date = FIRST) -> str:
    """With `created_at` in the keys: runs in a schema that has no `process_events` yet."""
    return _for_months(sql("partitions_repaired.sql", schema), first)


def _for_months(text: str, first: date) -> str:
    second = _next_month(first)
    names = {"first_name": f"{first:%Y_%m}", "second_name": f"{second:%Y_%m}"}
    days = {"first": first.isoformat(), "second": second.isoformat(), "third": _next_month(second).isoformat()}
    for name, value in {**names, **days}.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def _next_month(month: date) -> date:
    years, months = divmod(month.month, 12)
    return date(month.year + years, months + 1, 1)
