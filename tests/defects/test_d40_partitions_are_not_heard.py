"""D-40: what is published are the partitions; who subscribes to the table is refused, or hears nothing."""

from typing import Final

from harness.pipeline.as_specified.partitions import repaired
from tests.defects.database import ACCUSED, PROCESS, REFERENCE, Databases, connected, listening, sql, working

DEFECT: Final = "D-40"
PUBLISHED: Final = "select tablename from pg_publication_tables where pubname = 'supabase_realtime' and schemaname = $1"


async def test_the_accused_silences_its_own_clients(database_of: Databases) -> None:
    url = await database_of(ACCUSED)
    await sql(
        url,
        "create schema parts",
        repaired("parts"),
        "alter publication supabase_realtime add table parts.process_events",
    )

    async with listening(url) as listener:
        refusal = await listener.subscribe("process_events", schema="parts")
        await sql(
            url,
            "insert into parts.process_events (process_id, event_type, event_sequence, created_at)"
            f" values ('{PROCESS}', 'heartbeat', 1, '2025-01-15')",
        )
        named = [change.relation.table for change in await listener.changes()]

    async with connected(url) as session:
        published = {row[0] for row in await session.fetch(PUBLISHED, "parts")}
    assert published == {"process_events_2025_01", "process_events_2025_02"}
    assert refusal is not None
    assert named == ["process_events_2025_01"]


async def test_the_reference_is_heard_under_its_name(database_of: Databases) -> None:
    url = await database_of(REFERENCE)

    async with working(REFERENCE, url), listening(url) as listener:
        refusal = await listener.subscribe("process_events")
        await sql(
            url,
            "insert into process_events (process_id, event_type, event_sequence, created_at)"
            f" values ('{PROCESS}', 'heartbeat', 1, '2025-01-15')",
        )
        heard = await listener.hear()

    assert refusal is None
    assert [one.table for one in heard] == ["process_events"]
