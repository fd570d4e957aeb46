"""D-3: an event that is due overtakes an older one that is still held back, and is overwritten by it."""

from typing import Final

from harness.events.types import Progress, StepUpdate
from tests.defects.stage import Desk, accused, reference
from tests.instant import run

DEFECT: Final = "D-3"


def step(name: str) -> StepUpdate:
    return StepUpdate(step=name, message="", progress=Progress(completed_steps=0, total_steps=1, percentage=0))


async def with_a_late_timer(desk: Desk) -> list[object]:
    """The loop is busy: the timer of the second event comes a second late, the third event does not wait for it."""
    await desk.say(step("first"))
    await desk.wait(0.1)
    desk.clock.throttled_to = 1.0
    await desk.say(step("second"))
    await desk.wait(0.2)
    await desk.say(step("third"))
    await desk.wait(3.0)
    return await desk.fields("step")


def test_the_accused_tells_the_older_step_last() -> None:
    async def story() -> list[object]:
        return await with_a_late_timer(await accused())

    assert run(story()) == ["first", "third", "second"]


def test_the_reference_keeps_the_order_that_was_meant() -> None:
    async def story() -> list[object]:
        return await with_a_late_timer(await reference())

    assert run(story()) == ["first", "second", "third"]
