"""D-33: cleanup deletes what was never archived, which is what matters, and archives what then stays for ever."""

from typing import Final

import asyncpg

from harness.pipeline.app import App
from tests.defects.database import ACCUSED, PROCESS, REFERENCE, Databases, connected, sql, working

DEFECT: Final = "D-33"
ROWS: Final = (
    "insert into process_events (process_id, event_type, event_category, event_sequence, event_data, created_at)"
    f" select '{PROCESS}', t, c, n, '{{}}', now() - interval '40 days' from (values"
    " ('user_input_received', 'interaction', 1), ('heartbeat', 'system', 2), ('process_completed', 'process', 3)"
    ") as row (t, c, n)"
)
A_SEASON_LATER: Final = (
    "update process_events set created_at = created_at - interval '100 days',"
    " expires_at = expires_at - interval '100 days'"
)


async def after_two_runs(app: App, url: str) -> list[str]:
    """Events of forty days ago; cleanup runs today and a hundred days later. What is left."""
    async with working(app, url):
        await sql(url, ROWS)
    async with asyncpg.create_pool(url, min_size=1, max_size=1) as pool:
        await app.clean_up(pool, schema="public")
        await pool.execute(A_SEASON_LATER)
        await app.clean_up(pool, schema="public")
    async with connected(url) as session:
        rows = await session.fetch("select event_type from process_events order by event_sequence")
    return [row[0] for row in rows]


async def test_the_accused_keeps_the_heartbeat_alone(database_of: Databases) -> None:
    url = await database_of(ACCUSED)

    assert await after_two_runs(ACCUSED, url) == ["heartbeat"]


async def test_the_reference_keeps_all_but_the_heartbeat(database_of: Databases) -> None:
    url = await database_of(REFERENCE)

    assert await after_two_runs(REFERENCE, url) == ["user_input_received", "process_completed"]
