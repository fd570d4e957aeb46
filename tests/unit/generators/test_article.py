"""A user's way through an article generation."""

from typing import get_args

import pytest

from harness import generators as gen
from harness.events.types import EVENT_TYPES, EventData, InputType
from harness.generators.step import Answer
from harness.pipeline.debouncer import MIN_INTERVAL_S
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


def test_a_calm_generation_asks_nobody_and_waits_until_it_is_released() -> None:
    options = FlowOptions.model_validate(gen.calm(sections=1, images=0))

    assert (options.ask, options.held, options.scripted) == (False, True, False)
    assert (options.sections, options.images, options.chunks) == (1, 0, 10)
    assert options.chunk_interval_s > MIN_INTERVAL_S


@pytest.mark.parametrize(
    "event", [gen.step_completed("editing"), gen.image_placeholder(3), gen.image(3)], ids=lambda event: event.event_type
)
def test_an_event_for_emit_is_one_that_everybody_understands(event: EventData) -> None:
    assert EVENT_TYPES[event.event_type].model_validate(event.model_dump(mode="json")) == event


def test_an_image_comes_to_the_place_that_was_made_for_it() -> None:
    assert gen.image(3).placeholder_id == gen.image_placeholder(3).placeholder_id
