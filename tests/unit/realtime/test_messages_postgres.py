"""How the stream of `realtime.messages` comes back after a break, without a database (realtime-facts 5.3)."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random

from harness.clock import SystemClock
from harness.errors import ReplicationError
from harness.history.recorder import Recorder
from harness.realtime.messages_postgres import PostgresMessages
from harness.replication.source import Batch, ChangeSource

TURN = SystemClock()
JANITOR_S = 4 * 3600.0
ENOUGH = 6


@dataclass(kw_only=True)
class Waits:
    """A clock that notes how long it was waited for; the janitor waits for ever."""

    seconds: float = 0.0
    waits: list[float] = field(default_factory=list)
    enough: asyncio.Event = field(default_factory=asyncio.Event)

    def now(self) -> float:
        return self.seconds

    def wall(self) -> datetime:
        return datetime(2026, 11, 24, tzinfo=UTC)

    async def sleep(self, seconds: float) -> None:
        if seconds >= JANITOR_S or len(self.waits) == ENOUGH:
            if len(self.waits) == ENOUGH:
                self.enough.set()
            await asyncio.Event().wait()
        self.seconds += seconds
        self.waits.append(seconds)
        await TURN.sleep(0.0)


@dataclass(kw_only=True)
class Broken:
    """A source that never opens, or breaks at the first read."""

    opens: bool

    async def open(self) -> None:
        if not self.opens:
            raise ReplicationError("no slot is free")

    async def read(self) -> Batch:
        raise ReplicationError("the walsender was terminated")

    async def close(self) -> None: ...


async def broken_stream(*, patient: bool, opens: bool = False) -> tuple[Waits, Recorder]:
    clock = Waits()
    recorder = Recorder(clock.now)

    def source() -> ChangeSource:
        return Broken(opens=opens)

    messages = PostgresMessages(
        "postgresql://nobody", open_source=source, clock=clock, rng=Random(7), recorder=recorder
    )
    messages.listen(lambda change: None, patient=patient)
    await asyncio.wait_for(clock.enough.wait(), 5)
    await messages.close()
    return clock, recorder


async def test_it_is_tried_again_after_ever_longer_waits() -> None:
    clock, _ = await broken_stream(patient=True)

    longest = [15.0, *(min(3 * wait, 300.0) for wait in clock.waits[:-1])]
    assert all(5.0 <= wait <= most for wait, most in zip(clock.waits, longest, strict=True))
    assert len(set(clock.waits)) > 1


async def test_a_stream_that_stood_begins_with_short_waits_again() -> None:
    clock, recorder = await broken_stream(patient=True, opens=True)

    assert all(5.0 <= wait <= 15.0 for wait in clock.waits)
    assert {op.value["failures"] for op in recorder.ops()} == {1}


async def test_without_the_quirk_it_is_tried_at_once() -> None:
    clock, _ = await broken_stream(patient=False)

    assert clock.waits == [0.1] * ENOUGH


async def test_every_break_is_told_to_the_history() -> None:
    _, recorder = await broken_stream(patient=False)

    assert [(op.f, op.type, op.value["failures"], op.error) for op in recorder.ops()][:2] == [
        ("stream", "info", 1, "no slot is free"),
        ("stream", "info", 2, "no slot is free"),
    ]


async def test_after_two_hours_it_is_given_up() -> None:
    clock = Waits()
    recorder = Recorder(clock.now)

    def source() -> ChangeSource:
        clock.seconds += 4000.0
        return Broken(opens=False)

    messages = PostgresMessages(
        "postgresql://nobody", open_source=source, clock=clock, rng=Random(7), recorder=recorder
    )
    messages.listen(lambda change: None, patient=False)
    for _ in range(100):
        await TURN.sleep(0.0)
    await messages.close()

    assert len(recorder.ops()) == 2
