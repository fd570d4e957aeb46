"""D-51: whoever opens the page late, or was away, is never given what came before."""

from typing import Final

from harness.pipeline.as_specified.page import Page
from harness.pipeline.subscriber import Subscriber
from tests.browser import Stage, a_row, accused, reference
from tests.instant import run

DEFECT: Final = "D-51"
BEFORE: Final = [a_row(number) for number in (1, 2, 3)]


async def late_and_away(stage: Stage[Page] | Stage[Subscriber]) -> tuple[list[int], str]:
    """Three events are there, one comes live, one while the socket is down. What was applied, and what it says then."""
    await stage.live()
    await stage.commit(a_row(4))
    await stage.reader.drop()
    await stage.commit(a_row(5), live=False)
    await stage.clock.sleep(20.0)
    stage.client.reconnect()
    await stage.clock.sleep(20.0)
    status = stage.reader.status
    await stage.reader.close()
    return [sequence for sequence, _ in stage.applied()], status


def test_the_accused_has_only_what_came_while_it_listened_and_says_that_it_is_live() -> None:
    assert run(late_and_away(accused(*BEFORE))) == ([4], "live")


def test_the_reference_has_all() -> None:
    assert run(late_and_away(reference(*BEFORE))) == ([1, 2, 3, 4, 5], "live")
