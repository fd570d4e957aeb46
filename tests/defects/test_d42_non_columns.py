"""D-42: what the client reads as columns is inside a JSON column, so every state update closes the dialog."""

from typing import Any, Final

from harness.pipeline.as_specified.page import Page
from harness.pipeline.subscriber import Subscriber
from tests.browser import EVENTS, QUESTION, STATE, Stage, a_change, a_row, a_state_row, accused, reference
from tests.instant import run

DEFECT: Final = "D-42"
AS_SPECIFIED: Final = {"step_execution_metadata": {"is_waiting_for_input": True, "expected_user_input": "SELECT_THEME"}}
AS_REFERENCE: Final = {"status": "waiting", "is_waiting_for_input": True, "expected_user_input": "SELECT_THEME"}


async def asked_then_saved(stage: Stage[Page] | Stage[Subscriber], written: dict[str, Any]) -> list[bool]:
    """Whether the question is shown after its event, and after the row that says that it is open."""
    await stage.live()
    shown = []
    for change in (
        a_change(EVENTS, a_row(1, "user_input_required", QUESTION)),
        a_change(STATE, a_state_row(1) | written),
    ):
        await stage.hear(change)
        shown.append(stage.reader.shows_question("SELECT_THEME"))
    await stage.reader.close()
    return shown


def test_the_accused_closes_the_dialog_that_the_row_says_is_open() -> None:
    assert run(asked_then_saved(accused(), AS_SPECIFIED)) == [True, False]


def test_the_reference_keeps_it_open() -> None:
    assert run(asked_then_saved(reference(), AS_REFERENCE)) == [True, True]
