"""When a channel hears that broadcasts from the database arrive (realtime-facts 3.4, recording p05c)."""

from collections.abc import Callable

from harness.clock import SystemClock
from harness.realtime.channel import Channel
from harness.realtime.join import BroadcastOptions, Join
from harness.realtime.replication_ready import ReplicationReady
from tests.unit.realtime.test_broadcasting import ALICE, TOPIC, Heard, House

TURN = SystemClock()
READY = {
    "message": "Replication connection established",
    "status": "ok",
    "extension": "system",
    "channel": "room",
}
LATE = {**READY, "message": "Replication connection was not established in time", "status": "error"}


def a_waiter(
    house: House, connected: Callable[[], bool], *, asks: bool = True
) -> tuple[ReplicationReady, Channel, Heard]:
    socket = Heard()
    join = Join(broadcast=BroadcastOptions(replication_ready=asks))
    channel = Channel(number=1, topic=TOPIC, join=join, claims=ALICE, socket=socket)
    ready = ReplicationReady(house.services, connected)
    follow = ready.feature().follow
    assert follow is not None
    follow(channel)
    return ready, channel, socket


async def settled(socket: Heard) -> None:
    for _ in range(1000):
        if socket.said:
            return
        await TURN.sleep(0.0)


async def test_it_is_told_at_once_while_the_stream_stands() -> None:
    _, _, socket = a_waiter(House(), lambda: True)

    assert socket.said == [("push", "system", READY)]


async def test_who_does_not_ask_is_not_told() -> None:
    _, _, socket = a_waiter(House(), lambda: True, asks=False)

    assert socket.said == []


async def test_it_is_told_at_the_next_look() -> None:
    house = House()
    _, _, socket = a_waiter(house, lambda: house.clock.seconds >= 1.0)

    await settled(socket)

    assert socket.said == [("push", "system", READY)]
    assert house.clock.seconds == 1.0


async def test_after_a_minute_the_channel_is_closed() -> None:
    house = House()
    _, _, socket = a_waiter(house, lambda: False)

    await settled(socket)

    assert socket.said == [("push", "system", LATE), ("end",)]
    assert house.clock.seconds == 60.0


async def test_a_channel_that_is_over_waits_no_longer() -> None:
    house = House()
    ready, channel, socket = a_waiter(house, lambda: house.clock.seconds > 0.0)
    over = ready.feature().over
    assert over is not None

    over(channel)
    await settled(socket)

    assert socket.said == []
