"""The state row and its event are one."""

from random import Random
from uuid import UUID

import pytest

from harness.errors import InsertFailed
from harness.events.event import content_hash
from harness.events.types import ProcessError, StateUpdated
from harness.history import Recorder
from harness.pipeline.publisher import RETRY_DELAYS_S, Publisher
from harness.pipeline.state_store import StateStore
from harness.pipeline.store import Content
from tests.contracts.memory_store import MemoryStore
from tests.instant import BEGIN, InstantClock, run

PROCESS = str(UUID(int=1))
CONTENT = Content(article_id=str(UUID(int=2)), process_id=PROCESS, title="t", content="c", sha256="s")
FACTS = {
    "current_step": "theme_generating",
    "status": "waiting",
    "is_waiting_for_input": True,
    "expected_user_input": "SELECT_THEME",
}


def opened() -> tuple[MemoryStore, StateStore, Recorder]:
    store, clock = MemoryStore(), InstantClock()
    recorder = Recorder(clock.now)
    return store, StateStore(store, Publisher(store, recorder, clock, Random(1)), clock), recorder


async def create(store: MemoryStore) -> None:
    await store.create_process(PROCESS, user_id=PROCESS, initial_request={}, at=BEGIN)


def test_a_save_tells_state_updated_with_the_same_facts() -> None:
    store, states, recorder = opened()

    async def story() -> None:
        await create(store)
        await states.save(
            PROCESS,
            StateUpdated.model_validate(FACTS),
            more={"retry_count": 2},
            context={"a": 1},
        )
        row = await store.state(PROCESS)
        (event,) = (await store.events_since(PROCESS, 0, limit=9)).events
        assert row is not None
        assert (event["event_type"], event["event_data"]) == ("state_updated", FACTS)
        assert {key: row[key] for key in FACTS} == FACTS
        assert (row["retry_count"], row["last_event_sequence"]) == (2, 1)
        assert row["article_context_sha256"] == content_hash({"a": 1})

    run(story())

    assert [(op.f, op.type) for op in recorder.ops()] == [
        ("emit", "ok"),
        ("debounce", "ok"),
        ("insert", "invoke"),
        ("insert", "ok"),
    ]


def test_a_last_event_takes_the_place_of_state_updated() -> None:
    store, states, _ = opened()
    last = ProcessError(error_type="unrecoverable", step="editing", message="over")

    async def story() -> list[str]:
        await create(store)
        facts = StateUpdated(current_step="editing", status="failed", is_waiting_for_input=False)
        await states.save(PROCESS, facts, last=last)
        row = await store.state(PROCESS)
        assert row is not None
        assert (row["status"], row["is_waiting_for_input"], row["last_event_sequence"]) == ("failed", False, 1)
        return [event["event_type"] for event in (await store.events_since(PROCESS, 0, limit=9)).events]

    assert run(story()) == ["process_error"]


def test_content_is_saved_again_until_it_is_there() -> None:
    store, states, _ = opened()
    store.faults += [InsertFailed("refused")] * len(RETRY_DELAYS_S)

    async def story() -> Content | None:
        await states.save_content(CONTENT)
        return await store.content(PROCESS)

    assert run(story()) == CONTENT


def test_content_that_cannot_be_saved_raises() -> None:
    store, states, _ = opened()
    store.faults += [InsertFailed("refused")] * (len(RETRY_DELAYS_S) + 1)

    with pytest.raises(InsertFailed, match="refused"):
        run(states.save_content(CONTENT))
