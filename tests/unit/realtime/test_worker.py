import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest

from harness.errors import ReplicationError, VisibilityError
from harness.history.recorder import Recorder
from harness.realtime.auth import Claims
from harness.realtime.quirks import Quirks
from harness.realtime.subscription import Binding, Refused, Subscriber, Subscription, Wanted
from harness.realtime.tenant import Tenant
from harness.realtime.visibility import Judgement, Output, Question
from harness.realtime.worker import Delivery, Worker
from harness.replication.change import Action, Change, Relation
from harness.replication.lsn import Lsn
from harness.replication.source import Batch

CLAIMS = Claims(role="anon", expires=1, text="{}", token="t")
TABLE = Relation(oid=7, schema="public", table="process_events", columns=())
WANTED = [(Binding(id=11, element={}), Wanted(action="*", schema="public", table="process_events"))]


class Sleeps:
    """A clock that does not wait, but writes down for how long it was asked to."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def now(self) -> float:
        return 0.0

    def wall(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await a_turn()


async def a_turn() -> None:
    """One turn of the event loop."""
    loop = asyncio.get_running_loop()
    turn = loop.create_future()
    loop.call_soon(turn.set_result, None)
    await turn


class Source:
    """Gives what it is told to; an exception is raised. At the end it waits for ever."""

    def __init__(self, script: list[Batch | Exception], *, broken: bool = False) -> None:
        self.script = script
        self.broken = broken
        self.closed = 0

    async def open(self) -> None:
        if self.broken:
            raise ReplicationError("no slot")

    async def read(self) -> Batch:
        if not self.script:
            await asyncio.Event().wait()
        step = self.script.pop(0)
        if isinstance(step, Exception):
            raise step
        return step

    async def close(self) -> None:
        self.closed += 1


class Everybody:
    """A visibility in which everybody sees everything, but for the links in `refused`."""

    def __init__(self, *, refused: frozenset[str] = frozenset(), answer: Refused | None = None) -> None:
        self.refused = refused
        self.answer = answer
        self.failing: Exception | None = None

    async def subscribe(
        self, subscriber: Subscriber, wanted: Sequence[tuple[Binding, Wanted]], claims: Claims
    ) -> tuple[Subscription, ...] | Refused:
        return self.answer or tuple(
            Subscription(
                subscriber=subscriber,
                binding_id=binding.id,
                position=0,
                relation=TABLE.oid,
                action=each.action,
                claims=claims,
            )
            for binding, each in wanted
        )

    async def judge(self, questions: Sequence[Question]) -> tuple[Judgement, ...]:
        if self.failing is not None:
            failing, self.failing = self.failing, None
            raise failing
        return tuple(self._judge(question) for question in questions)

    def _judge(self, question: Question) -> Judgement:
        seen = tuple(each for each in question.subscriptions if each.subscriber.link not in self.refused)
        hidden = tuple(each for each in question.subscriptions if each.subscriber.link in self.refused)
        outputs = (Output(subscriptions=seen, record="{}"),) if seen else ()
        return Judgement(outputs=outputs, withheld=hidden)


class Outlet:
    def __init__(self) -> None:
        self.delivered: list[Delivery] = []
        self.some = asyncio.Event()
        self.downed: list[Subscriber] = []

    def deliver(self, deliveries: Sequence[Delivery]) -> None:
        self.delivered += deliveries
        self.some.set()

    def down(self, subscriber: Subscriber) -> None:
        self.downed.append(subscriber)
        self.some.set()


def a_subscriber(link: str = "reader") -> Subscriber:
    return Subscriber(link=link, topic="realtime:x", vsn="2.0.0")


def a_batch(*ids: str, action: Action = Action.INSERT) -> Batch:
    changes = tuple(
        Change(
            lsn=Lsn(0x16B3748),
            position=position,
            commit_timestamp=datetime(2026, 1, 1, tzinfo=UTC),
            relation=TABLE,
            action=action,
            record={"id": each},
        )
        for position, each in enumerate(ids)
    )
    return Batch(changes=changes, raw=len(changes))


def trace(table: str, action: str, record: Mapping[str, Any]) -> Mapping[str, Any] | None:
    return {"event_id": record["id"]}


class Stage:
    """A worker with everything around it."""

    def __init__(self) -> None:
        self.clock = Sleeps()
        self.recorder = Recorder(lambda: 0.0)
        self.visibility = Everybody()
        self.sources: list[Source] = []
        self.outlet = Outlet()
        self.worker: Worker | None = None

    def start(self, *, quirks: Quirks | None = None, instant: bool = True) -> Worker:
        self.worker = Worker(
            tenant=Tenant(jwt_secret="s", quirks=quirks or Quirks()),
            visibility=self.visibility,
            open_source=lambda: self.sources.pop(0) if len(self.sources) > 1 else self.sources[0],
            clock=self.clock,
            rng=Random(1),
            recorder=self.recorder,
            trace=trace,
            instant=instant,
        )
        return self.worker

    def told(self) -> list[tuple[str, Mapping[str, Any]]]:
        return [(op.f, dict(op.value)) for op in self.recorder.ops()]


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    stage = Stage()
    yield stage
    if stage.worker is not None:
        await stage.worker.close()


async def test_a_change_reaches_its_subscriber_and_the_history_tells_its_way(stage: Stage) -> None:
    gate = asyncio.Event()
    stage.sources = [GatedSource(gate, [a_batch("e1")])]
    worker = stage.start()

    refused = await worker.subscribe(stage.outlet, a_subscriber(), WANTED, CLAIMS)
    gate.set()
    await stage.outlet.some.wait()

    row = {"table": "process_events", "action": "INSERT", "event_id": "e1"}
    assert refused is None
    assert [(each.topic, each.row) for each in stage.outlet.delivered] == [("realtime:x", row)]
    assert stage.told() == [
        ("decode", {**row, "lsn": "0/16B3748"}),
        ("authorise", {**row, "to": ["reader"], "withheld": []}),
        ("dispatch", {**row, "link": "reader", "topic": "realtime:x", "ids": [11]}),
    ]


async def test_who_is_refused_by_a_policy_is_told_of_as_withheld(stage: Stage) -> None:
    gate = asyncio.Event()
    stage.sources = [GatedSource(gate, [a_batch("e1")])]
    stage.visibility.refused = frozenset({"spy"})
    worker = stage.start()
    for link in ("spy", "reader"):
        await worker.subscribe(stage.outlet, a_subscriber(link), WANTED, CLAIMS)

    gate.set()
    await stage.outlet.some.wait()

    authorised = [value for f, value in stage.told() if f == "authorise"]
    assert [(each["to"], each["withheld"]) for each in authorised] == [(["reader"], ["spy"])]
    assert len(stage.outlet.delivered) == 1


async def test_a_refused_subscriber_gets_nothing(stage: Stage) -> None:
    stage.sources = [Source([])]
    stage.visibility.answer = Refused(message="no")
    worker = stage.start()

    assert await worker.subscribe(stage.outlet, a_subscriber(), WANTED, CLAIMS) == Refused(message="no")


async def test_after_unsubscribing_nothing_is_delivered_any_more(stage: Stage) -> None:
    gate = asyncio.Event()
    stage.sources = [GatedSource(gate, [a_batch("e1")])]
    worker = stage.start()
    gone, stays = a_subscriber("gone"), a_subscriber("stays")
    await worker.subscribe(stage.outlet, gone, WANTED, CLAIMS)
    await worker.subscribe(stage.outlet, stays, WANTED, CLAIMS)

    worker.unsubscribe(gone)
    gate.set()
    await stage.outlet.some.wait()

    dispatched = [value["link"] for f, value in stage.told() if f == "dispatch"]
    assert dispatched == ["stays"]


@pytest.mark.parametrize(("quirks", "waits"), [(Quirks(), True), (Quirks(cold_worker_delay=False), False)])
async def test_the_first_subscriber_waits_for_the_cold_worker(stage: Stage, quirks: Quirks, waits: bool) -> None:
    gate = asyncio.Event()
    stage.sources = [GatedSource(gate, [])]
    worker = stage.start(quirks=quirks, instant=False)
    cold = worker.warm

    await worker.subscribe(stage.outlet, a_subscriber(), WANTED, CLAIMS)
    first = list(stage.clock.slept)
    await worker.subscribe(stage.outlet, a_subscriber("second"), WANTED, CLAIMS)

    assert not cold
    assert worker.warm
    assert [1.0 <= seconds <= 3.0 for seconds in first] == ([True] if waits else [])
    assert stage.clock.slept == first


async def test_the_poller_keeps_the_cadence_of_the_real_one(stage: Stage) -> None:
    gate = asyncio.Event()
    stage.sources = [GatedSource(gate, [a_batch("e1"), Batch(raw=3), Batch()])]
    worker = stage.start(quirks=Quirks(cold_worker_delay=False), instant=False)
    await worker.subscribe(stage.outlet, a_subscriber(), WANTED, CLAIMS)

    gate.set()
    while len(stage.clock.slept) < 3:
        await a_turn()

    assert stage.clock.slept[0] == 0.0
    assert 0.15 <= stage.clock.slept[1] <= 0.2
    assert stage.clock.slept[2] == 0.5


@pytest.mark.parametrize("error", [ReplicationError("slot gone"), VisibilityError("a policy raised")])
async def test_a_failure_costs_its_batch_and_the_slot_is_opened_again(stage: Stage, error: Exception) -> None:
    gate, again = asyncio.Event(), asyncio.Event()
    lost = GatedSource(gate, [a_batch("lost")] if isinstance(error, VisibilityError) else [error])
    stage.sources = [lost, GatedSource(again, [a_batch("e2")])]
    stage.visibility.failing = error if isinstance(error, VisibilityError) else None
    worker = stage.start()
    await worker.subscribe(stage.outlet, a_subscriber(), WANTED, CLAIMS)

    gate.set()
    again.set()
    await stage.outlet.some.wait()

    assert [each.row and each.row["event_id"] for each in stage.outlet.delivered] == ["e2"]
    assert ("poll", {"failures": 1}) in stage.told()
    assert lost.closed == 1


async def test_after_six_failures_in_a_row_every_channel_must_subscribe_again(stage: Stage) -> None:
    gate = asyncio.Event()
    stage.sources = [GatedSource(gate, [ReplicationError("slot gone")]), Source([], broken=True)]
    worker = stage.start()
    subscriber = a_subscriber()
    await worker.subscribe(stage.outlet, subscriber, WANTED, CLAIMS)

    gate.set()
    await stage.outlet.some.wait()
    stage.sources = [Source([])]

    assert stage.outlet.downed == [subscriber]
    assert [value["failures"] for f, value in stage.told() if f == "poll"] == [1, 2, 3, 4, 5, 6]
    assert await worker.subscribe(stage.outlet, subscriber, WANTED, CLAIMS) is None


class GatedSource(Source):
    """A source that gives nothing until its gate is open."""

    def __init__(self, gate: asyncio.Event, script: list[Batch | Exception]) -> None:
        super().__init__(script)
        self.gate = gate

    async def read(self) -> Batch:
        await self.gate.wait()
        return await super().read()
