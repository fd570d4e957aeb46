"""D-65: the cursor is the largest number seen, so recovery never asks for what was missing below it."""

from typing import Final

from tests.browser import EVENTS, a_change, a_row, accused, reference
from tests.defects.away import Reader, applied_in_the_end, come_back
from tests.instant import run

DEFECT: Final = "D-65"


async def a_hole_and_a_lost_socket(stage: Reader) -> tuple[list[int], int]:
    """Event 2 does not come and 3 does, then the socket is lost. What was applied, and the cursor before the loss."""
    await stage.live()
    await stage.commit(a_row(1))
    await stage.commit(a_row(2), live=False)
    stage.app.rows.append(a_row(3))
    await stage.hear(a_change(EVENTS, a_row(3)))
    cursor = stage.reader.cursor
    await come_back(stage, 4)
    return await applied_in_the_end(stage), cursor


def test_the_accused_never_asks_for_the_hole() -> None:
    assert run(a_hole_and_a_lost_socket(accused(uses_recovery=True))) == ([1, 3, 4], 3)


def test_the_cursor_of_the_reference_stays_before_it() -> None:
    assert run(a_hole_and_a_lost_socket(reference())) == ([1, 2, 3, 4], 1)
