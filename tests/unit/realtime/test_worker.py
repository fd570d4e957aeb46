import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from random import Random
from typing import Any

import pytest

from harness.errors import ReplicationError, ReplicationLost, SlotBusy, VisibilityError
from harness.history.recorder import Recorder
from harness.realtime.auth import Claims
from harness.realtime.limits import TenantLimits
from harness.realtime.plans import Limits
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
    """A clock that writes down for how long it was asked to sleep; only long sleeps wait, until `pass_time`."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.time = 0.0
        self.waiting: list[tuple[float, asyncio.Future[None]]] = []

    def now(self) -> float:
        return self.time

    def wall(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)

    async def sleep(self, seconds: float) -> None:
        if seconds < 10:
            self.slept.append(seconds)
            await a_turn()
            return
        waking = asyncio.get_running_loop().create_future()
        self.waiting.append((self.time + seconds, waking))
        await waking

    async def pass_time(self, seconds: float) -> None:
        """Wake who sleeps no longer than that, and let them do what they have to do."""
        self.time += seconds
        for due, waking in self.waiting:
            if due <= self.time and not waking.done():
                waking.set_result(None)
        for _ in range(10):
            await a_turn()


async def a_turn() -> None:
    """One turn of the event loop."""
    loop = asyncio.get_running_loop()
    turn = loop.create_future()
    loop.call_soon(turn.set_result, None)
    await turn


class Source:
    """Gives what it is told to; an exception is raised. At the end it waits for ever."""

    def __init__(self, script: list[Batch | Exception], *, broken: Exception | None = None) -> None:
        self.script = script
        self.broken = broken
        self.opened = 0
        self.closed = 0

    async def open(self) -> None:
        self.opened += 1
        if self.broken is not None:
            raise self.broken

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
        self.tables = frozenset({TABLE.oid})
        self.began = "today"
        self.unreachable = False
        self.cleared = 0
        self.removed: list[int] = []
        self.released: list[str] = []
        self.rows = count(1)
        self.asked: list[Question] = []

    async def subscribe(
        self, subscriber: Subscriber, wanted: Sequence[tuple[Binding, Wanted]], claims: Claims
    ) -> tuple[Subscription, ...] | Refused:
        return self.answer or tuple(
            Subscription(
                subscriber=subscriber,
                row=next(self.rows),
                binding_id=binding.id,
                position=0,
                relation=TABLE.oid,
                action=each.action,
                claims=claims,
            )
            for binding, each in wanted
        )

    async def judge(self, questions: Sequence[Question]) -> tuple[Judgement, ...]:
        self.asked += questions
        if self.failing is not None:
            failing, self.failing = self.failing, None
            raise failing
        return tuple(self._judge(question) for question in questions)

    async def server_began(self) -> str:
        if self.unreachable:
            raise VisibilityError("the database does not answer")
        return self.began

    async def clear(self) -> None:
        self.cleared += 1

    async def remove(self, rows: Sequence[int]) -> None:
        self.removed += rows

    async def published(self) -> frozenset[int]:
        return self.tables

    async def release(self, slot: str) -> None:
        self.released.append(slot)

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
        self.hurried: list[bool] = []

    def deliver(self, deliveries: Sequence[Delivery]) -> None:
        self.delivered += deliveries
        self.some.set()

    def down(self, subscriber: Subscriber, *, at_once: bool = False) -> None:
        self.downed.append(subscriber)
        self.hurried.append(at_once)
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

    def start(
        self,
        *,
        quirks: Quirks | None = None,
        instant: bool = True,
        poll_timeout_s: float = 15.0,
        limits: TenantLimits | None = None,
    ) -> Worker:
        self.worker = Worker(
            tenant=Tenant(jwt_secret="s", quirks=quirks or Quirks(), poll_timeout_s=poll_timeout_s),
            limits=limits,
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


@pytest.mark.parametrize(
    ("quirks", "waits"),
    [
        (Quirks(polls_take_time=False), True),
        (Quirks(polls_take_time=False, cold_worker_delay=False), False),
    ],
)
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
    worker = stage.start(quirks=Quirks(cold_worker_delay=False, polls_take_time=False), instant=False)
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
    stage.sources = [GatedSource(gate, [ReplicationError("slot gone")]), Source([], broken=ReplicationError("no slot"))]
    worker = stage.start()
    subscriber = a_subscriber()
    await worker.subscribe(stage.outlet, subscriber, WANTED, CLAIMS)

    gate.set()
    await stage.outlet.some.wait()
    stage.sources = [Source([])]

    assert stage.outlet.downed == [subscriber]
    assert [value["failures"] for f, value in stage.told() if f == "poll"] == [1, 2, 3, 4, 5, 6]
    assert await worker.subscribe(stage.outlet, subscriber, WANTED, CLAIMS) is None


async def test_a_poll_takes_the_time_that_the_real_one_takes(stage: Stage) -> None:
    gate = asyncio.Event()
    stage.sources = [GatedSource(gate, [a_batch("e1", "e2")])]
    worker = stage.start(quirks=Quirks(cold_worker_delay=False), instant=False)
    await worker.subscribe(stage.outlet, a_subscriber(), WANTED, CLAIMS)

    gate.set()
    await stage.outlet.some.wait()

    lead, poll = stage.clock.slept[:2]
    assert 0.0005 <= lead <= 0.003
    assert 0.0046 <= poll <= 0.0078


async def test_a_slot_that_others_hold_is_taken_from_them_at_the_fifth_failure(stage: Stage) -> None:
    stage.sources = [*(Source([], broken=SlotBusy("slot")) for _ in range(5)), Source([])]
    worker = stage.start(quirks=Quirks(subscribed_without_slot=False), instant=False)

    await worker.subscribe(stage.outlet, a_subscriber(), WANTED, CLAIMS)
    while len(stage.told()) < 5 or not worker.warm:
        await a_turn()

    assert [value["failures"] for f, value in stage.told() if f == "poll"] == [1, 2, 3, 4, 5]
    assert stage.visibility.released == ["slot"]


@pytest.mark.parametrize(
    ("quirks", "least", "most"),
    [
        (Quirks(cold_worker_delay=False, polls_take_time=False), 1.4, 2.2),
        (Quirks(cold_worker_delay=False, polls_take_time=False, slow_reconnect=False), 0.1, 0.3),
    ],
)
async def test_a_connection_that_broke_takes_longer_to_come_back_unless_the_quirk_is_off(
    stage: Stage, quirks: Quirks, least: float, most: float
) -> None:
    gate = asyncio.Event()
    stage.sources = [GatedSource(gate, [ReplicationLost("gone")]), Source([])]
    worker = stage.start(quirks=quirks, instant=False)
    await worker.subscribe(stage.outlet, a_subscriber(), WANTED, CLAIMS)

    gate.set()
    while not stage.clock.slept:
        await a_turn()

    assert least <= stage.clock.slept[0] <= most


@pytest.mark.parametrize(
    ("quirks", "restarted", "ends"),
    [
        (Quirks(), "restarted", 1),
        (Quirks(), "unreachable", 1),
        (Quirks(), "alive", 0),
        (Quirks(node_ends_with_database=False), "restarted", 0),
    ],
)
async def test_the_node_ends_with_its_database_and_not_with_its_connection(
    stage: Stage, quirks: Quirks, restarted: str, ends: int
) -> None:
    gate, ended = asyncio.Event(), []
    stage.sources = [GatedSource(gate, [ReplicationLost("gone")]), Source([])]
    worker = stage.start(quirks=quirks, instant=False)
    worker.on_node_end(lambda: ended.append(1))
    await worker.subscribe(stage.outlet, a_subscriber(), WANTED, CLAIMS)

    if restarted == "restarted":
        stage.visibility.began = "tomorrow"
    stage.visibility.unreachable = restarted == "unreachable"
    gate.set()
    for _ in range(50):
        await a_turn()

    assert len(ended) == ends


async def test_a_poll_that_takes_too_long_costs_its_batch_and_the_slot(stage: Stage) -> None:
    hanging = Source([])
    stage.sources = [hanging, Source([a_batch("e2")])]
    worker = stage.start(quirks=Quirks(cold_worker_delay=False), instant=False, poll_timeout_s=0.001)

    await worker.subscribe(stage.outlet, a_subscriber(), WANTED, CLAIMS)
    await asyncio.wait_for(stage.outlet.some.wait(), 5)

    assert hanging.closed == 1
    assert stage.recorder.ops()[0].error == "a poll took more than 0.001 s"


@pytest.mark.parametrize(("quirks", "asked"), [(Quirks(), True), (Quirks(rows_outlive_channels=False), False)])
async def test_the_rows_of_a_channel_that_left_are_asked_about_until_they_are_removed_unless_the_quirk_is_off(
    stage: Stage, quirks: Quirks, asked: bool
) -> None:
    gate, later = asyncio.Event(), asyncio.Event()
    stage.sources = [GatedSource(gate, [VisibilityError("again")]), GatedSource(later, [a_batch("e1")])]
    worker = stage.start(quirks=quirks)
    gone = a_subscriber("gone")
    await worker.subscribe(stage.outlet, gone, WANTED, CLAIMS)

    worker.unsubscribe(gone)
    gate.set()
    later.set()
    while not any(f == "authorise" for f, _ in stage.told()):
        await a_turn()
    await stage.clock.pass_time(15)

    assert bool(stage.visibility.asked) is asked
    assert (stage.outlet.delivered, stage.visibility.removed) == ([], [1])


async def test_a_publication_that_changed_costs_every_row_and_every_channel_subscribes_at_once(stage: Stage) -> None:
    stage.sources = [Source([])]
    worker = stage.start()
    subscriber = a_subscriber()
    await worker.subscribe(stage.outlet, subscriber, WANTED, CLAIMS)

    await stage.clock.pass_time(60)
    unchanged = list(stage.outlet.downed)
    stage.visibility.tables = frozenset()
    await stage.clock.pass_time(60)

    assert unchanged == []
    assert (stage.outlet.downed, stage.outlet.hurried) == ([subscriber], [True])
    assert stage.visibility.cleared == 2


@pytest.mark.parametrize(("quirks", "revived"), [(Quirks(), False), (Quirks(dropped_tables_stay_dead=False), True)])
async def test_a_channel_whose_table_came_back_stays_dead_unless_the_quirk_is_off(
    stage: Stage, quirks: Quirks, revived: bool
) -> None:
    stage.sources = [Source([])]
    worker = stage.start(quirks=quirks)
    subscriber = a_subscriber()
    stage.visibility.answer = Refused(message="no such table")
    await worker.subscribe(stage.outlet, subscriber, WANTED, CLAIMS)

    stage.visibility.tables = frozenset({7, 8})
    await stage.clock.pass_time(60)

    assert stage.outlet.downed == ([subscriber] if revived else [])


@pytest.mark.parametrize(("quirks", "opened"), [(Quirks(), 0), (Quirks(no_slot_for_empty_publication=False), 1)])
async def test_an_empty_publication_has_no_slot_unless_the_quirk_is_off(
    stage: Stage, quirks: Quirks, opened: int
) -> None:
    source = Source([])
    stage.sources = [source]
    stage.visibility.tables = frozenset()
    worker = stage.start(quirks=quirks)

    await worker.subscribe(stage.outlet, a_subscriber(), WANTED, CLAIMS)
    while_empty = source.opened
    stage.visibility.tables = frozenset({7})
    await stage.clock.pass_time(60)

    assert (while_empty, source.opened) == (opened, 1)


async def test_a_worker_that_nobody_needs_stops_after_ten_minutes(stage: Stage) -> None:
    stage.sources = [Source([])]
    worker = stage.start()
    subscriber = a_subscriber()
    await worker.subscribe(stage.outlet, subscriber, WANTED, CLAIMS)
    await stage.clock.pass_time(900)

    used = worker.running
    worker.unsubscribe(subscriber)
    for _ in range(11):
        await stage.clock.pass_time(60)

    assert (used, worker.running, worker.warm) == (True, False, False)


class SlowToClose(Source):
    """Its close waits until it may go on."""

    def __init__(self) -> None:
        super().__init__([])
        self.may_close = asyncio.Event()

    async def close(self) -> None:
        await self.may_close.wait()
        await super().close()


async def test_who_comes_while_a_worker_is_ending_is_served_by_the_next_one(stage: Stage) -> None:
    ending, following = SlowToClose(), Source([])
    stage.sources = [ending, following]
    worker = stage.start()
    first = a_subscriber()
    await worker.subscribe(stage.outlet, first, WANTED, CLAIMS)
    worker.unsubscribe(first)
    for _ in range(11):
        await stage.clock.pass_time(60)

    came = asyncio.ensure_future(worker.subscribe(stage.outlet, a_subscriber("late"), WANTED, CLAIMS))
    await a_turn()
    waited = not came.done()
    ending.may_close.set()
    outcome = await asyncio.wait_for(came, 5.0)

    assert (waited, outcome, following.opened) == (True, None, 1)


@pytest.mark.parametrize(("quirks", "waits"), [(Quirks(), False), (Quirks(subscribed_without_slot=False), True)])
async def test_a_channel_is_subscribed_without_a_slot_unless_the_quirk_is_off(
    stage: Stage, quirks: Quirks, waits: bool
) -> None:
    stage.sources = [*(Source([], broken=ReplicationError("a writer is slow")) for _ in range(4)), Source([])]
    worker = stage.start(quirks=quirks, instant=False)

    await worker.subscribe(stage.outlet, a_subscriber(), WANTED, CLAIMS)

    assert (len(stage.sources) == 1) is waits


async def test_what_the_limit_forbids_is_dropped_and_only_the_history_is_told(stage: Stage) -> None:
    gate = asyncio.Event()
    stage.sources = [GatedSource(gate, [a_batch("e1", "e2"), a_batch("e3")])]
    worker = stage.start(limits=TenantLimits(Limits(max_events_per_second=0), quirks=Quirks()))
    await worker.subscribe(stage.outlet, a_subscriber(), WANTED, CLAIMS)

    gate.set()
    while [f for f, _ in stage.told()].count("limit") < 2:
        await a_turn()

    told = [(value["limit"], value["changes"]) for f, value in stage.told() if f == "limit"]
    assert told == [("db_events_per_second", 2), ("db_events_per_second", 1)]
    assert stage.outlet.delivered == []


class GatedSource(Source):
    """A source that gives nothing until its gate is open."""

    def __init__(self, gate: asyncio.Event, script: list[Batch | Exception]) -> None:
        super().__init__(script)
        self.gate = gate

    async def read(self) -> Batch:
        await self.gate.wait()
        return await super().read()


@pytest.mark.parametrize(("quirks", "pause"), [(Quirks(), 0.5), (Quirks(idle_poll_500ms=False), 0.1)])
async def test_an_idle_poll_is_followed_by_half_a_second_or_without_the_quirk_by_100_ms(
    stage: Stage, quirks: Quirks, pause: float
) -> None:
    stage.sources = [Source([Batch(changes=(), raw=0)] * 3)]
    worker = stage.start(quirks=replace(quirks, cold_worker_delay=False, polls_take_time=False), instant=False)

    await worker.subscribe(stage.outlet, a_subscriber(), WANTED, CLAIMS)
    for _ in range(50):
        await a_turn()

    assert stage.clock.slept[:2] == [pause, pause]
