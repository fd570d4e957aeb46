"""A user's way through an article generation."""

from typing import get_args

import pytest

from harness import generators as gen
from harness.events.types import InputType
from harness.generators.step import Answer
from harness.pipeline.flow_options import FlowOptions


def test_all_questions_are_answered_in_the_order_in_which_they_are_asked() -> None:
    steps = list(gen.answer_all("reader", after=2.0))

    assert [step.input_type for step in steps if isinstance(step, Answer)] == list(get_args(InputType))
    assert {step.after for step in steps if isinstance(step, Answer)} == {2.0}


@pytest.mark.parametrize(
    ("input_type", "action", "payload"),
    [("SELECT_PERSONA", "select", {"selected_index": 0}), ("APPROVE_PLAN", "approve", {})],
)
def test_a_selection_is_made_and_a_plan_approved(input_type: str, action: str, payload: dict[str, int]) -> None:
    step = gen.answer_question("reader", input_type)

    assert (step.action, step.payload) == (action, payload)


def test_a_simulation_is_what_the_flow_takes() -> None:
    options = gen.simulation(failures=[{"step": "editing", "times": 2}], fatal_step="researching")

    assert set(options) <= set(FlowOptions.model_fields)
    assert FlowOptions.model_validate(options).fatal_step == "researching"
