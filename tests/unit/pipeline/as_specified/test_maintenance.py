"""The job's two statements, their order, and when the job runs."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from harness.pipeline.as_specified.maintenance import clean_up, function_sql, next_run, run_daily, statements
from tests.instant import BEGIN, InstantClock, run


class Session:
    def __init__(self) -> None:
        self.executed: list[str] = []

    async def execute(self, query: str, *args: Any) -> str:
        self.executed.append(query)
        return f"{query.split()[0].upper()} {7 * len(self.executed)}"


def test_the_delete_comes_before_the_update() -> None:
    delete, update = statements("mine")

    assert delete.startswith('delete from "mine".process_events\n')
    assert "interval '3 months'" in delete
    assert update.startswith('update "mine".process_events\n')
    assert "interval '1 month'" in update


def test_they_are_the_body_of_the_function() -> None:
    assert all(f"  {statement};" in function_sql("mine") for statement in statements("mine"))


def test_cleaning_up_runs_each_once_and_counts_what_is_deleted() -> None:
    session = Session()

    deleted = run(clean_up(session, schema="mine"))

    assert (deleted, tuple(session.executed)) == (7, statements("mine"))


@pytest.mark.parametrize(
    ("wall", "expected"),
    [
        (datetime(2026, 3, 1, 1, 59, 59, tzinfo=UTC), datetime(2026, 3, 1, 2, tzinfo=UTC)),
        (datetime(2026, 3, 1, 2, tzinfo=UTC), datetime(2026, 3, 2, 2, tzinfo=UTC)),
        (datetime(2026, 12, 31, 23, tzinfo=UTC), datetime(2027, 1, 1, 2, tzinfo=UTC)),
    ],
    ids=["before", "at", "new year"],
)
def test_it_runs_at_two(wall: datetime, expected: datetime) -> None:
    assert next_run(wall) == expected


def test_it_runs_every_night() -> None:
    async def story() -> list[float]:
        clock = InstantClock()
        nights: list[float] = []

        async def job() -> None:
            nights.append((clock.wall() - BEGIN).total_seconds() / 3600)

        task = asyncio.create_task(run_daily(job, clock))
        await clock.sleep(3 * 24 * 3600)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return nights

    assert run(story()) == [2.0, 26.0, 50.0]
