"""The specification's publisher: what it counts, what it tells the history, what it does not do."""

import asyncio
from dataclasses import dataclass
from random import Random
from uuid import UUID

import pytest

from harness.errors import InsertFailed, InsertInDoubt, StoreError
from harness.events.event import ProcessEvent, content_hash
from harness.events.types import EventData, ProcessError, StateUpdated
from harness.history import History, Recorder
from harness.history.accounting import Bin, account
from harness.pipeline.as_specified.publisher import SpecifiedPublisher
from harness.pipeline.as_specified.type_map import event_data
from tests.defects.stage import MemoryTables, beat, chunk, completed, image
from tests.instant import InstantClock, run

ONE, OTHER = (str(UUID(int=number)) for number in (1, 2))


@dataclass(frozen=True, kw_only=True)
class Desk:
    publisher: SpecifiedPublisher
    tables: MemoryTables
    recorder: Recorder

    @property
    def history(self) -> History:
        return History(self.recorder.ops())


def a_desk(*, tables: MemoryTables | None = None, debounced: bool = True, seed: int = 1) -> Desk:
    clock = InstantClock()
    tables = MemoryTables(clock) if tables is None else tables
    recorder = Recorder(clock.now)
    publisher = SpecifiedPublisher(tables, recorder=recorder, clock=clock, rng=Random(seed), debounced=debounced)
    return Desk(publisher=publisher, tables=tables, recorder=recorder)


def test_one_event_leaves_its_hops_in_order() -> None:
    async def story() -> Desk:
        desk = a_desk()
        await desk.publisher.publish(ONE, beat())
        return desk

    desk = run(story())

    (row,) = desk.tables.rows
    keys = {"process_id": ONE, "event_id": str(row.id), "event_type": "heartbeat"}
    content = content_hash(event_data(beat()))
    insert = {**keys, "event_type": "generic_event", "attempt": 1}
    assert [(op.actor, op.f, op.type, dict(op.value)) for op in desk.history] == [
        ("app", "emit", "ok", {**keys, "intent": 1, "delivery_class": "latest", "content": content}),
        ("app", "debounce", "ok", {**keys, "intent": 1, "outcome": "published", "into": str(row.id)}),
        ("app", "insert", "invoke", insert),
        ("app", "insert", "ok", {**insert, "sequence": 1}),
    ]


@pytest.mark.parametrize(
    ("data", "details"),
    [
        (chunk(4, section=2), {"section_index": 2, "attempt": 1, "chunk_index": 4}),
        (ProcessError(error_type="recoverable", step="s", message="m"), {"error_type": "recoverable"}),
        (StateUpdated(current_step="s", status="running", is_waiting_for_input=False), {"status": "running"}),
    ],
    ids=["chunk", "error", "state"],
)
def test_an_emit_tells_what_the_history_asks_for(data: EventData, details: dict[str, object]) -> None:
    async def story() -> Desk:
        desk = a_desk()
        await desk.publisher.publish(ONE, data)
        return desk

    (emit,) = run(story()).history.where(f="emit")

    assert {key: emit.value[key] for key in details} == details


def test_an_overwritten_event_is_told_as_replaced() -> None:
    async def story() -> Desk:
        desk = a_desk()
        for number in range(3):
            await desk.publisher.publish(ONE, chunk(number))
        await desk.publisher.flush(ONE)
        return desk

    history = run(story()).history

    ids = [op.value.event_id for op in history.where(f="emit")]
    assert [(op.value.event_id, op.value.outcome, op.value.into) for op in history.where(f="debounce")] == [
        (ids[0], "published", ids[0]),
        (ids[1], "replaced", ids[2]),
        (ids[2], "published", ids[2]),
    ]


def test_to_the_accounts_an_overwritten_chunk_is_lost_and_nobody_was_told() -> None:
    async def story() -> History:
        desk = a_desk()
        owned = {"process": "article", "process_id": ONE, "owner": "alice", "owner_id": OTHER}
        desk.recorder.record("story", "start_process", owned)
        reads = {"process_id": ONE, "user": "alice", "user_id": OTHER, "role": "authenticated", "client": "native"}
        desk.recorder.record("reader", "subscribe", reads)
        for number in range(3):
            await desk.publisher.publish(ONE, chunk(number))
        await desk.publisher.close()
        return desk.history

    entries = account(run(story())).entries

    assert [entry.bin for entry in entries] == [Bin.LOST_SILENT, Bin.UNPUBLISHED_SILENT, Bin.UNPUBLISHED_SILENT]


def test_a_state_goes_past_the_debouncer_under_its_own_category() -> None:
    async def story() -> Desk:
        desk = a_desk()
        for step in ("one", "two", "three"):
            await desk.publisher.publish(
                ONE, StateUpdated(current_step=step, status="running", is_waiting_for_input=False)
            )
        return desk

    rows = run(story()).tables.rows

    assert [(row.event_type, row.event_category, row.event_priority) for row in rows] == [
        ("state_updated", "state", 5)
    ] * 3


@pytest.mark.parametrize(("debounced", "category"), [(True, "system"), (False, "generation")])
def test_the_category_is_lost_in_the_debouncer_only(debounced: bool, category: str) -> None:
    async def story() -> Desk:
        desk = a_desk(debounced=debounced)
        await desk.publisher.publish(ONE, chunk(0))
        return desk

    (row,) = run(story()).tables.rows

    assert (row.event_category, row.event_priority, row.event_source) == (category, 5, "backend")


def test_without_the_debouncer_nothing_is_held_back() -> None:
    async def story() -> Desk:
        desk = a_desk(debounced=False)
        for number in range(5):
            await desk.publisher.publish(ONE, chunk(number))
        return desk

    assert [row.event_data["chunk_index"] for row in run(story()).tables.rows] == [0, 1, 2, 3, 4]


def test_numbers_are_counted_for_each_process_from_what_is_there() -> None:
    async def story() -> Desk:
        first = a_desk(debounced=False)
        for process_id in (ONE, ONE, OTHER):
            await first.publisher.publish(process_id, beat())
        second = a_desk(tables=first.tables, debounced=False, seed=2)
        for process_id in (OTHER, ONE):
            await second.publisher.publish(process_id, beat())
        return second

    rows = run(story()).tables.rows

    assert [(row.process_id, row.event_sequence) for row in rows] == [
        (ONE, 1), (ONE, 2), (OTHER, 1), (OTHER, 2), (ONE, 3),
    ]  # fmt: skip


def test_calls_at_once_of_one_worker_get_numbers_of_their_own() -> None:
    async def story() -> Desk:
        desk = a_desk(debounced=False)
        await asyncio.gather(*(desk.publisher.publish(ONE, beat()) for _ in range(5)))
        return desk

    assert sorted(row.event_sequence for row in run(story()).tables.rows) == [1, 2, 3, 4, 5]


def test_a_failed_insert_raises_at_once_and_its_number_is_spent() -> None:
    async def story() -> Desk:
        desk = a_desk(debounced=False)
        desk.tables.faults.append(InsertFailed("refused"))
        with pytest.raises(InsertFailed):
            await desk.publisher.publish(ONE, beat())
        await desk.publisher.publish(ONE, beat())
        return desk

    desk = run(story())

    (failed,) = desk.history.where(f="insert", type="fail")
    assert (failed.error, "unheard" in failed.value) == ("refused", False)
    assert [row.event_sequence for row in desk.tables.rows] == [2]


def test_an_answer_that_is_lost_is_told_as_in_doubt() -> None:
    async def story() -> Desk:
        desk = a_desk(debounced=False)
        desk.tables.faults.append(InsertInDoubt("no answer"))
        with pytest.raises(StoreError):
            await desk.publisher.publish(ONE, beat())
        return desk

    desk = run(story())

    assert [op.type for op in desk.history.where(f="insert")] == ["invoke", "info"]
    assert len(desk.tables.rows) == 1


def test_a_caller_that_is_cancelled_leaves_its_insert_in_doubt() -> None:
    async def story() -> Desk:
        desk = a_desk(tables=MemoryTables(InstantClock(), delays_s=[1.0]), debounced=False)
        caller = asyncio.create_task(desk.publisher.publish(ONE, beat()))
        await InstantClock().sleep(0.5)
        caller.cancel()
        await asyncio.gather(caller, return_exceptions=True)
        return desk

    desk = run(story())

    assert [op.type for op in desk.history.where(f="insert")] == ["invoke", "info"]
    assert desk.tables.rows == []


def test_flush_waits_and_changes_nothing() -> None:
    async def story() -> tuple[float, list[int]]:
        desk = a_desk(tables=MemoryTables(InstantClock(), delays_s=[0.0, 3.0]))
        await desk.publisher.publish(ONE, chunk(0))
        await desk.publisher.publish(ONE, chunk(1))
        await desk.publisher.flush(ONE)
        return round(InstantClock().now(), 3), [row.event_data["chunk_index"] for row in desk.tables.rows]

    assert run(story()) == (3.2, [0, 1])


def test_flush_waits_for_an_insert_that_somebody_else_awaits() -> None:
    async def story() -> tuple[float, float]:
        desk = a_desk(tables=MemoryTables(InstantClock(), delays_s=[2.0]), debounced=False)
        caller = asyncio.create_task(desk.publisher.publish(ONE, beat()))
        await InstantClock().sleep(0.5)
        await desk.publisher.flush(OTHER)
        nothing_there = InstantClock().now()
        await desk.publisher.flush(ONE)
        await caller
        return nothing_there, InstantClock().now()

    assert run(story()) == (0.5, 2.0)


@pytest.mark.parametrize("grace", [True, False])
def test_closing_writes_nothing_more(grace: bool) -> None:
    async def story() -> Desk:
        desk = a_desk()
        await desk.publisher.publish(ONE, chunk(0))
        await desk.publisher.publish(ONE, chunk(1))
        await desk.publisher.close(grace=grace)
        await InstantClock().sleep(1.0)
        return desk

    assert len(run(story()).tables.rows) == 1


def test_what_is_kept_of_a_process_is_kept_for_ever() -> None:
    async def story() -> tuple[dict[str, int], dict[str, int]]:
        desk = a_desk()
        await desk.publisher.publish(ONE, chunk(0))
        await desk.publisher.publish(ONE, chunk(1))
        busy = dict(desk.publisher.held())
        await desk.publisher.flush(ONE)
        desk.publisher.forget(ONE)
        return busy, dict(desk.publisher.held())

    busy, over = run(story())

    assert busy == {"keys": 2, "pending": 1, "timers": 1}
    assert over == {"keys": 2, "pending": 0, "timers": 0}


def test_intents_count_from_one_and_ids_are_a_process_own() -> None:
    async def story(*, noise: bool) -> list[str]:
        desk = a_desk(debounced=False)
        for number in range(3):
            await desk.publisher.publish(ONE, image(str(number)))
            if noise:
                await desk.publisher.publish(OTHER, completed(number))
        assert [op.value.intent for op in desk.history.where(f="emit", process_id=ONE)] == [1, 2, 3]
        return [str(row.id) for row in desk.tables.rows if row.process_id == ONE]

    assert run(story(noise=True)) == run(story(noise=False))


def test_a_write_that_commits_more_is_done_past_the_debouncer() -> None:
    async def story() -> tuple[Desk, list[ProcessEvent]]:
        desk = a_desk()
        written: list[ProcessEvent] = []

        async def write(event: ProcessEvent) -> int:
            written.append(event)
            return 7

        for _ in range(2):
            await desk.publisher.publish(ONE, chunk(0), write=write)
        return desk, written

    desk, written = run(story())

    assert [event.data for event in written] == [chunk(0), chunk(0)]
    assert [op.value.sequence for op in desk.history.where(f="insert", type="ok")] == [7, 7]
    assert [event.id for event in written] == [UUID(op.value.event_id) for op in desk.history.where(f="emit")]


def test_many_events_are_one_statement() -> None:
    async def story() -> Desk:
        desk = a_desk()
        desk.tables.faults.append(InsertFailed("refused"))
        with pytest.raises(InsertFailed):
            await desk.publisher.publish_at_once(ONE, [chunk(0), chunk(1)])
        await desk.publisher.publish_at_once(ONE, [chunk(0), chunk(1)])
        return desk

    desk = run(story())

    assert len(desk.history.where(f="insert", type="fail")) == 2
    assert [row.event_sequence for row in desk.tables.rows] == [3, 4]
    assert [op.value.sequence for op in desk.history.where(f="insert", type="ok")] == [3, 4]


def test_the_hash_of_the_emit_is_that_of_the_row() -> None:
    async def story() -> Desk:
        desk = a_desk()
        state = StateUpdated(
            current_step="s", status="waiting", is_waiting_for_input=True, expected_user_input="SELECT_THEME"
        )
        await desk.publisher.publish(ONE, state)
        return desk

    desk = run(story())

    (emit,) = desk.history.where(f="emit")
    assert emit.value.content == content_hash(desk.tables.rows[0].event_data)
