"""D-66: after five looks in 31 seconds nobody looks again: a lid that is closed for a minute ends the page."""

from typing import Final

from tests.browser import a_row, accused, reference
from tests.defects.away import Reader, applied_in_the_end, come_back
from tests.instant import run

DEFECT: Final = "D-66"
MINUTES: Final = 600.0


async def asleep(stage: Reader, seconds: float) -> list[int]:
    await stage.live()
    await stage.commit(a_row(1))
    await come_back(stage, 2, after=seconds)
    return await applied_in_the_end(stage)


def test_the_accused_comes_back_from_seconds_and_not_from_ten_minutes() -> None:
    assert run(asleep(accused(uses_recovery=True), 10.0)) == [1, 2]
    assert run(asleep(accused(uses_recovery=True), MINUTES)) == [1]


def test_the_reference_comes_back_from_both() -> None:
    assert run(asleep(reference(), 10.0)) == [1, 2]
    assert run(asleep(reference(), MINUTES)) == [1, 2]
