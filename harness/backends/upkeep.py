"""What a backend does to its database for a story: the application's cleanup job, and a count of subscriptions."""

import asyncpg

from harness.clock import Clock
from harness.pipeline.app import App


async def clean_up(app: App, url: str, *, schema: str, clock: Clock) -> int:
    """Run the application's daily cleanup job once; how many rows it deleted."""
    connection = await asyncpg.connect(url)
    try:
        return await app.clean_up(connection, schema=schema, clock=clock)
    finally:
        await connection.close()


async def count_subscriptions(url: str) -> int:
    """How many rows `realtime.subscription` has; 0 where there is no such table."""
    connection = await asyncpg.connect(url)
    try:
        if await connection.fetchval("select to_regclass('realtime.subscription')") is None:
            return 0
        count: int = await connection.fetchval("select count(*) from realtime.subscription")
        return count
    finally:
        await connection.close()
