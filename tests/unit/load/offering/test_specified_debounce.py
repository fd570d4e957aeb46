"""The specification's debouncer before the reference's tables."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from random import Random
from typing import Any, cast

import pytest

from harness.errors import InsertFailed
from harness.events.event import ProcessEvent, content_hash
from harness.events.types import EventData, ResearchProgress, StepCompleted
from harness.history import Recorder
from harness.pipeline.store import Store
from load.offering.specified_debounce import SpecifiedDebounce

PROCESS = "6f1b1c1e-5d57-4d1f-9a55-0f6f3a1c2b10"


class Standing:
    """A clock that stands; whoever sleeps, sleeps for ever."""

    def now(self) -> float:
        return 0.0

    def wall(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("a timer that is not cancelled in time")


class Rows:
    """Takes events, or refuses them."""

    def __init__(self, *, refuses: bool = False) -> None:
        self.events: list[ProcessEvent] = []
        self.statements: list[int] = []
        self._refuses = refuses

    async def insert_event(self, event: ProcessEvent) -> int:
        if self._refuses:
            raise InsertFailed("no")
        self.events.append(event)
        return len(self.events)

    async def insert_events(self, events: Sequence[ProcessEvent]) -> Sequence[int]:
        self.statements.append(len(events))
        return [await self.insert_event(event) for event in events]


def a_publisher(rows: Rows) -> tuple[SpecifiedDebounce, Recorder]:
    recorder = Recorder(lambda: 0.0)
    publisher = SpecifiedDebounce(cast(Store, rows), recorder=recorder, clock=Standing(), rng=Random(1))
    return publisher, recorder


def progress(number: int) -> EventData:
    return ResearchProgress(query_index=number, total_queries=3, query="q")


def outcomes(recorder: Recorder) -> Sequence[tuple[int, str]]:
    return [(op.value.intent, op.value.outcome) for op in recorder.ops() if op.f == "debounce"]


def inserts(recorder: Recorder) -> Sequence[tuple[str, Mapping[str, Any]]]:
    return [(op.type, op.value) for op in recorder.ops() if op.f == "insert" and op.type != "invoke"]


async def test_the_first_goes_out_and_of_what_follows_the_last_replaces_the_others() -> None:
    rows = Rows()
    publisher, recorder = a_publisher(rows)

    for number in (1, 2, 3):
        await publisher.publish(PROCESS, progress(number))
    await publisher.close()

    assert [event.intent for event in rows.events] == [1]
    assert outcomes(recorder) == [(1, "published"), (2, "replaced")]


async def test_another_type_is_not_held_back() -> None:
    rows = Rows()
    publisher, _ = a_publisher(rows)

    await publisher.publish(PROCESS, progress(1))
    await publisher.publish(PROCESS, StepCompleted(step="editing"))

    assert [event.intent for event in rows.events] == [1, 2]


async def test_what_is_written_with_the_state_goes_straight_to_the_table() -> None:
    rows = Rows()
    publisher, recorder = a_publisher(rows)

    for number in (1, 2):
        await publisher.publish(PROCESS, progress(number), write=rows.insert_event)

    assert outcomes(recorder) == [(1, "published"), (2, "published")]


async def test_a_refused_insert_is_told_and_not_tried_again() -> None:
    publisher, recorder = a_publisher(Rows(refuses=True))

    with pytest.raises(InsertFailed):
        await publisher.publish(PROCESS, progress(1))

    assert [(kind, value["attempt"]) for kind, value in inserts(recorder)] == [("fail", 1)]


async def test_what_is_written_is_what_was_said() -> None:
    rows = Rows()
    publisher, recorder = a_publisher(rows)

    await publisher.publish(PROCESS, progress(1))

    (emit,) = (op for op in recorder.ops() if op.f == "emit")
    (event,) = rows.events
    assert (event.data, str(event.id), str(event.process_id)) == (progress(1), emit.value.event_id, PROCESS)
    assert emit.value.content == content_hash(event.event_data())


async def test_many_at_once_go_past_the_debouncer_in_one_statement() -> None:
    rows = Rows()
    publisher, recorder = a_publisher(rows)

    await publisher.publish_at_once(PROCESS, [progress(1), progress(2)])

    assert rows.statements == [2]
    assert outcomes(recorder) == [(1, "published"), (2, "published")]
