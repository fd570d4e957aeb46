"""Stamps, retries and what the history is told."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any
from uuid import UUID

import pytest

from harness.errors import InsertFailed, InsertInDoubt, UnknownEventType
from harness.events.event import ProcessEvent, content_hash, received, text_hash
from harness.events.types import (
    EventData,
    Heartbeat,
    ProcessError,
    SectionChunk,
    SectionCompleted,
    StateUpdated,
    StepCompleted,
)
from harness.history import History, Op, Recorder
from harness.history.accounting import Bin, account
from harness.history.op import Value
from harness.pipeline.policies import POLICIES
from harness.pipeline.publisher import RETRY_DELAYS_S, Publisher
from harness.pipeline.reducer import ProcessState, Section, reduce
from harness.pipeline.store import Row
from harness.pipeline.writing import section_chunks
from tests.contracts.memory_store import MemoryStore
from tests.instant import BEGIN, InstantClock, run

ONE, OTHER = (str(UUID(int=number)) for number in (1, 2))
BEAT = Heartbeat(timestamp=BEGIN)
STEP = StepCompleted(step="editing")


def chunk(text: str, *, number: int = 0, section: int = 0, attempt: int = 1) -> SectionChunk:
    """The chunk of that number in a text whose chunks are one character long."""
    return SectionChunk(
        section_index=section,
        section_heading="h",
        attempt=attempt,
        chunk_index=number,
        offset=number,
        html_chunk=text,
        total_chars_generated=number + 1,
        estimated_section_length=9,
        generation_progress=0,
    )


class Desk:
    def __init__(self, *, seed: int = 1, store: MemoryStore | None = None, policy: str = "lossless") -> None:
        self.store = store or MemoryStore()
        self.clock = InstantClock()
        self.recorder = Recorder(self.clock.now)
        self.publisher = Publisher(self.store, self.recorder, self.clock, Random(seed), policy=POLICIES[policy])

    async def open(self) -> None:
        for process_id in (ONE, OTHER):
            await self.store.create_process(process_id, user_id=ONE, initial_request={}, at=BEGIN)

    async def rows(self, process_id: str = ONE) -> Sequence[Row]:
        return (await self.store.events_since(process_id, 0, limit=99)).events

    async def ids(self, process_id: str) -> list[str]:
        return [row["id"] for row in await self.rows(process_id)]

    @property
    def history(self) -> History:
        return History(self.recorder.ops())


def test_one_event_leaves_its_hops_in_order() -> None:
    async def story() -> tuple[Desk, list[str]]:
        desk = Desk()
        await desk.open()
        await desk.publisher.publish(ONE, STEP)
        return desk, await desk.ids(ONE)

    desk, (event_id,) = run(story())

    keys = {"process_id": ONE, "event_id": event_id, "event_type": "step_completed"}
    content = content_hash(STEP.model_dump(mode="json"))
    assert [(op.actor, op.f, op.type, dict(op.value)) for op in desk.history] == [
        ("app", "emit", "ok", {**keys, "intent": 1, "delivery_class": "transition", "content": content}),
        ("app", "debounce", "ok", {**keys, "intent": 1, "outcome": "published", "into": event_id}),
        ("app", "insert", "invoke", {**keys, "attempt": 1}),
        ("app", "insert", "ok", {**keys, "attempt": 1, "sequence": 1}),
    ]


def test_a_chunk_tells_its_place() -> None:
    async def story() -> Desk:
        desk = Desk()
        await desk.open()
        await desk.publisher.publish(ONE, chunk("x", number=4, section=2, attempt=3))
        return desk

    (emit,) = run(story()).history.where(f="emit")

    assert (emit.value.section_index, emit.value.attempt, emit.value.chunk_index) == (2, 3, 4)
    assert emit.value.delivery_class == "append"


@pytest.mark.parametrize(
    ("data", "more"),
    [
        (ProcessError(error_type="input_timeout", step="editing", message="m"), {"error_type": "input_timeout"}),
        (StateUpdated(current_step="e", status="waiting", is_waiting_for_input=True), {"status": "waiting"}),
        (STEP, {}),
    ],
)
def test_some_types_tell_more_with_their_emit(data: EventData, more: dict[str, str]) -> None:
    async def story() -> History:
        desk = Desk()
        await desk.open()
        await desk.publisher.publish(ONE, data)
        return desk.history

    (emit,) = run(story()).where(f="emit")

    usual = {"process_id", "event_id", "event_type", "intent", "delivery_class", "content"}
    assert {key: value for key, value in emit.value.items() if key not in usual} == more


def test_calls_at_once_are_committed_in_their_order() -> None:
    async def story() -> tuple[list[str], History]:
        desk = Desk()
        await desk.open()
        desk.store.faults.append(InsertInDoubt("lost"))
        await asyncio.gather(*(desk.publisher.publish(ONE, STEP) for _ in range(5)))
        return await desk.ids(ONE), desk.history

    ids, history = run(story())

    assert len(ids) == 5
    assert ids == [op.value.event_id for op in history.where(f="insert", type="ok")]
    assert ids == [op.value.event_id for op in history.where(f="emit")]


def test_intents_and_ids_are_a_process_own() -> None:
    async def story(*, noise: bool) -> list[str]:
        desk = Desk()
        await desk.open()
        for _ in range(3):
            await desk.publisher.publish(ONE, STEP)
            if noise:
                await desk.publisher.publish(OTHER, STEP)
        assert [op.value.intent for op in desk.history.where(f="emit", process_id=ONE)] == [1, 2, 3]
        return await desk.ids(ONE)

    assert run(story(noise=True)) == run(story(noise=False))


def test_publishers_of_other_seeds_draw_other_ids() -> None:
    async def story() -> list[str]:
        store = MemoryStore()
        for seed in (1, 2):
            desk = Desk(seed=seed, store=store)
            await desk.open()
            await desk.publisher.publish(ONE, STEP)
        return await desk.ids(ONE)

    assert len(set(run(story()))) == 2


def test_all_attempts_in_vain_raise_the_last_error_and_are_told() -> None:
    async def story() -> tuple[History, float]:
        desk = Desk()
        await desk.open()
        desk.store.faults += [InsertFailed("refused")] * (len(RETRY_DELAYS_S) + 1)
        with pytest.raises(InsertFailed, match="refused"):
            await desk.publisher.publish(ONE, STEP)
        return desk.history, desk.clock.now()

    history, waited = run(story())

    assert [op.error for op in history.where(f="insert", type="fail")] == ["refused"] * (len(RETRY_DELAYS_S) + 1)
    assert waited == pytest.approx(sum(RETRY_DELAYS_S))


def test_what_was_published_and_given_up_is_measured_and_told_once_at_the_end() -> None:
    async def story() -> tuple[History, Sequence[Row]]:
        desk = Desk()
        await desk.open()
        desk.store.faults += [InsertFailed("refused")] * (len(RETRY_DELAYS_S) + 1)
        with pytest.raises(InsertFailed):
            await desk.publisher.publish(ONE, STEP)
        for _ in range(3):
            await desk.publisher.publish(ONE, STEP)
        await desk.publisher.close()
        await desk.publisher.close()
        return desk.history, await desk.rows()

    history, rows = run(story())

    sizes = [len(json.dumps(row["event_data"])) for row in rows]
    measured = {"published": 3, "failed": 1, "success_rate": 0.75, "average_bytes": sum(sizes) / 3}
    assert [op.value for op in history.where(f="metrics")] == [measured]


def test_an_event_whose_answer_was_lost_is_there_once() -> None:
    async def story() -> list[str]:
        desk = Desk()
        await desk.open()
        desk.store.faults.append(InsertInDoubt("lost"))
        await desk.publisher.publish(ONE, STEP)
        return await desk.ids(ONE)

    assert len(run(story())) == 1


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
        publishing = asyncio.ensure_future(desk.publisher.publish(ONE, STEP))
        await desk.clock.sleep(0.01)
        publishing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await publishing
        return await desk.ids(ONE), desk.history

    ids, history = run(story())

    assert len(ids) == 1
    assert [op.type for op in history.where(f="insert")] == ["invoke", "fail", "invoke", "ok"]


def test_a_writer_of_more_commits_in_place_of_the_store_and_at_once() -> None:
    async def story() -> tuple[list[ProcessEvent], History]:
        desk, written = Desk(), []

        async def write(event: ProcessEvent) -> int:
            written.append(event)
            return 42

        for _ in range(2):
            await desk.publisher.publish(ONE, BEAT, write=write)
        return written, desk.history

    written, history = run(story())

    assert [op.value.sequence for op in history.where(f="insert", type="ok")] == [42, 42]
    assert [(event.process_id, event.intent, event.emitted_at, event.data) for event in written] == [
        (UUID(ONE), 1, BEGIN, BEAT),
        (UUID(ONE), 2, BEGIN, BEAT),
    ]


def test_a_forgotten_process_counts_anew_but_never_repeats_an_id() -> None:
    async def story() -> tuple[list[str], History]:
        desk = Desk()
        await desk.open()
        for _ in range(2):
            await desk.publisher.publish(ONE, STEP)
            desk.publisher.forget(ONE)
        return await desk.ids(ONE), desk.history

    ids, history = run(story())

    assert len(set(ids)) == 2
    assert [op.value.intent for op in history.where(f="emit")] == [1, 1]


def test_what_is_held_back_does_not_keep_the_caller_and_comes_when_its_time_is_over() -> None:
    async def story() -> tuple[list[float], list[str], dict[str, int]]:
        desk, times = Desk(), []
        await desk.open()
        for number, letter in enumerate("abcd"):
            await desk.publisher.publish(ONE, chunk(letter, number=number))
            times.append(desk.clock.now())
            await desk.clock.sleep(0.04)
        held = dict(desk.publisher.held())
        await desk.clock.sleep(0.2)
        return times, [row["event_data"]["html_chunk"] for row in await desk.rows()], held

    times, texts, held = run(story())

    assert times == pytest.approx([0.0, 0.04, 0.08, 0.12])
    assert texts == ["a", "bcd"]
    assert held == {"keys": 1, "pending": 1, "timers": 1}


def test_the_history_says_into_which_event_each_went() -> None:
    async def story() -> History:
        desk = Desk()
        await desk.open()
        for number, letter in enumerate("abc"):
            await desk.publisher.publish(ONE, chunk(letter, number=number))
            await desk.clock.sleep(0.01)
            await desk.publisher.publish(ONE, BEAT)
            await desk.clock.sleep(0.01)
        await desk.publisher.flush(ONE)
        return desk.history

    history = run(story())

    intents = {op.value.event_id: op.value.intent for op in history.where(f="emit")}
    debounced = [(op.value.intent, op.value.outcome, intents[op.value.into]) for op in history.where(f="debounce")]
    assert debounced == [
        (1, "published", 1),
        (2, "published", 2),
        (3, "merged", 5),
        (5, "published", 5),
        (4, "replaced", 6),
        (6, "published", 6),
    ]
    assert [intents[op.value.event_id] for op in history.where(f="insert", type="ok")] == [1, 2, 5, 6]


def test_a_merged_chunk_has_the_whole_envelope_of_its_class() -> None:
    async def story() -> Row:
        desk = Desk()
        await desk.open()
        for number, letter in enumerate("abc"):
            await desk.publisher.publish(ONE, chunk(letter, number=number))
        await desk.publisher.flush(ONE)
        return (await desk.rows())[-1]

    row = run(story())

    assert (row["event_category"], row["event_priority"], row["event_source"]) == (
        "generation",
        4,
        "section_writer_agent",
    )
    assert {key: row["event_data"][key] for key in ("chunk_index", "chunks", "offset", "html_chunk")} == {
        "chunk_index": 1,
        "chunks": 2,
        "offset": 1,
        "html_chunk": "bc",
    }


def test_a_transition_is_committed_on_return_after_all_that_was_held_back() -> None:
    async def story() -> list[str]:
        desk = Desk()
        await desk.open()
        for number, letter in enumerate("abc"):
            await desk.publisher.publish(ONE, chunk(letter, number=number))
        await desk.publisher.publish(ONE, STEP)
        assert desk.publisher.held() == {"keys": 1, "pending": 0, "timers": 0}
        return [row["event_type"] for row in await desk.rows()]

    assert run(story()) == ["section_chunk", "section_chunk", "step_completed"]


def test_what_is_said_while_a_slow_write_is_under_way_becomes_one_event_after_it() -> None:
    class SlowStore(MemoryStore):
        def __init__(self) -> None:
            super().__init__()
            self.writing = 0
            self.most = 0

        async def insert_event(self, event: ProcessEvent) -> int:
            self.writing += 1
            self.most = max(self.most, self.writing)
            await InstantClock().sleep(1.0)
            self.writing -= 1
            return await super().insert_event(event)

    async def story() -> tuple[list[str], int, float]:
        store = SlowStore()
        desk = Desk(store=store)
        await desk.open()
        await desk.publisher.publish(ONE, chunk("a"))
        spoken = 0.0
        for number in range(1, 40):
            await desk.publisher.publish(ONE, chunk(str(number % 10), number=number))
            spoken = desk.clock.now()
            await desk.clock.sleep(0.05)
        await desk.clock.sleep(3.0)
        last = desk.history.where(f="insert", type="ok")[-1].time
        return [row["event_data"]["html_chunk"] for row in await desk.rows()], store.most, last - spoken

    texts, most, late = run(story())

    assert "".join(texts) == "a" + "".join(str(number % 10) for number in range(1, 40))
    assert most == 1
    assert len(texts) == 3
    assert late <= 0.2 + 2 * 1.0  # the write that was under way, and its own


def test_a_held_back_event_that_cannot_be_written_is_told_and_raised_by_the_next_call() -> None:
    async def story() -> History:
        desk = Desk()
        await desk.open()
        for number, letter in enumerate("ab"):
            await desk.publisher.publish(ONE, chunk(letter, number=number))
        desk.store.faults += [InsertFailed("refused")] * (len(RETRY_DELAYS_S) + 1)
        await desk.publisher.flush(ONE)
        with pytest.raises(InsertFailed, match="refused"):
            await desk.publisher.publish(ONE, STEP)
        await desk.publisher.publish(ONE, STEP)
        return desk.history

    history = run(story())

    assert len(history.where(f="insert", type="fail")) == len(RETRY_DELAYS_S) + 1
    assert [op.value.event_type for op in history.where(f="emit")] == ["section_chunk"] * 2 + ["step_completed"]


def test_a_held_back_event_is_tried_again_and_is_there_once() -> None:
    async def story() -> list[str]:
        desk = Desk()
        await desk.open()
        for number, letter in enumerate("ab"):
            await desk.publisher.publish(ONE, chunk(letter, number=number))
        desk.store.faults += [InsertInDoubt("lost"), InsertFailed("refused")]
        await desk.clock.sleep(2.0)
        return [row["event_data"]["html_chunk"] for row in await desk.rows()]

    assert run(story()) == ["a", "b"]


def test_with_off_every_event_is_committed_on_return() -> None:
    async def story() -> int:
        desk = Desk(policy="off")
        await desk.open()
        for number, letter in enumerate("abc"):
            await desk.publisher.publish(ONE, chunk(letter, number=number))
        return len(await desk.rows())

    assert run(story()) == 3


@pytest.mark.parametrize(("grace", "texts"), [(True, ["a", "bc"]), (False, ["a"])])
def test_what_is_held_back_at_the_end_is_written_with_grace_only(grace: bool, texts: list[str]) -> None:
    async def story() -> tuple[list[str], Desk]:
        desk = Desk()
        await desk.open()
        for number, letter in enumerate("abc"):
            await desk.publisher.publish(ONE, chunk(letter, number=number))
            await desk.clock.sleep(0.01)
        await desk.publisher.close(grace=grace)
        with pytest.raises(InsertFailed, match="closed"):
            await desk.publisher.publish(ONE, STEP)
        return [row["event_data"]["html_chunk"] for row in await desk.rows()], desk

    written, desk = run(story())

    assert written == texts
    assert len(desk.history.where(f="debounce")) == len("".join(texts))


def test_without_grace_what_is_being_written_is_abandoned_and_not_told() -> None:
    class StuckStore(MemoryStore):
        async def insert_event(self, event: ProcessEvent) -> int:
            await InstantClock().sleep(1000.0)
            return 1

    async def story() -> tuple[History, float, bool]:
        desk = Desk(store=StuckStore())
        await desk.open()
        publishing = asyncio.ensure_future(desk.publisher.publish(ONE, STEP))
        await desk.clock.sleep(0.1)
        await desk.publisher.close(grace=False)
        await asyncio.wait([publishing])
        return desk.history, desk.clock.now(), publishing.cancelled()

    history, now, cancelled = run(story())

    assert [op.type for op in history.where(f="insert")] == ["invoke"]
    assert cancelled
    assert now == pytest.approx(0.1)


def test_a_process_that_is_forgotten_is_written_to_its_end() -> None:
    async def story() -> tuple[list[str], dict[str, int], dict[str, int]]:
        desk = Desk()
        await desk.open()
        for number, letter in enumerate("abc"):
            await desk.publisher.publish(ONE, chunk(letter, number=number))
            await desk.clock.sleep(0.01)
        desk.publisher.forget(ONE)
        before = dict(desk.publisher.held())
        await desk.clock.sleep(0.3)
        return [row["event_data"]["html_chunk"] for row in await desk.rows()], before, dict(desk.publisher.held())

    texts, before, after = run(story())

    assert texts == ["a", "bc"]
    assert before == {"keys": 1, "pending": 1, "timers": 1}
    assert after == {"keys": 0, "pending": 0, "timers": 0}


def test_a_thousand_processes_leave_nothing() -> None:
    async def story() -> dict[str, int]:
        desk = Desk()
        for number in range(1000):
            process_id = str(UUID(int=number))
            await desk.store.create_process(process_id, user_id=ONE, initial_request={}, at=BEGIN)
            await desk.publisher.publish(process_id, BEAT)
            await desk.publisher.publish(process_id, BEAT)
            desk.publisher.forget(process_id)
        await desk.clock.sleep(1.0)
        return dict(desk.publisher.held())

    assert run(story()) == {"keys": 0, "pending": 0, "timers": 0}


def test_many_at_once_are_one_write_after_what_was_held_back() -> None:
    async def story() -> tuple[list[str], History]:
        desk = Desk()
        await desk.open()
        for number, letter in enumerate("ab"):
            await desk.publisher.publish(ONE, chunk(letter, number=number))
        await desk.publisher.publish_at_once(ONE, [BEAT] * 3)
        return [row["event_type"] for row in await desk.rows()], desk.history

    types, history = run(story())

    assert types == ["section_chunk"] * 2 + ["heartbeat"] * 3
    assert [(op.type, op.value.get("sequence")) for op in history.where(f="insert", event_type="heartbeat")] == [
        ("invoke", None),
        ("invoke", None),
        ("invoke", None),
        ("ok", 3),
        ("ok", 4),
        ("ok", 5),
    ]


def test_many_at_once_are_tried_again_together_with_the_same_ids() -> None:
    async def story() -> tuple[list[str], History]:
        desk = Desk()
        await desk.open()
        desk.store.faults.append(InsertInDoubt("lost"))
        await desk.publisher.publish_at_once(ONE, [BEAT] * 2)
        return await desk.ids(ONE), desk.history

    ids, history = run(story())

    assert ids == [op.value.event_id for op in history.where(f="emit")]
    assert [op.type for op in history.where(f="insert")] == ["invoke"] * 2 + ["info"] * 2 + ["invoke"] * 2 + ["ok"] * 2


def test_an_event_that_may_be_held_back_never_keeps_its_caller() -> None:
    async def story() -> tuple[float, list[str], list[str]]:
        desk = Desk()
        await desk.open()
        desk.store.faults += [InsertFailed("refused")] * 3
        await desk.publisher.publish(ONE, BEAT)
        said, before = desk.clock.now(), await desk.ids(ONE)
        await desk.publisher.flush(ONE)
        return said, before, await desk.ids(ONE)

    said, before, after = run(story())

    assert (said, before, len(after)) == (0.0, [], 1)


def test_waiting_for_a_process_makes_nothing_go_out_sooner() -> None:
    async def story() -> tuple[float, int]:
        desk = Desk()
        await desk.open()
        for number, letter in enumerate("ab"):
            await desk.publisher.publish(ONE, chunk(letter, number=number))
        await desk.publisher.flush(ONE)
        await desk.publisher.flush(OTHER)
        return desk.clock.now(), len(await desk.rows())

    now, rows = run(story())

    assert rows == 2
    assert now == pytest.approx(0.2)


def test_a_quick_text_is_few_events_and_every_reader_has_it_whole() -> None:
    text = "札幌の冬と暮らす家づくり。" * 40

    async def story() -> tuple[Sequence[Row], History]:
        desk = Desk()
        await desk.open()
        for piece in section_chunks(text, 200, index=0, heading="h"):
            await desk.publisher.publish(ONE, piece)
            await desk.clock.sleep(0.007)
        done = SectionCompleted(section_index=0, section_heading="h", content=text, content_sha256=text_hash(text))
        await desk.publisher.publish(ONE, done)
        return await desk.rows(), desk.history

    rows, history = run(story())

    state = ProcessState()
    for row in rows:
        state = reduce(state, received(row))
    shown = account(History([*history, *_read(rows, len(history))]))
    assert len(rows) == 1 + 7 + 1
    assert sum(row["event_data"].get("chunks", 0) for row in rows) == 200
    assert state.sections == {0: Section(heading="h", text=text, complete=True)}
    assert {bin_: count for bin_, count in shown.by_bin().items() if count} == {Bin.COALESCED: 192, Bin.DELIVERED: 9}


def _read(rows: Sequence[Row], index: int) -> Iterator[Op]:
    """The ops of a reader that has applied these rows."""
    told: list[tuple[str, dict[str, Any]]] = [
        ("subscribe", {"process_id": ONE, "user": "alice", "user_id": ONE, "role": "authenticated", "client": "native"})
    ]
    for row in rows:
        keys = {"process_id": ONE, "event_id": row["id"], "event_type": row["event_type"]}
        sequence = row["event_sequence"]
        content = content_hash(row["event_data"])
        told.append(("apply", {**keys, "sequence": sequence, "cursor": sequence, "via": "live", "content": content}))
    for place, (f, value) in enumerate(told, start=index):
        yield Op(index=place, time=9.0, actor="reader", f=f, type="ok", value=Value(value))
