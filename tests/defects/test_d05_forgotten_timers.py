"""D-5: a timer that is cancelled takes its successor out of the books, which nobody can then cancel."""

from typing import Final

from tests.defects.stage import Desk, accused, chunk, reference
from tests.instant import run

DEFECT: Final = "D-5"


async def most_timers(desk: Desk) -> int:
    most = 0
    for number in range(20):
        await desk.say(chunk(number))
        await desk.wait(0.02)
        most = max(most, desk.publisher.held()["timers"])
    return most


def test_the_accused_has_several_timers_for_one_key() -> None:
    async def story() -> int:
        return await most_timers(await accused())

    assert run(story()) > 1


def test_the_reference_has_one_timer() -> None:
    async def story() -> int:
        return await most_timers(await reference())

    assert run(story()) == 1
