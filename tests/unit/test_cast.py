"""How far the processes of a story have come, counted from what is recorded."""

import asyncio

from harness.cast import Tally
from tests.histories.literal import an_op, committed, row
from tests.instant import run


def test_only_committed_events_count() -> None:
    tally = Tally()

    tally(committed(1))
    tally(committed(2))
    tally(an_op("app", "insert", **row(3)))
    tally(an_op("witness", "commit", type="info", error="the stream broke"))
    tally(an_op("witness", "commit", table="generated_articles_state", action="UPDATE", process_id="p1"))
    tally(an_op("witness", "commit", **{**row(1), "action": "UPDATE"}))

    assert tally.committed("p1", "step_update") == 2
    assert tally.committed("p2", "step_update") == 0


def test_who_waits_is_woken_by_the_event_that_was_missing() -> None:
    async def story() -> bool:
        tally = Tally()
        waiting = asyncio.ensure_future(tally.reach("p1", "step_update", 2))
        tally(committed(1))
        for _ in range(3):
            await asyncio.wait({waiting}, timeout=0.1)
        early = waiting.done()
        tally(committed(2))
        await waiting
        return early

    assert run(story()) is False
