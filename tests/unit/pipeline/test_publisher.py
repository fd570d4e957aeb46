"""Stamps, retries and what the history is told."""

import asyncio
from random import Random
from uuid import UUID

import pytest

from harness.errors import InsertFailed, InsertInDoubt, UnknownEventType
from harness.events.event import ProcessEvent, content_hash
from harness.events.types import EventData, Heartbeat, SectionChunk
from harness.history import History, Op, Recorder
from harness.pipeline.publisher import RETRY_DELAYS_S, Publisher
from tests.contracts.memory_store import MemoryStore
from tests.instant import BEGIN, InstantClock, run

ONE, OTHER = (str(UUID(int=number)) for number in (1, 2))
BEAT = Heartbeat(timestamp=BEGIN)


class Desk:
    def __init__(self, *, seed: int = 1, store: MemoryStore | None = None) -> None:
        self.store = store or MemoryStore()
        self.clock = InstantClock()
        self.recorder = Recorder(self.clock.now)
        self.publisher = Publisher(self.store, self.recorder, self.clock, Random(seed))

    async def open(self) -> None:
        for process_id in (ONE, OTHER):
            await self.store.create_process(process_id, user_id=ONE, initial_request={}, at=BEGIN)

    async def ids(self, process_id: str) -> list[str]:
        return [row["id"] for row in (await self.store.events_since(process_id, 0, limit=99)).events]

    @property
    def history(self) -> History:
        return History(self.recorder.ops())


def test_one_event_leaves_its_hops_in_order() -> None:
    async def story() -> tuple[Desk, list[str]]:
        desk = Desk()
        await desk.open()
        await desk.publisher.publish(ONE, BEAT)
        return desk, await desk.ids(ONE)

    desk, (event_id,) = run(story())

    keys = {"process_id": ONE, "event_id": event_id, "event_type": "heartbeat"}
    content = content_hash(BEAT.model_dump(mode="json"))
    assert [(op.actor, op.f, op.type, dict(op.value)) for op in desk.history] == [
        ("app", "emit", "ok", {**keys, "intent": 1, "delivery_class": "latest", "content": content}),
        ("app", "debounce", "ok", {**keys, "intent": 1, "outcome": "published", "into": event_id}),
        ("app", "insert", "invoke", {**keys, "attempt": 1}),
        ("app", "insert", "ok", {**keys, "attempt": 1, "sequence": 1}),
    ]


def test_a_chunk_tells_its_place() -> None:
    async def story() -> Desk:
        desk = Desk()
        await desk.open()
        chunk = SectionChunk(
            section_index=2,
            section_heading="h",
            attempt=3,
            chunk_index=4,
            offset=0,
            html_chunk="x",
            total_chars_generated=1,
            estimated_section_length=1,
            generation_progress=100,
        )
        await desk.publisher.publish(ONE, chunk)
        return desk

    (emit,) = run(story()).history.where(f="emit")

    assert (emit.value.section_index, emit.value.attempt, emit.value.chunk_index) == (2, 3, 4)
    assert emit.value.delivery_class == "append"


def test_calls_at_once_are_committed_in_their_order() -> None:
    async def story() -> tuple[list[int], History]:
        desk = Desk()
        await desk.open()
        desk.store.faults.append(InsertInDoubt("lost"))
        sequences = await asyncio.gather(*(desk.publisher.publish(ONE, BEAT) for _ in range(5)))
        return sequences, desk.history

    sequences, history = run(story())

    assert sequences == [1, 2, 3, 4, 5]
    committed = [op.value.event_id for op in history.where(f="insert", type="ok")]
    assert committed == [op.value.event_id for op in history.where(f="emit")]


def test_intents_and_ids_are_a_process_own() -> None:
    async def story(*, noise: bool) -> list[str]:
        desk = Desk()
        await desk.open()
        for _ in range(3):
            await desk.publisher.publish(ONE, BEAT)
            if noise:
                await desk.publisher.publish(OTHER, BEAT)
        assert [op.value.intent for op in desk.history.where(f="emit", process_id=ONE)] == [1, 2, 3]
        return await desk.ids(ONE)

    assert run(story(noise=True)) == run(story(noise=False))


def test_publishers_of_other_seeds_draw_other_ids() -> None:
    async def story() -> list[str]:
        store = MemoryStore()
        for seed in (1, 2):
            desk = Desk(seed=seed, store=store)
            await desk.open()
            await desk.publisher.publish(ONE, BEAT)
        return await desk.ids(ONE)

    assert len(set(run(story()))) == 2


def test_all_attempts_in_vain_raise_the_last_error_and_are_told() -> None:
    async def story() -> tuple[History, float]:
        desk = Desk()
        await desk.open()
        desk.store.faults += [InsertFailed("refused")] * (len(RETRY_DELAYS_S) + 1)
        with pytest.raises(InsertFailed, match="refused"):
            await desk.publisher.publish(ONE, BEAT)
        return desk.history, desk.clock.now()

    history, waited = run(story())

    assert [op.error for op in history.where(f="insert", type="fail")] == ["refused"] * (len(RETRY_DELAYS_S) + 1)
    assert waited == pytest.approx(sum(RETRY_DELAYS_S))


def test_an_event_whose_answer_was_lost_is_there_once() -> None:
    async def story() -> tuple[int, list[str]]:
        desk = Desk()
        await desk.open()
        desk.store.faults.append(InsertInDoubt("lost"))
        sequence = await desk.publisher.publish(ONE, BEAT)
        return sequence, await desk.ids(ONE)

    sequence, ids = run(story())

    assert (sequence, len(ids)) == (1, 1)


def test_a_model_that_is_not_registered_is_refused() -> None:
    class Stranger(EventData):
        event_type = "heartbeat"

    desk_ops: list[Op] = []

    async def story() -> None:
        desk = Desk()
        await desk.open()
        with pytest.raises(UnknownEventType, match="Stranger"):
            await desk.publisher.publish(ONE, Stranger())
        desk_ops.extend(desk.recorder.ops())

    run(story())

    assert desk_ops == []


def test_whoever_is_cancelled_learns_the_outcome_first() -> None:
    async def story() -> tuple[list[str], History]:
        desk = Desk()
        await desk.open()
        desk.store.faults.append(InsertFailed("refused"))
        publishing = asyncio.ensure_future(desk.publisher.publish(ONE, BEAT))
        await desk.clock.sleep(0.01)
        publishing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await publishing
        return await desk.ids(ONE), desk.history

    ids, history = run(story())

    assert len(ids) == 1
    assert [op.type for op in history.where(f="insert")] == ["invoke", "fail", "invoke", "ok"]


def test_a_writer_of_more_commits_in_place_of_the_store() -> None:
    async def story() -> tuple[int, list[ProcessEvent]]:
        desk, written = Desk(), []

        async def write(event: ProcessEvent) -> int:
            written.append(event)
            return 42

        return await desk.publisher.publish(ONE, BEAT, write=write), written

    sequence, (event,) = run(story())

    assert sequence == 42
    assert (event.process_id, event.intent, event.emitted_at, event.data) == (UUID(ONE), 1, BEGIN, BEAT)


def test_a_forgotten_process_counts_anew_but_never_repeats_an_id() -> None:
    async def story() -> tuple[list[str], History]:
        desk = Desk()
        await desk.open()
        for _ in range(2):
            await desk.publisher.publish(ONE, BEAT)
            desk.publisher.forget(ONE)
        return await desk.ids(ONE), desk.history

    ids, history = run(story())

    assert len(set(ids)) == 2
    assert [op.value.intent for op in history.where(f="emit")] == [1, 1]
