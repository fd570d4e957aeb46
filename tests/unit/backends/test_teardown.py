"""Taking down goes to its end, whatever happens meanwhile."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from harness.backends.teardown import take_down
from tests.instant import InstantClock, run


async def taken_down(order: list[str], *, cancel_after: float | None, error: Exception | None = None) -> None:
    clock, stack = InstantClock(), AsyncExitStack()

    async def close(name: str) -> None:
        await clock.sleep(1.0)
        order.append(name)
        if error is not None and name == "second":
            raise error

    stack.push_async_callback(close, "first")
    stack.push_async_callback(close, "second")
    task = asyncio.ensure_future(take_down(stack))
    if cancel_after is not None:
        await clock.sleep(cancel_after)
        task.cancel()
    await task


def test_what_came_last_goes_first() -> None:
    order: list[str] = []

    run(taken_down(order, cancel_after=None))

    assert order == ["second", "first"]


@pytest.mark.parametrize("after", [0.0, 0.5, 1.5])
def test_a_caller_that_is_cancelled_meanwhile_is_so_when_all_is_closed(after: float) -> None:
    order: list[str] = []

    with pytest.raises(asyncio.CancelledError):
        run(taken_down(order, cancel_after=after))

    assert order == ["second", "first"]


@pytest.mark.parametrize("after", [None, 0.5])
def test_one_that_breaks_does_not_keep_the_others_open(after: float | None) -> None:
    order: list[str] = []

    with pytest.raises(KeyError):
        run(taken_down(order, cancel_after=after, error=KeyError("x")))

    assert order == ["second", "first"]
