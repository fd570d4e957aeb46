"""D-59: an answer that failed is logged and no more, and one that the page forgets is given twice."""

from typing import Final

import pytest

from harness.errors import FetchFailed
from tests.browser import EVENTS, QUESTION, a_change, a_row, accused, reference
from tests.defects.away import Reader
from tests.instant import run

DEFECT: Final = "D-59"


async def answers_after_the_question_came_twice(stage: Reader) -> int:
    """Its frame is doubled, the second after the answer; how many answers were posted to one question."""
    await stage.live()
    for _ in range(2):
        await stage.hear(a_change(EVENTS, a_row(1, "user_input_required", QUESTION)))
        if stage.reader.shows_question("SELECT_THEME"):
            await stage.reader.answer("SELECT_THEME", "select", {"selected_index": 0})
    await stage.reader.close()
    return len(stage.app.posts)


async def answer_in_vain(stage: Reader) -> None:
    await stage.live()
    await stage.commit(a_row(1, "user_input_required", QUESTION))
    stage.app.failures.append(FetchFailed("u", 503, "busy"))
    try:
        await stage.reader.answer("SELECT_THEME", "select", {"selected_index": 0})
    finally:
        await stage.reader.close()


def test_the_accused_answers_one_question_twice() -> None:
    assert run(answers_after_the_question_came_twice(accused())) == 2


def test_the_reference_answers_it_once() -> None:
    assert run(answers_after_the_question_came_twice(reference())) == 1


def test_the_accused_takes_an_answer_that_failed_for_given() -> None:
    run(answer_in_vain(accused()))


def test_the_reference_tells_whoever_answered() -> None:
    with pytest.raises(FetchFailed, match="503"):
        run(answer_in_vain(reference()))
