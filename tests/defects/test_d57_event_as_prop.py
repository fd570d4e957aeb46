"""D-57: of the events that come within one render of the page only the last is processed."""

from typing import Final

from harness.pipeline.as_specified.batching import RENDER_S
from harness.pipeline.as_specified.memo_handler import MemoHandler
from tests.browser import EVENTS, a_change, a_row, reference
from tests.instant import run

DEFECT: Final = "D-57"
BURST: Final = [a_row(number) for number in (1, 2, 3)]
"""Three events that the server found in one poll: their frames come one right after the other."""


def test_the_accused_processes_the_last_of_three() -> None:
    handler = MemoHandler()
    for row in BURST:
        handler.give(row, 0.0)

    handler.tick(RENDER_S)

    assert [row["event_sequence"] for row in handler.processed()] == [3]


def test_the_reference_processes_all_three() -> None:
    async def story() -> list[int]:
        stage = await reference().live()
        await stage.hear(*(a_change(EVENTS, row) for row in BURST))
        await stage.reader.close()
        return [sequence for sequence, _ in stage.applied()]

    assert run(story()) == [1, 2, 3]
