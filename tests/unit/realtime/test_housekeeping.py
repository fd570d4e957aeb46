import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from harness.errors import VisibilityError
from harness.history.recorder import Recorder
from harness.realtime.auth import Claims
from harness.realtime.housekeeping import Housekeeping
from harness.realtime.outlet import Delivery, Outlet
from harness.realtime.registry import Registry
from harness.realtime.subscription import Binding, Refused, Subscriber, Subscription, Wanted
from harness.realtime.tenant import Tenant
from harness.realtime.visibility import Judgement, Question

CLAIMS = Claims(role="anon", expires=1, text="{}", token="t")
TENANT = Tenant(jwt_secret="s")


class Clock:
    """Time passes by sleeping, at once; after `most` sleeps it stands still."""

    def __init__(self, most: int) -> None:
        self.time = 0.0
        self.slept: list[float] = []
        self.most = most
        self.done = asyncio.Event()

    def now(self) -> float:
        return self.time

    def wall(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)

    async def sleep(self, seconds: float) -> None:
        if len(self.slept) == self.most:
            self.done.set()
            await asyncio.Event().wait()
        self.slept.append(seconds)
        self.time += seconds


class Rows:
    """A visibility that only keeps rows; `failing` makes it break."""

    def __init__(self) -> None:
        self.removed: list[int] = []
        self.tables = frozenset({7})
        self.failing = False

    async def subscribe(
        self, subscriber: Subscriber, wanted: Sequence[tuple[Binding, Wanted]], claims: Claims
    ) -> tuple[Subscription, ...] | Refused:
        raise AssertionError("nobody subscribes here")

    async def judge(self, questions: Sequence[Question]) -> tuple[Judgement, ...]:
        raise AssertionError("nobody asks here")

    async def clear(self) -> None:
        self.removed.append(0)

    async def remove(self, rows: Sequence[int]) -> None:
        if self.failing:
            raise VisibilityError("the manager's connection was cut")
        self.removed.append(len(rows))

    async def server_began(self) -> str:
        return "today"

    async def published(self) -> frozenset[int]:
        return self.tables

    async def release(self, slot: str) -> None:
        raise AssertionError("no slot here")


class Nowhere:
    def deliver(self, deliveries: Sequence[Delivery]) -> None:
        raise AssertionError("nothing is delivered here")

    def down(self, subscriber: Subscriber, *, at_once: bool = False) -> None:
        raise AssertionError("nobody is put down here")


class Stage:
    def __init__(self, sleeps: int) -> None:
        self.clock = Clock(sleeps)
        self.rows = Rows()
        self.registry: Registry[Outlet] = Registry()
        self.recorder = Recorder(lambda: 0.0)
        self.changes = 0
        self.house = Housekeeping(
            tenant=TENANT,
            visibility=self.rows,
            registry=self.registry,
            clock=self.clock,
            recorder=self.recorder,
            changed=self._changed,
        )
        self.house.published = frozenset({7})

    def _changed(self) -> None:
        self.changes += 1

    def add(self, rows: range) -> Subscriber:
        subscriber = Subscriber(link="l", topic="realtime:x", vsn="2.0.0")
        kept: dict[str, Any] = {"binding_id": 1, "position": 0, "relation": 7, "action": "*", "claims": CLAIMS}
        subscriptions = tuple(Subscription(subscriber=subscriber, row=row, **kept) for row in rows)
        self.registry.add(Nowhere(), subscriber, subscriptions)
        return subscriber

    async def run(self) -> None:
        """Until time stands still."""
        running = asyncio.create_task(self.house.run())
        await self.clock.done.wait()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_rows_are_removed_every_15_s_and_every_second_while_there_are_more_than_a_thousand() -> None:
    stage = Stage(sleeps=3)
    stage.registry.leave(stage.add(range(1, 2501)))

    await stage.run()

    assert stage.clock.slept == [15.0, 1.0, 1.0]
    assert stage.rows.removed == [1000, 1000, 500]
    assert stage.registry.left(1) == []


async def test_the_publication_is_looked_at_every_minute() -> None:
    stage = Stage(sleeps=8)
    stage.add(range(1, 2))
    stage.rows.tables = frozenset({7, 8})

    await stage.run()

    assert stage.clock.time == 120.0
    assert (stage.changes, stage.house.published) == (1, frozenset({7, 8}))


async def test_what_could_not_be_removed_is_removed_later() -> None:
    stage = Stage(sleeps=1)
    stage.registry.leave(stage.add(range(1, 3)))
    stage.rows.failing = True

    await stage.run()

    assert stage.registry.left(10) == [1, 2]
    assert [(op.f, op.error) for op in stage.recorder.ops()] == [("housekeeping", "the manager's connection was cut")]


async def test_it_ends_when_nobody_has_stood_for_ten_minutes() -> None:
    stage = Stage(sleeps=1000)

    await stage.house.run()

    assert stage.clock.time == 600.0
