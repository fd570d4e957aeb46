"""D-8: what is held back when the worker is asked to end is gone."""

from typing import Final

from tests.defects.stage import Desk, accused, chunk, reference
from tests.instant import run

DEFECT: Final = "D-8"


async def end_at_once(desk: Desk) -> str:
    await desk.say(chunk(0), chunk(1))
    await desk.publisher.close(grace=True)
    await desk.wait(2.0)
    return await desk.text()


def test_the_accused_drops_the_end_of_the_text() -> None:
    async def story() -> tuple[Desk, str]:
        desk = await accused()
        return desk, await end_at_once(desk)

    desk, text = run(story())

    assert text == chunk(0).html_chunk
    assert len(desk.history.where(f="emit")) == 2
    assert len(desk.history.where(f="debounce")) == 1


def test_the_reference_writes_what_it_holds_back() -> None:
    async def story() -> str:
        return await end_at_once(await reference())

    assert run(story()) == chunk(0).html_chunk + chunk(1).html_chunk
