"""The cleanup job goes on until a batch is not full, and says how much it deleted."""

from datetime import timedelta
from typing import Any

import pytest

from harness.pipeline.retention import PAUSE_S, clean_up
from harness.pipeline.schema import maintenance
from tests.instant import InstantClock, run


class Tables:
    """Answers each statement with the next of its numbers of rows."""

    def __init__(self, *, archived: list[int], deleted: list[int]) -> None:
        statements = maintenance("mine")
        self.left = {statements["archive"]: ("UPDATE", archived), statements["delete"]: ("DELETE", deleted)}
        self.asked: list[tuple[str, tuple[Any, ...]]] = []

    async def execute(self, query: str, *args: Any) -> str:
        word, rows = self.left[query]
        self.asked.append((word, args))
        return f"{word} {rows.pop(0)}"


async def test_archives_first_and_then_deletes_in_batches() -> None:
    tables = Tables(archived=[12, 3], deleted=[10, 11, 0])

    deleted = await clean_up(
        tables, schema="mine", archived_after=timedelta(days=1), expires_after=timedelta(days=2), batch=10
    )

    assert deleted == 21
    assert tables.asked == [
        ("UPDATE", (10, timedelta(days=1), timedelta(days=2))),
        ("UPDATE", (10, timedelta(days=1), timedelta(days=2))),
        ("DELETE", (10,)),
        ("DELETE", (10,)),
        ("DELETE", (10,)),
    ]


def test_with_a_clock_there_is_a_pause_between_two_batches_and_none_after_the_last() -> None:
    async def story() -> float:
        clock = InstantClock()
        await clean_up(Tables(archived=[12, 3], deleted=[10, 11, 0]), schema="mine", batch=10, clock=clock)
        return clock.now()

    assert run(story()) == pytest.approx(3 * PAUSE_S)
