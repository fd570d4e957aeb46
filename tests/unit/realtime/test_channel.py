import asyncio
from typing import Any

from tests.unit.realtime.channel_doubles import Heard, a_channel, said_by_system, turns


async def test_steps_are_done_in_order_and_wait_for_each_other() -> None:
    channel, done, gate = a_channel(Heard()), list[int](), asyncio.Event()

    async def slow() -> None:
        await gate.wait()
        done.append(2)

    channel.do(lambda: done.append(1))
    channel.do(slow)
    channel.do(lambda: done.append(3))
    before = list(done)
    backlog = channel.backlog
    gate.set()
    await turns()

    assert (before, backlog, done) == ([1], 1, [1, 2, 3])


async def test_a_step_that_a_step_asks_for_comes_after_it() -> None:
    channel, done = a_channel(Heard()), list[str]()

    def outer() -> None:
        channel.do(lambda: done.append("inner"))
        done.append("outer")

    channel.do(outer)

    assert done == ["outer", "inner"]


async def test_a_step_that_raises_crashes_the_channel_and_is_told() -> None:
    told: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(str(context["exception"])))
    sockets = [Heard(), Heard()]
    channels = [a_channel(socket) for socket in sockets]

    async def later() -> None:
        raise ValueError("later")

    def at_once() -> None:
        raise ValueError("at once")

    channels[0].do(at_once)
    channels[1].do(later)
    await turns()

    assert [socket.said for socket in sockets] == [["crash"], ["crash"]]
    assert told == ["at once", "later"]


async def test_a_channel_that_is_over_does_nothing_more() -> None:
    channel, done = a_channel(Heard()), list[int]()

    async def slow() -> None:
        await asyncio.Event().wait()
        done.append(1)

    channel.do(slow)
    channel.do(lambda: done.append(2))
    channel.stop()
    await turns()

    assert (channel.over, done) == (True, [])


async def test_an_expelled_channel_hears_why_before_it_ends() -> None:
    socket = Heard()

    a_channel(socket).expel("Too many messages per second")

    assert socket.said == [said_by_system("error", "Too many messages per second"), "end"]
