"""D-37: a number is unique within a partition only, and not even there: its key needs the time."""

from typing import Final

import asyncpg
import pytest

from harness.pipeline.as_specified.partitions import repaired
from tests.defects.database import ACCUSED, PROCESS, REFERENCE, Databases, connected, sql, working

DEFECT: Final = "D-37"


def seventh(table: str) -> str:
    return (
        f"insert into {table} (process_id, event_type, event_sequence, created_at)"
        f" values ('{PROCESS}', 'heartbeat', 7, '2025-01-31'), ('{PROCESS}', 'heartbeat', 7, '2025-02-01')"
    )


async def test_the_accused_takes_two_sevenths(database_of: Databases) -> None:
    url = await database_of(ACCUSED)
    await sql(url, "create schema parts", repaired("parts"))

    await sql(url, seventh("parts.process_events"))

    async with connected(url) as session:
        assert await session.fetchval("select count(*) from parts.process_events where event_sequence = 7") == 2


async def test_the_reference_takes_one(database_of: Databases) -> None:
    url = await database_of(REFERENCE)

    async with working(REFERENCE, url):
        with pytest.raises(asyncpg.UniqueViolationError, match="unique_process_sequence"):
            await sql(url, seventh("process_events"))
