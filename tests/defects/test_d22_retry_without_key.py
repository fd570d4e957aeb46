"""D-22: the answer of an insert is lost after the commit; whoever says it again says it twice."""

from typing import Final

from harness.errors import InsertInDoubt, StoreError
from tests.defects.stage import Desk, accused, chunk, reference
from tests.instant import run

DEFECT: Final = "D-22"


async def insist(desk: Desk) -> str:
    """Say a chunk until it is taken."""
    desk.faults.append(InsertInDoubt("no answer"))
    taken = False
    while not taken:
        try:
            await desk.say(chunk(0))
            taken = True
        except StoreError:
            await desk.wait(1.0)
    await desk.wait(1.0)
    return await desk.text()


def test_the_accused_has_the_chunk_under_two_numbers_and_two_ids() -> None:
    async def story() -> tuple[Desk, str]:
        desk = await accused()
        text = await insist(desk)
        rows = await desk.written()
        assert [row["event_sequence"] for row in rows] == [1, 2]
        assert len({row["id"] for row in rows}) == 2
        return desk, text

    _, text = run(story())

    assert text == 2 * chunk(0).html_chunk


def test_the_reference_has_it_once() -> None:
    async def story() -> tuple[int, str]:
        desk = await reference()
        text = await insist(desk)
        return len(await desk.written()), text

    assert run(story()) == (1, chunk(0).html_chunk)
