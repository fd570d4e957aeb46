"""Whole generations in an instant: every branch of the flow, against tables in memory."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from typing import Any
from uuid import UUID

import pytest

from harness.errors import InsertFailed, InsertInDoubt
from harness.events.event import content_hash, received, text_hash
from harness.events.types import EVENT_TYPES, EventData, Heartbeat, StepUpdate
from harness.events.workflow import STEPS, Phase, advance
from harness.history import History, Recorder
from harness.pipeline.flow import Flow
from harness.pipeline.flow_options import FlowOptions
from harness.pipeline.inbox import Reception
from harness.pipeline.publisher import Publisher
from harness.pipeline.requests import InputPayload, UserInput, checked
from harness.pipeline.state_store import StateStore
from tests.contracts.memory_store import MemoryStore
from tests.instant import BEGIN, InstantClock, run

PROCESS = "11111111-2222-4333-8444-555555555555"
OWNER = "99999999-2222-4333-8444-555555555555"
QUESTIONS = ("SELECT_PERSONA", "SELECT_THEME", "APPROVE_PLAN", "APPROVE_OUTLINE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A running generation and what a user can do to it."""

    flow: Flow
    task: asyncio.Task[None]
    store: MemoryStore
    recorder: Recorder
    clock: InstantClock

    async def rows(self) -> list[dict[str, Any]]:
        page = await self.store.events_since(PROCESS, 0, limit=10_000)
        return [dict(row) for row in page.events]

    async def until(self, event_type: str, count: int = 1) -> dict[str, Any]:
        """The event data of the `count`th event of that type, as soon as it and its state row are there."""
        while True:
            found = [row for row in await self.rows() if row["event_type"] == event_type]
            if len(found) >= count:
                await self.clock.sleep(0.001)
                data: dict[str, Any] = found[count - 1]["event_data"]
                return data
            assert not self.task.done(), f"over before {count} {event_type}: {await self.types()}"
            self.store.written.clear()
            await self.store.written.wait()

    async def types(self) -> list[str]:
        return [row["event_type"] for row in await self.rows()]

    async def asked(self, number: int) -> dict[str, Any]:
        return await self.until("user_input_required", number)

    def answer(self, question: dict[str, Any], **payload: Any) -> Reception:
        if question["input_type"].startswith("SELECT") and not payload:
            payload = {"selected_index": 1}
        given = UserInput(
            response_type=question["input_type"],
            payload=checked(InputPayload, payload),
            input_id=UUID(question["input_id"]),
        )
        return self.flow.process.inbox.answer(given)

    async def answer_all(self, *, begin: int = 1, count: int = 4) -> None:
        for number in range(begin, begin + count):
            question = await self.asked(number)
            assert self.answer(question) is Reception.ACCEPTED

    async def state(self) -> dict[str, Any]:
        row = await self.store.state(PROCESS)
        assert row is not None
        return dict(row)


Story = Callable[[Stage], Awaitable[Any]]


async def finish(stage: Stage) -> None:
    await stage.answer_all()
    await stage.task


def played(story: Story, *, seed: int = 7, pace: float = 1.0, **options: Any) -> tuple[list[dict[str, Any]], History]:
    """The rows and the history that the story leaves; checks what must hold of every generation."""
    rows, history, _ = played_with_state(story, seed=seed, pace=pace, **options)
    return rows, history


def played_with_state(
    story: Story, *, seed: int = 7, pace: float = 1.0, **options: Any
) -> tuple[list[dict[str, Any]], History, dict[str, Any]]:
    async def play() -> tuple[list[dict[str, Any]], History, dict[str, Any]]:
        stage = await opened(seed=seed, pace=pace, **options)
        try:
            await story(stage)
        finally:
            stage.task.cancel()
            await asyncio.gather(stage.task, return_exceptions=True)
        return await stage.rows(), History(stage.recorder.ops()), await stage.state()

    rows, history, state = run(play())
    assert_sound(rows, history, state)
    return rows, history, state


async def opened(*, seed: int, pace: float, **options: Any) -> Stage:
    clock, store = InstantClock(), MemoryStore()
    recorder = Recorder(clock.now)
    publisher = Publisher(store, recorder, clock, Random(seed))
    await store.create_process(PROCESS, user_id=OWNER, initial_request={}, at=BEGIN)
    flow = Flow(
        PROCESS,
        initial_request={"keywords": ["札幌", "注文住宅", "自然素材"]},
        options=checked(FlowOptions, options),
        publisher=publisher,
        states=StateStore(store, publisher, clock),
        clock=clock,
        rng=Random(seed),
        ids=Random(f"ids {seed}"),
        recorder=recorder,
        pace=pace,
    )
    return Stage(flow=flow, task=asyncio.create_task(flow.run()), store=store, recorder=recorder, clock=clock)


def assert_sound(rows: list[dict[str, Any]], history: History, state: dict[str, Any]) -> None:
    """The automaton is kept, numbers and intents agree, and the state row says what its event says."""
    phase = Phase.NEW
    for row in rows:
        phase = advance(phase, received(row).data)
    assert [row["event_sequence"] for row in rows] == list(range(1, len(rows) + 1))
    emitted = history.where(f="emit")
    assert [op.value.event_id for op in emitted] == [row["id"] for row in rows]
    assert [op.value.intent for op in emitted] == [row["event_sequence"] for row in rows]
    assert [op.value.content for op in emitted] == [content_hash(row["event_data"]) for row in rows]
    as_of = rows[state["last_event_sequence"] - 1]
    if as_of["event_type"] == "state_updated":
        assert as_of["event_data"] == {key: state[key] for key in as_of["event_data"]}
    # Only heartbeats may have come since the row was written: at rest the row is true.
    assert {row["event_type"] for row in rows[state["last_event_sequence"] :]} <= {"heartbeat"}
    assert state["status"] == phase


def of_type(rows: list[dict[str, Any]], event_type: str) -> list[dict[str, Any]]:
    return [row["event_data"] for row in rows if row["event_type"] == event_type]


def without_upkeep(rows: list[dict[str, Any]]) -> list[str]:
    return [row["event_type"] for row in rows if row["event_type"] not in ("heartbeat", "state_updated")]


def test_a_generation_goes_through_all_steps_to_the_article() -> None:
    rows, history = played(finish)

    assert [data["step"] for data in of_type(rows, "step_update")] == list(STEPS)
    assert [data["step"] for data in of_type(rows, "step_completed")] == list(STEPS)
    assert tuple(data["input_type"] for data in of_type(rows, "user_input_required")) == QUESTIONS
    assert rows[0]["event_type"] == "process_created"
    assert rows[-1]["event_type"] == "process_completed"
    counts = Counter(without_upkeep(rows))
    assert (counts["section_chunk"], counts["section_completed"]) == (24, 3)
    assert (counts["image_placeholder_generated"], counts["image_generated"], counts["research_progress"]) == (2, 2, 3)
    assert not history.where(f="crash")


def test_one_generation_with_a_pause_and_an_error_says_every_type() -> None:
    async def story(stage: Stage) -> None:
        await stage.answer_all()
        await stage.until("section_chunk", 3)
        stage.flow.process.inbox.pause()
        await stage.until("process_paused")
        await stage.clock.sleep(40)
        stage.flow.process.inbox.resume()
        await stage.task

    rows, _ = played(story, failures=[{"step": "researching"}])

    assert {row["event_type"] for row in rows} == set(EVENT_TYPES)


def test_the_chunks_of_a_section_are_its_source_and_the_sections_are_the_article() -> None:
    contents = []

    async def story(stage: Stage) -> None:
        await finish(stage)
        contents.append(await stage.store.content(PROCESS))

    rows, history = played(story, sections=2, chunks=5)

    texts = ["", ""]
    for data in of_type(rows, "section_chunk"):
        assert data["offset"] == len(texts[data["section_index"]])
        texts[data["section_index"]] += data["html_chunk"]
    assert [text_hash(text) for text in texts] == [op.value.sha256 for op in history.where(f="source")]
    assert [data["content"] for data in of_type(rows, "section_completed")] == texts
    (completed,) = of_type(rows, "process_completed")
    (content,) = contents
    assert content is not None
    assert content.content == "".join(texts)
    assert (content.article_id, content.sha256, content.title) == (
        completed["article_id"],
        completed["content_sha256"],
        completed["title"],
    )


def test_the_source_is_told_before_its_first_chunk() -> None:
    _, history = played(finish, sections=1, chunks=2)

    told = [op.f for op in history if op.f == "source" or op.value.get("event_type") == "section_chunk"]

    assert told[0] == "source"
    assert told.count("source") == 1


def test_chunks_carry_their_place_in_the_history() -> None:
    _, history = played(finish, sections=2, chunks=2)

    places = [
        (op.value.section_index, op.value.attempt, op.value.chunk_index)
        for op in history.where(f="emit", event_type="section_chunk")
    ]

    assert places == [(0, 1, 0), (0, 1, 1), (1, 1, 0), (1, 1, 1)]


def test_the_state_row_follows_to_the_end() -> None:
    rows, _, state = played_with_state(finish)

    assert (state["status"], state["current_step"], state["is_waiting_for_input"]) == ("completed", "completed", False)
    assert state["last_event_sequence"] == len(rows)
    assert state["title"] == of_type(rows, "process_completed")[0]["title"]
    assert set(state["step_durations"]) == set(STEPS)
    assert [entry["input_type"] for entry in state["interaction_history"]] == list(QUESTIONS)


def test_the_same_seed_says_the_same_and_another_seed_does_not() -> None:
    def told(seed: int) -> list[tuple[str, str]]:
        rows, _ = played(finish, seed=seed)
        return [(row["id"], content_hash(row["event_data"])) for row in rows]

    first = told(1)

    assert first == told(1)
    assert first != told(2)


def test_the_chosen_option_is_what_is_received() -> None:
    rows, _ = played(finish)

    for asked, got in zip(of_type(rows, "user_input_required"), of_type(rows, "user_input_received"), strict=True):
        chosen = asked["options"][-1 if len(asked["options"]) == 1 else 1]
        assert got["input_id"] == asked["input_id"]
        assert got["selected"] == chosen
    assert [data["action"] for data in of_type(rows, "user_input_received")] == [
        "select",
        "select",
        "approve",
        "approve",
    ]


def test_regenerate_asks_again_with_other_options_under_another_id() -> None:
    async def story(stage: Stage) -> None:
        question = await stage.asked(1)
        stage.answer(question, action="regenerate")
        await stage.answer_all(begin=2)
        await stage.task

    rows, _ = played(story)

    first, second = of_type(rows, "user_input_required")[:2]
    assert first["input_type"] == second["input_type"] == "SELECT_PERSONA"
    assert first["input_id"] != second["input_id"]
    assert first["options"] != second["options"]
    got = of_type(rows, "user_input_received")[0]
    assert (got["action"], got["selected"]) == ("regenerate", {})


def test_a_regenerated_plan_is_the_one_that_is_researched() -> None:
    async def story(stage: Stage) -> None:
        await stage.answer_all(count=2)
        stage.answer(await stage.asked(3), action="regenerate")
        await stage.answer_all(begin=4, count=2)
        await stage.task

    rows, _ = played(story)

    plan = of_type(rows, "user_input_required")[3]["options"][0]["description"]
    assert [data["query"] for data in of_type(rows, "research_progress")] == plan.split("、")


def test_an_edited_choice_is_what_the_work_goes_on_with() -> None:
    async def story(stage: Stage) -> None:
        await stage.answer_all(count=1)
        stage.answer(await stage.asked(2), action="edit", selected_index=2, title="自分の題")
        await stage.answer_all(begin=3, count=2)
        await stage.task

    rows, _ = played(story)

    options = of_type(rows, "user_input_required")[1]["options"]
    got = of_type(rows, "user_input_received")[1]
    assert (got["action"], got["selected"]) == ("edit", {**options[2], "title": "自分の題"})
    assert of_type(rows, "process_completed")[0]["title"] == "自分の題"


def test_skip_goes_on_with_the_first_option() -> None:
    async def story(stage: Stage) -> None:
        stage.answer(await stage.asked(1), action="skip")
        await stage.answer_all(begin=2, count=3)
        await stage.task

    rows, _ = played(story)

    got = of_type(rows, "user_input_received")[0]
    assert (got["action"], got["selected"]) == ("skip", of_type(rows, "user_input_required")[0]["options"][0])


def test_while_it_waits_the_row_says_what_is_asked() -> None:
    async def story(stage: Stage) -> None:
        await stage.asked(1)

    rows, _, state = played_with_state(story)

    asked = of_type(rows, "user_input_required")[0]
    assert (state["status"], state["is_waiting_for_input"], state["expected_user_input"]) == (
        "waiting",
        True,
        "SELECT_PERSONA",
    )
    assert state["user_input_timeout"].replace("+00:00", "Z") == asked["timeout"]


def test_the_reminder_is_sent_at_half_time() -> None:
    async def story(stage: Stage) -> None:
        await stage.asked(1)
        await stage.clock.sleep(899)
        assert not (await stage.state())["input_reminder_sent"]
        await stage.clock.sleep(2)
        assert (await stage.state())["input_reminder_sent"]
        await stage.answer_all()
        await stage.task

    rows, _ = played(story)

    assert rows[-1]["event_type"] == "process_completed"


@pytest.mark.parametrize("comes_back", ["resume", "answer"])
def test_an_expired_question_is_asked_again_when_the_user_comes_back(comes_back: str) -> None:
    async def story(stage: Stage) -> None:
        question = await stage.asked(1)
        await stage.until("process_error")
        state = await stage.state()
        assert (state["status"], state["is_waiting_for_input"]) == ("recovering", False)
        assert stage.flow.process.at_rest
        await stage.clock.sleep(5000)
        inbox = stage.flow.process.inbox
        reception = inbox.resume() if comes_back == "resume" else stage.answer(question)
        assert reception is (Reception.ACCEPTED if comes_back == "resume" else Reception.ASKED_AGAIN)
        await stage.answer_all(begin=2)
        await stage.task

    rows, _ = played(story, input_timeout_s=60.0)

    (error,) = of_type(rows, "process_error")
    assert (error["error_type"], error["step"]) == ("input_timeout", "persona_generating")
    first, second = of_type(rows, "user_input_required")[:2]
    assert first["options"] == second["options"]
    assert first["input_id"] != second["input_id"]
    assert rows[-1]["event_type"] == "process_completed"


def test_an_expired_process_can_be_paused_and_asks_again_when_resumed() -> None:
    async def story(stage: Stage) -> None:
        question = await stage.asked(1)
        await stage.until("process_error")
        assert stage.flow.process.inbox.pause() is Reception.ACCEPTED
        await stage.until("process_paused")
        assert stage.answer(question) is Reception.NOT_ASKED
        assert stage.flow.process.inbox.resume() is Reception.ACCEPTED
        await stage.answer_all(begin=2)
        await stage.task

    rows, _ = played(story, input_timeout_s=60.0)

    told = [kind for kind in without_upkeep(rows) if kind.startswith(("process_", "user_input_required"))]
    assert told[1:6] == [
        "user_input_required",
        "process_error",
        "process_paused",
        "process_resumed",
        "user_input_required",
    ]


def test_a_pause_while_waiting_asks_again_after_it() -> None:
    async def story(stage: Stage) -> None:
        question = await stage.asked(2)
        stage.flow.process.inbox.pause()
        await stage.until("process_paused")
        assert stage.answer(question) is Reception.NOT_ASKED
        state = await stage.state()
        assert (state["status"], state["is_waiting_for_input"]) == ("paused", False)
        await stage.clock.sleep(9000)
        stage.flow.process.inbox.resume()
        await stage.answer_all(begin=3, count=3)
        await stage.task

    async def whole(stage: Stage) -> None:
        await stage.answer_all(count=1)
        await story(stage)

    rows, _ = played(whole)

    (paused,), (resumed,) = of_type(rows, "process_paused"), of_type(rows, "process_resumed")
    assert paused["paused_at_step"] == resumed["resumed_from_step"] == "theme_generating"
    first, second = of_type(rows, "user_input_required")[1:3]
    assert first["options"] == second["options"]
    assert first["input_id"] != second["input_id"]


def test_no_work_is_told_during_a_pause_and_the_section_goes_on_where_it_stood() -> None:
    async def story(stage: Stage) -> None:
        await stage.answer_all()
        await stage.until("section_chunk", 5)
        stage.flow.process.inbox.pause()
        await stage.until("process_paused")
        rests = [stage.flow.process.at_rest]
        await stage.clock.sleep(1000)
        stage.flow.process.inbox.resume()
        rests.append(stage.flow.process.at_rest)
        await stage.task
        assert rests == [True, False]

    rows, _ = played(story, sections=1)

    kinds = [row["event_type"] for row in rows]
    pause = kinds[kinds.index("process_paused") + 1 : kinds.index("process_resumed")]
    assert set(pause) == {"state_updated", "heartbeat"}
    chunks = of_type(rows, "section_chunk")
    assert [data["chunk_index"] for data in chunks] == list(range(8))
    assert of_type(rows, "process_resumed")[0]["resumed_from_step"] == "writing_sections"


def test_pauses_may_follow_each_other_faster_than_the_flow_takes_them_up() -> None:
    async def story(stage: Stage) -> None:
        await stage.until("step_update")
        inbox = stage.flow.process.inbox
        received = [inbox.pause(), inbox.pause(), inbox.resume(), inbox.resume(), inbox.pause()]
        assert received == [
            Reception.ACCEPTED,
            Reception.REPEATED,
            Reception.ACCEPTED,
            Reception.NOT_PAUSED,
            Reception.ACCEPTED,
        ]
        await stage.until("process_paused", 2)
        assert inbox.resume() is Reception.ACCEPTED
        await finish(stage)

    rows, _ = played(story)

    pauses = [kind for kind in without_upkeep(rows) if kind in ("process_paused", "process_resumed")]
    assert pauses == ["process_paused", "process_resumed"] * 2


def test_a_step_is_tried_again_after_recoverable_errors_with_growing_delays() -> None:
    rows, history = played(finish, failures=[{"step": "researching", "times": 3}])

    errors = of_type(rows, "process_error")
    assert [(data["error_type"], data["retry_count"], data["step"]) for data in errors] == [
        ("recoverable", number, "researching") for number in (1, 2, 3)
    ]
    begun = [
        op.time
        for op, data in zip(
            history.where(f="emit", event_type="step_update"), of_type(rows, "step_update"), strict=True
        )
        if data["step"] == "researching"
    ]
    assert [round(after - before, 3) for before, after in pairwise(begun)] == [1.0, 2.0, 4.0]
    assert rows[-1]["event_type"] == "process_completed"


def test_while_it_recovers_the_row_says_so() -> None:
    async def story(stage: Stage) -> None:
        await stage.until("process_error")
        state = await stage.state()
        assert (state["status"], state["retry_count"]) == ("recovering", 1)
        assert state["error_message"].startswith("keyword_analyzing")
        await finish(stage)

    _, _, state = played_with_state(story, failures=[{"step": "keyword_analyzing"}])

    assert (state["retry_count"], state["error_message"]) == (0, None)


def test_a_section_that_fails_is_begun_anew_under_its_next_attempt() -> None:
    rows, history = played(finish, sections=2, chunks=4, failures=[{"step": "writing_sections", "at_chunk": 2}])

    places = [(data["section_index"], data["attempt"], data["chunk_index"]) for data in of_type(rows, "section_chunk")]
    again = [(0, 2, number) for number in range(4)]
    assert places == [(0, 1, 0), (0, 1, 1), *again, *((1, 1, number) for number in range(4))]
    sources = [(op.value.section_index, op.value.attempt) for op in history.where(f="source")]
    assert sources == [(0, 1), (0, 2), (1, 1)]
    text = "".join(data["html_chunk"] for data in of_type(rows, "section_chunk") if data["attempt"] == 2)
    assert text_hash(text) == history.where(f="source", section_index=0, attempt=2)[0].value.sha256
    assert of_type(rows, "section_completed")[0]["attempt"] == 2


def test_exhausted_retries_end_the_process() -> None:
    rows, history, state = played_with_state(
        lambda stage: stage.task, failures=[{"step": "keyword_analyzing", "times": 9}], max_retries=2
    )

    errors = [(data["error_type"], data["retry_count"]) for data in of_type(rows, "process_error")]
    assert errors == [("recoverable", 1), ("recoverable", 2), ("unrecoverable", 2)]
    assert rows[-1]["event_type"] == "process_error"
    assert (state["status"], state["current_step"], state["last_event_sequence"]) == (
        "failed",
        "keyword_analyzing",
        len(rows),
    )
    assert not history.where(f="crash")


def test_a_fatal_step_ends_the_process_at_once() -> None:
    async def story(stage: Stage) -> None:
        await stage.answer_all(count=3)
        await stage.task

    rows, _, state = played_with_state(story, fatal_step="research_synthesizing")

    (error,) = of_type(rows, "process_error")
    assert (error["error_type"], error["step"], error["retry_count"]) == ("unrecoverable", "research_synthesizing", 0)
    assert state["status"] == "failed"


def test_a_pause_during_the_delay_before_a_retry_is_kept() -> None:
    async def story(stage: Stage) -> None:
        await stage.until("process_error")
        stage.flow.process.inbox.pause()
        await stage.until("process_paused")
        stage.flow.process.inbox.resume()
        await finish(stage)

    rows, _ = played(story, failures=[{"step": "keyword_analyzing"}])

    assert without_upkeep(rows)[1:6] == [
        "step_update",
        "process_error",
        "process_paused",
        "process_resumed",
        "step_update",
    ]


def test_heartbeats_come_at_their_times_whatever_the_process_does() -> None:
    async def story(stage: Stage) -> None:
        await stage.asked(1)
        await stage.clock.sleep(100)
        stage.flow.process.inbox.pause()
        await stage.clock.sleep(100)
        stage.flow.process.inbox.resume()
        await finish_from(stage, 2)

    async def finish_from(stage: Stage, number: int) -> None:
        await stage.answer_all(begin=number)
        await stage.task

    _, history = played(story)

    beats = [round(op.time, 3) for op in history.where(f="emit", event_type="heartbeat")]
    assert beats == [30.0 * number for number in range(1, len(beats) + 1)]
    assert len(beats) == int(history[-1].time // 30)


def test_pace_divides_all_waiting() -> None:
    def spans(pace: float) -> list[float]:
        _, history = played(lambda stage: stage.until("process_error"), pace=pace)
        return [op.time for op in history.where(f="emit", event_type="process_error")]

    (slow,), (fast,) = spans(1.0), spans(100.0)

    assert slow > 1800
    assert fast == pytest.approx(slow / 100)


def test_an_answer_is_accepted_once() -> None:
    async def story(stage: Stage) -> None:
        question = await stage.asked(1)
        assert [stage.answer(question), stage.answer(question)] == [Reception.ACCEPTED, Reception.REPEATED]
        await stage.asked(2)
        assert stage.answer(question) is Reception.REPEATED
        await stage.answer_all(begin=2, count=3)
        await stage.task

    rows, _ = played(story)

    assert Counter(data["input_id"] for data in of_type(rows, "user_input_received")).most_common(1)[0][1] == 1


def test_an_insert_in_doubt_is_tried_again_and_doubles_nothing() -> None:
    async def story(stage: Stage) -> None:
        stage.store.faults += [InsertInDoubt("the answer never came"), InsertFailed("refused")]
        await finish(stage)

    rows, history = played(story)

    first = history.where(f="insert", event_id=rows[0]["id"])
    assert [(op.type, op.value.attempt) for op in first] == [
        ("invoke", 1),
        ("info", 1),
        ("invoke", 2),
        ("fail", 2),
        ("invoke", 3),
        ("ok", 3),
    ]
    assert first[-1].value.sequence == 1


def test_a_database_that_stays_away_is_a_crash_that_is_recorded() -> None:
    async def play() -> History:
        stage = await opened(seed=1, pace=1.0)
        await stage.asked(1)
        stage.store.faults += [InsertFailed("refused")] * 50
        await stage.task
        return History(stage.recorder.ops())

    history = run(play())

    crashes = history.where(f="crash", type="info")
    assert [op.error for op in crashes] == ["InsertFailed: refused"] * 2
    assert {op.value.process_id for op in crashes} == {PROCESS}
    assert history.where(f="insert", type="fail", attempt=7)


def test_what_the_automaton_forbids_is_a_crash_and_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(stage: Stage) -> None:
        await stage.asked(1)
        tell = stage.flow.process.tell

        async def wrong(data: EventData) -> None:
            if isinstance(data, Heartbeat):
                progress = {"completed_steps": 0, "total_steps": 1, "percentage": 0}
                data = StepUpdate.model_validate({"step": "editing", "message": "", "progress": progress})
            await tell(data)

        monkeypatch.setattr(stage.flow.process, "tell", wrong)
        await stage.task

    rows, history = played(story)

    (crash,) = history.where(f="crash")
    assert crash.error == "IllegalTransition: step_update is not allowed while the process is waiting"
    assert of_type(rows, "process_error")[0]["error_type"] == "unrecoverable"


def test_a_flow_that_is_stopped_finishes_the_event_it_is_publishing() -> None:
    async def play() -> History:
        stage = await opened(seed=1, pace=1.0)
        stage.store.faults.append(InsertInDoubt("the answer never came"))
        await stage.clock.sleep(0.05)
        stage.task.cancel()
        await asyncio.gather(stage.task, return_exceptions=True)
        assert stage.task.cancelled()
        return History(stage.recorder.ops())

    history = run(play())

    assert [op.type for op in history.where(f="insert")] == ["invoke", "info", "invoke", "ok"]
    assert not history.where(f="crash")
