"""D-62: a recovery that could not ask looks like one that found nothing missed."""

from typing import Final

from harness.errors import FetchFailed
from tests.browser import a_row, accused, reference
from tests.defects.away import Reader, applied_in_the_end, come_back
from tests.instant import run

DEFECT: Final = "D-62"


async def asked_in_vain(stage: Reader) -> tuple[list[int], list[str]]:
    """One event is missed, and the first question after it is answered with 500. What was applied, what was said."""
    await stage.live()
    await stage.commit(a_row(1))
    stage.app.failures.append(FetchFailed("u", 500, "down"))
    await come_back(stage, 2)
    return await applied_in_the_end(stage, wait=10.0), stage.statuses()


def test_the_accused_has_lost_it_and_says_that_it_is_live() -> None:
    assert run(asked_in_vain(accused(uses_recovery=True))) == ([1], ["connecting", "live"])


def test_the_reference_says_that_it_is_stale_and_asks_again() -> None:
    applied, statuses = run(asked_in_vain(reference()))

    assert applied == [1, 2]
    assert statuses[-3:] == ["stale", "catching_up", "live"]
