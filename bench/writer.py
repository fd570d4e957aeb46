"""The one who writes, in a process of its own: `python -m bench.writer`, told what to do by JSON lines on stdin.

One connection, one commit per row, the next row when the last is committed.
"""

import asyncio
import json
import random
import statistics
import sys
import time
from typing import Any, Final
from uuid import UUID

import asyncpg

from bench.distribution import percentile
from bench.readers import say

# published_at is the moment of the write by the database's own clock, to the microsecond.
_INSERT: Final = """
insert into public.process_events (process_id, event_type, event_data, event_sequence, published_at, event_category)
values ($1, 'section_chunk', $2::jsonb, $3, clock_timestamp(), 'generation')
"""
_TEXT: Final = "The winters are long."
"""Short: the frame is then about 1.3 kB, as those of docs/real-performance.md."""


async def write(connection: asyncpg.Connection, process_id: UUID, command: dict[str, Any]) -> dict[str, Any]:
    """Write up to `rows` rows for up to `seconds`: with `every_s` each when it is due, else without pause.

    The intervals vary, as `seed` has it, by the share `spread` of themselves. They run on while a row is late, so that
    a server that slows its writer down is not asked less for it; `late_s` is by how much rows were, at p99.
    """
    statement = await connection.prepare(_INSERT)
    rng = random.Random(command["seed"])
    inserts: list[float] = []
    late: list[float] = []
    began = due = time.time()
    for sequence in range(1, command["rows"] + 1):
        if sequence > 1 and command["every_s"]:
            due += command["every_s"] * rng.uniform(1 - command["spread"], 1 + command["spread"])
            await asyncio.sleep(due - time.time())
            late.append(time.time() - due)
        data = json.dumps({"section_index": 0, "chunk_index": sequence, "content": _TEXT})
        before = time.time()
        await statement.fetchval(process_id, data, sequence)
        ended = time.time()
        inserts.append(ended - before)
        if ended - began >= command["seconds"]:
            break
    return {
        "rows": len(inserts),
        "began": began,
        "ended": ended,
        "insert_s": statistics.median(inserts),
        "late_s": percentile(late, 0.99) if late else 0.0,
    }


async def main() -> None:
    plan = json.loads(sys.stdin.readline())
    connection = await asyncpg.connect(plan["db_url"])
    say({"ready": True})
    for line in iter(sys.stdin.readline, ""):
        say(await write(connection, UUID(plan["process_id"]), json.loads(line)))
    await connection.close()


if __name__ == "__main__":
    asyncio.run(main())
