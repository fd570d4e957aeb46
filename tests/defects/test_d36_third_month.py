"""D-36: there are partitions for two months; in the third nothing can be published any more."""

from typing import Final

import asyncpg
import pytest

from harness.pipeline.as_specified.partitions import repaired
from tests.defects.database import ACCUSED, PROCESS, REFERENCE, Databases, connected, sql, working

DEFECT: Final = "D-36"


def event(table: str, number: int, day: str) -> str:
    return (
        f"insert into {table} (process_id, event_type, event_sequence, created_at)"
        f" values ('{PROCESS}', 'heartbeat', {number}, '{day}')"
    )


async def test_the_accused_stops_at_the_turn_of_the_month(database_of: Databases) -> None:
    url = await database_of(ACCUSED)
    await sql(url, "create schema parts", repaired("parts"))

    await sql(url, event("parts.process_events", 1, "2025-02-28 23:59:59+00"))
    with pytest.raises(asyncpg.CheckViolationError, match="no partition of relation"):
        await sql(url, event("parts.process_events", 2, "2025-03-01 00:00:00+00"))


async def test_the_reference_knows_no_months(database_of: Databases) -> None:
    url = await database_of(REFERENCE)
    async with working(REFERENCE, url):
        await sql(
            url,
            event("process_events", 1, "2025-02-28 23:59:59+00"),
            event("process_events", 2, "2025-03-01 00:00:00+00"),
        )

    async with connected(url) as session:
        assert await session.fetchval("select count(*) from process_events") == 2
