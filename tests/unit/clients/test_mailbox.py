import asyncio

import pytest

from harness.clients.client import Joined, Opened
from harness.clients.mailbox import Mailbox
from harness.errors import ClientError


async def test_events_come_in_order_and_after_the_end_every_take_raises() -> None:
    mailbox = Mailbox()
    mailbox.put(Opened())
    mailbox.put(Joined(topic="a"))
    mailbox.end()

    taken = [await mailbox.take(), await mailbox.take()]

    assert taken == [Opened(), Joined(topic="a")]
    for _ in range(2):
        with pytest.raises(ClientError, match="the client was closed"):
            await mailbox.take()


async def test_the_exception_of_a_watched_task_reaches_the_one_who_takes() -> None:
    async def broken() -> None:
        raise ValueError("a bug")

    mailbox = Mailbox()
    task = asyncio.create_task(broken())

    mailbox.watch(task)

    with pytest.raises(ValueError, match="a bug"):
        await mailbox.take()


async def test_a_cancelled_or_finished_task_is_no_failure() -> None:
    async def fine() -> None:
        await asyncio.Event().wait()

    async def finished() -> None:
        return

    mailbox = Mailbox()
    tasks = [asyncio.create_task(fine()), asyncio.create_task(finished())]
    for task in tasks:
        mailbox.watch(task)

    tasks[0].cancel()
    await asyncio.wait(tasks)
    mailbox.put(Opened())

    assert await mailbox.take() == Opened()
