"""D-7: an insert that fails where nobody waits for it takes its event along, and all goes on as if it were there."""

from typing import Final

from harness.errors import InsertFailed
from tests.defects.stage import Desk, accused, chunk, reference
from tests.instant import run

DEFECT: Final = "D-7"
SOURCE: Final = "".join(chunk(number).html_chunk for number in range(3))


async def with_one_failure(desk: Desk) -> str:
    """The database refuses the chunk that was held back, once."""
    await desk.say(chunk(0), chunk(1))
    desk.faults.append(InsertFailed("refused"))
    await desk.wait(1.0)
    await desk.say(chunk(2))
    await desk.wait(2.0)
    return await desk.text()


def test_the_accused_raises_nothing_and_has_lost_the_chunk() -> None:
    async def story() -> tuple[Desk, str]:
        desk = await accused()
        return desk, await with_one_failure(desk)

    desk, text = run(story())

    (failed,) = desk.history.where(f="insert", type="fail")
    assert failed.value.unheard is True
    assert text == chunk(0).html_chunk + chunk(2).html_chunk
    assert desk.publisher.held()["pending"] == 0


def test_the_reference_tries_again() -> None:
    async def story() -> tuple[Desk, str]:
        desk = await reference()
        return desk, await with_one_failure(desk)

    desk, text = run(story())

    assert len(desk.history.where(f="insert", type="fail")) == 1
    assert text == SOURCE
