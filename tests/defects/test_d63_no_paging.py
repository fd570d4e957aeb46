"""D-63: recovery reads one page; what did not fit in it is lost without a word."""

from typing import Final

from tests.browser import a_row, accused, reference
from tests.defects.away import Reader, applied_in_the_end, come_back
from tests.instant import run

DEFECT: Final = "D-63"
MISSED: Final = range(2, 2502)


async def long_away(stage: Reader) -> list[int]:
    await stage.live()
    await stage.commit(a_row(1))
    await come_back(stage, *MISSED)
    return await applied_in_the_end(stage)


def test_the_accused_has_the_first_thousand_of_2500() -> None:
    assert run(long_away(accused(uses_recovery=True))) == [*range(1, 1002)]


def test_the_reference_has_them_all() -> None:
    assert run(long_away(reference(page_size=1000))) == [*range(1, 2502)]
