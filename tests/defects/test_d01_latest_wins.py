"""D-1: the latest chunk overwrites the one before it, and with it that piece of the text."""

from typing import Final

from tests.defects.stage import Desk, accused, chunk, reference
from tests.instant import run

DEFECT: Final = "D-1"
CHUNKS: Final = [chunk(number) for number in range(100)]
SOURCE: Final = "".join(one.html_chunk for one in CHUNKS)


async def stream(desk: Desk) -> str:
    """Fifty chunks a second; the text that is in the tables when all is over."""
    for one in CHUNKS:
        await desk.say(one)
        await desk.wait(0.02)
    await desk.wait(1.0)
    return await desk.text()


def test_the_accused_loses_most_of_a_stream_of_chunks() -> None:
    async def story() -> tuple[str, Desk]:
        desk = await accused()
        return await stream(desk), desk

    text, desk = run(story())

    assert len(text) < 0.2 * len(SOURCE)
    replaced = desk.history.where(f="debounce", outcome="replaced")
    assert len(replaced) + len(desk.history.where(f="insert", type="ok")) == len(CHUNKS)


def test_the_reference_joins_them_and_loses_nothing() -> None:
    async def story() -> tuple[str, int]:
        desk = await reference()
        return await stream(desk), len(await desk.written())

    text, rows = run(story())

    assert text == SOURCE
    assert rows < len(CHUNKS)
