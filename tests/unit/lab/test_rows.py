"""The laboratory's table: both applications write to it, and what is committed is heard."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

from harness.clock import VirtualClock, run_virtual
from harness.events.event import ProcessEvent
from harness.events.types import StepCompleted
from harness.history import Recorder
from harness.lab.rows import Rows
from harness.pipeline.as_specified.store import EventRow

PROCESS = UUID(int=7)
AT = datetime(2026, 1, 1, tzinfo=UTC)


def the_table(recorder: Recorder, *, write_s: float = 0.5) -> Rows:
    return Rows(clock=VirtualClock(), recorder=recorder, write_s=lambda: write_s)


def an_event(number: int) -> ProcessEvent:
    return ProcessEvent(
        id=UUID(int=number), process_id=PROCESS, intent=number, emitted_at=AT, data=StepCompleted(step="s")
    )


def a_row(number: int) -> EventRow:
    return EventRow(
        id=UUID(int=number),
        process_id=str(PROCESS),
        event_type="step_completed",
        event_data={"step": "s"},
        event_sequence=number,
        event_category="c",
        event_priority=5,
        published_at=AT,
    )


def test_a_write_takes_its_time_and_then_everybody_has_heard_of_it() -> None:
    async def story() -> None:
        recorder = Recorder(VirtualClock().now)
        table = the_table(recorder)

        numbers = await table.insert_events([an_event(1), an_event(2)])

        assert numbers == [1, 2]
        assert [(row.sequence, row.at) for row in table.rows] == [(1, 0.5), (2, 0.5)]
        assert [(op.f, op.value.sequence) for op in recorder.ops()] == [("apply", 1), ("apply", 2)]

    run_virtual(story())


def test_the_specification_brings_its_own_numbers() -> None:
    async def story() -> None:
        table = the_table(Recorder(VirtualClock().now))
        await table.insert_rows([a_row(4)])

        assert await table.max_sequence(str(PROCESS)) == 4
        assert await table.max_sequence("another") == 0

    run_virtual(story())


def test_a_write_that_is_cancelled_midway_does_not_happen() -> None:
    async def story() -> None:
        table = the_table(Recorder(VirtualClock().now))
        writing = asyncio.create_task(table.insert_event(an_event(1)))
        await VirtualClock().sleep(0.4)
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)

        assert table.rows == []

    run_virtual(story())
