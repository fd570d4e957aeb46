"""D-58: each update starts the 50 ms anew, so a steady stream is not shown before it ends; some of it is never."""

from typing import Final

from harness.pipeline.as_specified.batching import BatchedUpdates
from tests.browser import EVENTS, a_change, a_row, reference
from tests.instant import run

DEFECT: Final = "D-58"


def shown_at(times: list[float]) -> list[tuple[float, int]]:
    """An update at each of these times: when something was applied, and how many updates were in it."""
    updates, shown = BatchedUpdates(), []
    for number, at in enumerate(times):
        updates.add({str(number): True}, at)
        shown += [(at, len(batch)) for batch in updates.applied()]
    updates.tick(times[-1] + 1.0)
    return [*shown, *((times[-1] + 1.0, len(batch)) for batch in updates.applied())]


def test_the_accused_shows_nothing_of_a_steady_stream_before_its_end() -> None:
    every_40_ms = [number * 0.04 for number in range(250)]

    assert shown_at(every_40_ms) == [(every_40_ms[-1] + 1.0, 250)]


def test_the_accused_drops_what_was_set_between_render_and_timer() -> None:
    every_60_ms = [number * 0.06 for number in range(100)]

    assert sum(updates for _, updates in shown_at(every_60_ms)) < 100


def test_the_reference_shows_each_event_as_it_comes() -> None:
    async def story() -> list[int]:
        stage = await reference().live()
        shown = []
        for number in range(1, 251):
            await stage.hear(a_change(EVENTS, a_row(number)))
            await stage.clock.sleep(0.03)
            shown.append(stage.reader.state.last_event_sequence)
        await stage.reader.close()
        return shown

    assert run(story()) == [*range(1, 251)]
