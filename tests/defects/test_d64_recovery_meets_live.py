"""D-64: nothing orders what recovery fetches against what comes live meanwhile: lost, doubled or out of order."""

from collections.abc import Awaitable, Callable
from typing import Final

from harness.pipeline.app_api import EventPage
from tests.browser import a_row, accused, reference
from tests.defects.away import Reader, applied_in_the_end, come_back
from tests.instant import run

DEFECT: Final = "D-64"
Meanwhile = Callable[[], Awaitable[None]]


def slow_answers(stage: Reader, meanwhile: Meanwhile, *, reads_first: bool) -> None:
    """The next answer takes a second, in which `meanwhile` happens; the rows are read before it, or after."""
    answer = stage.app.events_since

    async def slow(process_id: str, since: int, limit: int) -> EventPage:
        stage.app.events_since = answer  # type: ignore[method-assign]
        early = await answer(process_id, since, limit)
        await meanwhile()
        await stage.clock.sleep(1.0)
        return early if reads_first else await answer(process_id, since, limit)

    stage.app.events_since = slow  # type: ignore[method-assign]


async def an_event_during_recovery(stage: Reader, *, reads_first: bool) -> list[int]:
    """Event 2 is missed; event 3 comes live while the answer of the recovery is under way."""
    await stage.live()
    await stage.commit(a_row(1))
    slow_answers(stage, lambda: stage.commit(a_row(3)), reads_first=reads_first)
    await come_back(stage, 2)
    return await applied_in_the_end(stage)


def test_the_accused_applies_late_what_was_missed_first() -> None:
    assert run(an_event_during_recovery(accused(uses_recovery=True), reads_first=True)) == [1, 3, 2]


def test_the_accused_applies_twice_what_came_both_ways() -> None:
    assert run(an_event_during_recovery(accused(uses_recovery=True), reads_first=False)) == [1, 3, 2, 3]


def test_the_reference_merges_them_by_number() -> None:
    for reads_first in (True, False):
        assert run(an_event_during_recovery(reference(), reads_first=reads_first)) == [1, 2, 3]
