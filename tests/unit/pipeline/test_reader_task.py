"""The inner task of a reader: begun, waited for, ended; how it fails is in test_subscriber."""

import asyncio

import pytest

from harness.errors import ClientError
from harness.pipeline.reader_task import ReaderTask
from tests.instant import InstantClock, run


async def nothing() -> None:
    return None


def test_whoever_waits_looks_again_when_something_is_announced() -> None:
    async def story() -> None:
        clock, seen = InstantClock(), [0]
        task = ReaderTask("reader", clock=clock, status=lambda: "live")
        task.begin(clock.sleep(100.0))

        async def change() -> None:
            await clock.sleep(3.0)
            seen[0] = 1
            task.announce()

        changing = asyncio.create_task(change())
        await task.wait(lambda: seen[0] == 1, 5.0, "changed")
        at = clock.now()
        await changing
        await task.end(nothing)

        assert at == pytest.approx(3.0)

    run(story())


def test_a_wait_says_what_did_not_happen() -> None:
    async def story() -> None:
        clock = InstantClock()
        task = ReaderTask("reader", clock=clock, status=lambda: "stale")
        task.begin(clock.sleep(100.0))

        with pytest.raises(TimeoutError, match="reader was not ready within 5 s: it is stale"):
            await task.wait(lambda: False, 5.0, "ready")
        await task.end(nothing)

        assert not task.running

    run(story())


def test_an_end_by_itself_is_told() -> None:
    async def story() -> None:
        clock = InstantClock()
        task = ReaderTask("reader", clock=clock, status=lambda: "live")
        task.begin(nothing())

        with pytest.raises(ClientError, match="reader ended by itself"):
            await task.wait(lambda: False, 5.0, "ready")

    run(story())
