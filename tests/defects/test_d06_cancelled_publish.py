"""D-6: an event that is being inserted is cancelled by the next one of its key, and nobody is told."""

from typing import Final

from tests.defects.stage import Desk, accused, chunk, reference
from tests.instant import run

DEFECT: Final = "D-6"
SOURCE: Final = "".join(chunk(number).html_chunk for number in range(4))


SLOW: Final = (0.0, 1.0)
"""Seconds that the inserts take: the second is slow, all others are not."""


async def while_one_insert_is_slow(desk: Desk) -> str:
    """The timer writes the second chunk from 0.2 to 1.2; the third is due and passes it, the fourth cancels it."""
    for number in range(4):
        await desk.say(chunk(number))
        await desk.wait(0.1 if number != 1 else 0.2)
    await desk.wait(3.0)
    return await desk.text()


def test_the_accused_starts_inserts_that_never_finish() -> None:
    async def story() -> tuple[Desk, str]:
        desk = await accused(delays_s=SLOW)
        return desk, await while_one_insert_is_slow(desk)

    desk, text = run(story())

    cut = desk.history.where(f="insert", type="info")
    lost = {op.value.event_id for op in cut}
    assert [op.error for op in cut] == ["cancelled in mid-insert"]
    assert chunk(1).html_chunk not in text
    assert not [op for op in desk.history.where(f="insert", type="ok") if op.value.event_id in lost]


def test_the_reference_finishes_what_it_has_started() -> None:
    async def story() -> tuple[Desk, str]:
        desk = await reference(delays_s=SLOW)
        return desk, await while_one_insert_is_slow(desk)

    desk, text = run(story())

    assert text == SOURCE
    assert not desk.history.where(f="insert", type="info")
