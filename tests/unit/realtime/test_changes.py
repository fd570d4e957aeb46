import inspect
from collections.abc import Awaitable, Sequence
from datetime import UTC, datetime
from random import Random
from typing import Any, cast

from harness.errors import VisibilityError
from harness.history.recorder import Recorder
from harness.realtime.auth import Claims
from harness.realtime.changes import Changes
from harness.realtime.channel import Channel
from harness.realtime.feature import Feature
from harness.realtime.join import Join
from harness.realtime.limits import TenantLimits
from harness.realtime.plans import Limits
from harness.realtime.quirks import Quirks
from harness.realtime.services import Services
from harness.realtime.subscription import Binding, Refused, Subscriber, Wanted, binding
from harness.realtime.tenant import LiveTenant, Tenant
from harness.realtime.worker import Outlet, Worker
from tests.unit.realtime.channel_doubles import Heard, a_channel, said_by_system, turns

JOIN = Join(bindings=(binding({"schema": "public", "table": "t"}),))
READY = said_by_system("ok", "Subscribed to PostgreSQL", extension="postgres_changes")


class Clock:
    """A clock that goes on when it is slept at."""

    def __init__(self) -> None:
        self.time = 0.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.time

    def wall(self) -> datetime:
        return datetime(2026, 11, 24, tzinfo=UTC)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds
        await turns(1)


class Fate:
    """A worker that answers with what it is told to, the last answer again and again."""

    def __init__(self, *answers: Refused | Exception | None, warm: bool = True) -> None:
        self.answers = list(answers)
        self.warm = warm
        self.asked: list[str] = []
        self.gone: list[Subscriber] = []

    async def subscribe(
        self, outlet: Outlet, subscriber: Subscriber, wanted: Sequence[tuple[Binding, Wanted]], claims: Claims
    ) -> Refused | None:
        self.asked.append(claims.role)
        await turns(1)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def unsubscribe(self, subscriber: Subscriber) -> None:
        self.gone.append(subscriber)


def feature(worker: Fate, clock: Clock, **quirks: bool) -> Feature:
    tenant = Tenant(jwt_secret="s", quirks=Quirks(**quirks))
    services = Services(
        live=LiveTenant(tenant),
        worker=cast(Worker, worker),
        clock=clock,
        rng=Random(1),
        recorder=Recorder(clock.now),
        limits=TenantLimits(Limits()),
    )
    return Changes(services).feature()


async def admitted(hooks: Feature, channel: Channel) -> None:
    assert hooks.admit is not None
    await settled(hooks.admit(channel))


async def followed(hooks: Feature, channel: Channel) -> bool:
    """Whether what other features send has to wait."""
    assert hooks.follow is not None
    waiting = hooks.follow(channel)
    await settled(waiting)
    return waiting is not None


async def settled(answer: Awaitable[Any] | object) -> None:
    if inspect.isawaitable(answer):
        await answer


def over(hooks: Feature, channel: Channel) -> None:
    assert hooks.over is not None
    hooks.over(channel)


async def test_on_a_warm_worker_the_outcome_comes_first() -> None:
    socket, worker = Heard(), Fate(None)
    hooks, channel = feature(worker, Clock()), a_channel(socket, join=JOIN)

    await admitted(hooks, channel)
    first = await followed(hooks, channel)

    assert (first, socket.said) == (True, [READY])
    over(hooks, channel)
    assert worker.gone == [channel.subscriber]


async def test_on_a_cold_worker_nobody_waits_for_it() -> None:
    socket, worker = Heard(), Fate(None, warm=False)
    hooks, channel = feature(worker, Clock()), a_channel(socket, join=JOIN)

    await admitted(hooks, channel)
    first = await followed(hooks, channel)
    before = list(socket.said)
    await turns()

    assert (first, before, socket.said) == (False, [], [READY])
    over(hooks, channel)


async def test_a_channel_without_bindings_asks_nobody() -> None:
    socket, worker = Heard(), Fate(None)
    hooks, channel = feature(worker, Clock()), a_channel(socket)

    await admitted(hooks, channel)
    await followed(hooks, channel)
    over(hooks, channel)

    assert (socket.said, worker.asked, worker.gone) == ([], [], [])


async def test_a_refusal_is_said_once_and_not_tried_again() -> None:
    socket, worker, clock = Heard(), Fate(Refused(message="no")), Clock()
    hooks, channel = feature(worker, clock), a_channel(socket, join=JOIN)

    await admitted(hooks, channel)
    await followed(hooks, channel)
    await turns()

    assert socket.said == [said_by_system("error", "no", extension="postgres_changes")]
    over(hooks, channel)


async def test_one_binding_that_is_not_understood_refuses_all_of_them() -> None:
    socket, worker = Heard(), Fate(None)
    join = Join(bindings=(*JOIN.bindings, binding({})))
    hooks, channel = feature(worker, Clock()), a_channel(socket, join=join)

    await admitted(hooks, channel)
    await followed(hooks, channel)

    ((event, payload),) = socket.said
    assert (event, payload["status"], worker.asked) == ("system", "error", [])
    over(hooks, channel)


async def test_a_database_that_does_not_answer_is_asked_again_after_5_to_10_s() -> None:
    socket, worker, clock = Heard(), Fate(VisibilityError("too slow"), None), Clock()
    hooks, channel = feature(worker, clock), a_channel(socket, join=JOIN)

    await admitted(hooks, channel)
    await followed(hooks, channel)
    await turns()

    assert socket.said == [said_by_system("error", "too slow", extension="postgres_changes"), READY]
    assert [5.0 <= seconds <= 10.0 for seconds in clock.slept] == [True]
    over(hooks, channel)


async def test_several_new_tokens_in_a_row_subscribe_once_with_the_last() -> None:
    socket, worker, clock = Heard(), Fate(None), Clock()
    hooks, channel = feature(worker, clock), a_channel(socket, join=JOIN)
    await admitted(hooks, channel)
    await followed(hooks, channel)
    assert hooks.refresh is not None

    for role in ("authenticated", "service_role"):
        channel.claims = Claims(role=role, expires=1, text="{}", token=role)
        hooks.refresh(channel)
    await turns()

    assert (worker.asked, socket.said) == (["anon", "service_role"], [READY, READY])
    assert [1.0 <= seconds <= 3.0 for seconds in clock.slept] == [True]
    over(hooks, channel)


async def test_a_forgotten_channel_subscribes_again() -> None:
    socket, worker, clock = Heard(), Fate(None), Clock()
    hooks, channel = feature(worker, clock), a_channel(socket, join=JOIN)
    await admitted(hooks, channel)
    await followed(hooks, channel)
    assert channel.forgotten is not None

    channel.forgotten(True)
    await turns()

    assert (socket.said, clock.slept) == ([READY, READY], [])
    over(hooks, channel)


async def test_without_the_quirk_a_join_is_answered_when_its_subscription_exists() -> None:
    socket, worker = Heard(), Fate(None)
    hooks, channel = feature(worker, Clock(), reply_before_subscription=False), a_channel(socket, join=JOIN)

    await admitted(hooks, channel)
    asked, before = list(worker.asked), list(socket.said)
    await followed(hooks, channel)

    assert (asked, before, socket.said) == (["anon"], [], [READY])
    over(hooks, channel)
