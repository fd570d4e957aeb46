"""Stories on a backend of which everything is scripted, in a loop in which waiting costs nothing."""

import asyncio
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from random import Random
from typing import Any, get_args, get_type_hints

import pytest

from harness import generators as gen
from harness.backends.environment import Environment
from harness.cast import Tally
from harness.clients.client import Binding, ClientEvent, Opened
from harness.errors import FetchFailed, StoryError, StoryFault
from harness.faults import LaptopSleeps, TabHidden
from harness.faults.fault import Machine
from harness.generators import Step
from harness.generators.step import Settle, Together
from harness.history import History, Recorder
from harness.interpreter import PERFORMERS, Interpreter, words
from harness.performing.stage import Stage as Performing
from harness.pipeline.app_api import EventPage
from harness.pipeline.reference import Reference
from harness.tokens import DEVELOPMENT_SECRET
from tests.instant import InstantClock, run
from tests.unit.faults.recording_world import RecordingWorld

PROCESS = "00000000-0000-0000-0000-0000000000aa"


class FakeApplication:
    app = Reference()

    def __init__(self) -> None:
        self.at_rest = True
        self.stopped = 0

    def idle(self) -> bool:
        return self.at_rest

    async def stop_flows(self) -> None:
        self.stopped += 1
        self.at_rest = True


class FakeStore:
    """The tables: as many events as `last`, or an error."""

    def __init__(self) -> None:
        self.last = 0
        self.error: Exception | None = None

    async def last_sequence(self, process_id: str) -> int:
        if self.error is not None:
            raise self.error
        return self.last

    async def state(self, process_id: str) -> Mapping[str, Any] | None:
        return None

    async def events_since(self, process_id: str, since: int, *, limit: int) -> Any:
        return EventPage(events=[], last_sequence=0, complete=True)

    async def content(self, process_id: str) -> None:
        return None


class NoReaders(RecordingWorld):
    """Does what faults ask, but there is no reader called nobody."""

    def machine(self, reader: str) -> Machine:
        if reader == "nobody":
            raise StoryFault("no such reader: nobody")
        return super().machine(reader)


class FakeBackend:
    name = "fake"
    hops: frozenset[str] = frozenset()
    versions: Mapping[str, str] = {}

    def __init__(self) -> None:
        self.application = FakeApplication()
        self.store = FakeStore()
        self.caught_up = True
        self.environment = Environment(
            **{**dict.fromkeys(Environment.__dataclass_fields__, "x"), "jwt_secret": DEVELOPMENT_SECRET}
        )

    async def quiet(self, *, timeout: float) -> bool:
        return self.caught_up

    def world(self, **_: Any) -> "NoReaders":
        return NoReaders()


class FakeHttp:
    """The application's HTTP side: one process, and no events."""

    def __init__(self, app_url: str, *, token: Any, timeout: float) -> None:
        self.closed = False

    async def start(self, initial_request: Mapping[str, Any], simulation: Mapping[str, Any]) -> str:
        if simulation.get("refuse"):
            raise FetchFailed("http://x", 503, "no")
        return PROCESS

    async def events_since(self, process_id: str, since: int, limit: int) -> EventPage:
        return EventPage(events=[], last_sequence=0, complete=True)

    async def close(self) -> None:
        self.closed = True


class DeafClient:
    """Connects and hears nothing, or ends with an error."""

    def __init__(self, error: Exception | None) -> None:
        self.error = error
        self.opened = False

    async def connect(self) -> None: ...

    async def subscribe(self, topic: str, bindings: Sequence[Binding]) -> None: ...

    async def unsubscribe(self, topic: str) -> None: ...

    async def set_token(self, token: str) -> None: ...

    async def drop(self) -> None: ...

    async def close(self) -> None: ...

    async def next_event(self) -> ClientEvent:
        if not self.opened:
            self.opened = True
            return Opened()
        if self.error is not None:
            raise self.error
        await asyncio.Event().wait()
        raise AssertionError


class Stage:
    def __init__(self, *, pace: float = 1.0, client_error: Exception | None = None) -> None:
        self.clock = InstantClock()
        self.backend = FakeBackend()
        tally = Tally()
        self.recorder = Recorder(self.clock.now, sinks=(tally,))
        self.performing = Performing(
            backend=self.backend,  # type: ignore[arg-type]
            recorder=self.recorder,
            tally=tally,
            clock=self.clock,
            rng=Random(1),
            make_client=lambda name, **_: DeafClient(client_error),
            client="native",
            schema="public",
            pace=pace,
            proxy=None,
        )
        self.interpreter = Interpreter(self.performing)

    def commits(self, *, after: float, event_type: str) -> "asyncio.Task[None]":
        async def commit() -> None:
            await self.clock.sleep(after)
            told = {"action": "INSERT", "event_id": "e", "process_id": PROCESS, "event_type": event_type}
            self.recorder.record("witness", "commit", told)

        return asyncio.get_running_loop().create_task(commit())

    @property
    def history(self) -> History:
        return History(self.recorder.ops())

    def failures(self) -> list[tuple[str, str, str | None]]:
        return [(op.value.number, op.value.step, op.error) for op in self.history.where(f="step", type="fail")]


@pytest.fixture(autouse=True)
def scripted_http(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.performing.stage.HttpClient", FakeHttp)


def told(story: Iterable[Step], *, prepare: Callable[[Stage], Any] = lambda stage: None, **options: Any) -> Stage:
    """The stage after a story that could be told."""

    async def play() -> Stage:
        stage = Stage(**options)
        keep = prepare(stage)
        try:
            await stage.interpreter.perform(story)
        finally:
            del keep
            await stage.interpreter.close()
        return stage

    return run(play())


def stopped(story: Iterable[Step], **options: Any) -> tuple[StoryError, Stage]:
    """The error that ended a story, and the stage after it."""

    async def play() -> tuple[StoryError, Stage]:
        stage = Stage(**options)
        with pytest.raises(StoryError) as caught:
            await stage.interpreter.perform(story)
        await stage.interpreter.close()
        return caught.value, stage

    return run(play())


ARTICLE = gen.start_process("article", owner="alice")


def test_every_step_is_told_before_it_is_done() -> None:
    stage = told([ARTICLE, gen.wait(2.0)])

    steps = [(op.time, dict(op.value)) for op in stage.history.where(f="step")]
    assert steps == [
        (0.0, {"step": "StartProcess", "number": "1", "process": "article"}),
        (0.0, {"step": "Wait", "number": "2", "seconds": 2.0}),
    ]


def test_the_time_of_the_story_is_divided_by_the_pace() -> None:
    stage = told([gen.wait(10.0), gen.wait(0.0)], pace=4.0)

    assert [op.time for op in stage.history.where(f="step")] == [0.0, 2.5]


def test_a_story_waits_for_what_is_committed() -> None:
    stage = told(
        [ARTICLE, gen.wait_committed("article", "heartbeat"), gen.wait(0.0)],
        prepare=lambda stage: stage.commits(after=3.0, event_type="heartbeat"),
    )

    assert stage.history.where(f="step")[-1].time == 3.0


@pytest.mark.parametrize(
    ("story", "number", "step", "reason"),
    [
        ([gen.wait_ready("nobody")], "1", "WaitReady", "the story has subscribed no reader 'nobody'"),
        (
            [gen.subscribe("r", to="nothing", user="alice")],
            "1",
            "Subscribe",
            "the story has started no process 'nothing'",
        ),
        (
            [gen.start_process("a", owner="x", simulation={"refuse": True})],
            "1",
            "StartProcess",
            "http://x answered 503: no",
        ),
        ([gen.wait(0.0), "a step?"], "2", "str", "'a step?' is no step of harness.generators"),
        ([ARTICLE, None], "2", "NoneType", "None is no step of harness.generators"),
        (
            [ARTICLE, gen.wait_committed("article", "heartbeat", count=2, timeout=7.0)],
            "2",
            "WaitCommitted",
            "0 of 2 heartbeat were committed within 7 s",
        ),
        (
            [ARTICLE, gen.subscribe("r", to="article", user="alice"), gen.wait_for("r", "heartbeat", timeout=7.0)],
            "3",
            "WaitFor",
            "r had applied 0 of 1 heartbeat within 7 s: it is connecting",
        ),
        (
            [ARTICLE, gen.subscribe("r", to="article", user="alice"), gen.answer("r", "APPROVE_PLAN", timeout=7.0)],
            "3",
            "Answer",
            "r was not asked APPROVE_PLAN within 7 s: it is connecting",
        ),
        (
            [gen.together([gen.wait(9.0)], [gen.wait(1.0), gen.wait_ready("nobody")])],
            "2.2",
            "WaitReady",
            "the story has subscribed no reader 'nobody'",
        ),
    ],
)
def test_a_story_that_cannot_go_on_says_where_and_why(story: list[Any], number: str, step: str, reason: str) -> None:
    error, stage = stopped(story)

    assert (error.number, error.step, error.reason) == (number, step, reason)
    assert stage.failures() == [(number, step, reason)]


def test_a_fault_of_the_story_itself_is_told_with_its_place() -> None:
    def story() -> Iterator[Step]:
        yield gen.wait(1.0)
        yield gen.wait(1 / 0)

    error, stage = stopped(story())

    assert (error.number, error.step) == ("2", "story")
    assert error.reason.startswith("ZeroDivisionError: division by zero (test_interpreter.py, line ")
    assert len(stage.failures()) == 1


def test_what_is_no_story_at_all_is_told() -> None:
    def story() -> Iterator[Step]:
        yield from None  # type: ignore[misc]

    error, _ = stopped(story())

    assert error.reason.startswith("TypeError: 'NoneType' object is not iterable")


def test_a_reader_that_breaks_inside_ends_the_wait_for_it_at_once() -> None:
    story: list[Step] = [ARTICLE, gen.subscribe("r", to="article", user="alice"), gen.wait_for("r", "heartbeat")]

    error, stage = stopped(story, client_error=KeyError("postgres_changes"))

    assert error.reason.startswith("KeyError: 'postgres_changes' (")
    assert stage.history[-1].time < 1.0
    assert [step for _, step, _ in stage.failures()] == ["WaitFor", "close r"]


def test_a_reader_that_breaks_while_nobody_waits_for_it_is_told_at_its_end() -> None:
    story: list[Step] = [ARTICLE, gen.subscribe("r", to="article", user="alice"), gen.wait(1.0)]

    stage = told(story, client_error=KeyError("postgres_changes"))

    ((number, step, reason),) = stage.failures()
    assert (number, step) == ("end", "close r")
    assert reason is not None
    assert reason.startswith("KeyError: 'postgres_changes'")
    assert [op.actor for op in stage.history.where(f="view")] == ["r"]


class Fragile:
    """A listener, a nemesis or a set of connections whose end fails; its first end, if it is asked for more."""

    name = "ear"

    def __init__(self) -> None:
        self.ends = 0

    async def close(self) -> None:
        self.ends += 1
        if self.ends == 1:
            raise FetchFailed("http://x", 503, "no")


@pytest.mark.parametrize(
    ("break_it", "name"),
    [
        (lambda stage, one: setattr(stage, "nemesis", one), "heal"),
        (lambda stage, one: stage.listeners.update(ear=one), "close ear"),
        (lambda stage, one: setattr(stage, "proxy", one), "close connections"),
    ],
    ids=["a fault", "a listener", "the links"],
)
def test_what_cannot_be_ended_is_told_and_the_rest_is_ended_all_the_same(break_it: Any, name: str) -> None:
    async def play() -> tuple[Stage, Fragile]:
        stage, one = Stage(), Fragile()
        await stage.interpreter.perform([ARTICLE, gen.subscribe("r", to="article", user="alice")])
        break_it(stage.performing, one)
        await stage.interpreter.close()
        await stage.interpreter.close()
        return stage, one

    stage, one = run(play())

    assert stage.failures() == [("end", name, "http://x answered 503: no")]
    assert [op.actor for op in stage.history.where(f="view")] == ["r"]
    assert one.ends == (1 if name == "close ear" else 2)


def test_faults_that_hold_are_ended_before_the_readers_are_closed() -> None:
    async def play() -> Stage:
        stage = Stage()
        await stage.interpreter.perform([ARTICLE, gen.subscribe("r", to="article", user="alice")])
        await stage.interpreter.perform([gen.begin(LaptopSleeps(reader="r"))])
        await stage.interpreter.close()
        return stage

    stage = run(play())

    told = [(op.actor, op.f, op.type) for op in stage.history]
    assert told.index(("nemesis", "fault", "ok")) < told.index(("r", "view", "ok"))


def test_what_went_wrong_with_a_scheduled_fault_is_told_at_the_end() -> None:
    async def play() -> Stage:
        stage = Stage()
        stage.performing.nemesis.schedule([TabHidden(reader="nobody", at=1.0)])
        await stage.interpreter.perform([ARTICLE, gen.wait(5.0)])
        with pytest.raises(StoryError):
            await stage.interpreter.finish(timeout=10.0)
        await stage.interpreter.close()
        return stage

    assert run(play()).failures() == [("end", "heal", "no such reader: nobody")]


def test_every_step_has_a_performer() -> None:
    own = {Settle, Together}

    assert {*PERFORMERS, *own} == set(get_args(Step))
    assert not own & PERFORMERS.keys()


def test_every_step_can_be_said_by_a_function_of_the_generators() -> None:
    made = {
        get_type_hints(getattr(gen, name))["return"] for name in gen.__all__ if inspect.isfunction(getattr(gen, name))
    }

    assert set(get_args(Step)) <= made


def finished(prepare: Callable[[Stage], None]) -> Stage:
    async def play() -> Stage:
        stage = Stage()
        await stage.interpreter.perform([ARTICLE])
        prepare(stage)
        try:
            await stage.interpreter.finish(timeout=10.0)
        except StoryError:
            await stage.interpreter.close()
        return stage

    return run(play())


def test_a_run_ends_when_flows_are_stopped_and_all_is_quiet_and_tells_the_tables() -> None:
    stage = finished(lambda stage: None)

    assert stage.backend.application.stopped == 1
    assert [(op.f, op.type) for op in stage.history][-3:] == [
        ("settle", "invoke"),
        ("settle", "ok"),
        ("database", "ok"),
    ]
    assert stage.history.where(f="database")[0].value.process_id == PROCESS


def test_a_run_that_does_not_come_to_rest_says_so() -> None:
    def never_quiet(stage: Stage) -> None:
        stage.backend.caught_up = False

    stage = finished(never_quiet)

    (rest,) = stage.history.where(f="settle", type="info")
    assert rest.error == "not at rest when the time was over; readers: none"
    assert rest.time == pytest.approx(10.0)


def test_tables_that_are_gone_at_the_end_are_told() -> None:
    def gone(stage: Stage) -> None:
        stage.backend.store.error = FetchFailed("postgresql://x", 0, "connection refused")

    stage = finished(gone)

    assert stage.failures() == [("end", "finish", "postgresql://x did not answer: connection refused")]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (FetchFailed("http://x", 404, "no such process"), "http://x answered 404: no such process"),
        (TimeoutError("reader was not ready"), "reader was not ready"),
        (TimeoutError(), "TimeoutError"),
        (KeyError("x"), "KeyError: 'x'"),
    ],
)
def test_an_error_of_ours_speaks_for_itself_and_any_other_says_what_it_is(error: Exception, expected: str) -> None:
    assert words(error) == expected
