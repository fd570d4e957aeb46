"""The options of a simulated generation."""

import pytest
from pydantic import ValidationError

from harness.pipeline.flow_options import Failure, FailurePlan, FlowOptions


def test_a_failure_happens_as_often_as_it_says() -> None:
    plan = FailurePlan((Failure(step="editing", times=2), Failure(step="writing_sections", at_chunk=3)))

    happened = [plan.due("editing"), plan.due("editing"), plan.due("editing"), plan.due("researching")]
    chunks = [plan.due("writing_sections", number) for number in (None, 2, 3, 3)]

    assert happened == [True, True, False, False]
    assert chunks == [False, False, True, False]


def test_failures_of_one_place_add_up() -> None:
    plan = FailurePlan((Failure(step="editing"), Failure(step="editing")))

    assert [plan.due("editing") for _ in range(3)] == [True, True, False]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"failures": [{"step": "editing", "at_chunk": 1}]}, "at_chunk is for writing_sections only"),
        ({"chunks": 2, "failures": [{"step": "writing_sections", "at_chunk": 2}]}, "at_chunk must be below chunks"),
        ({"heartbeat_s": 0}, "greater than 0"),
        ({"step_s": float("nan")}, "finite"),
    ],
)
def test_options_that_cannot_happen_are_refused(options: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        FlowOptions.model_validate(options)


def test_a_generation_asks_and_begins_by_itself_unless_it_is_told_otherwise() -> None:
    options = FlowOptions()

    assert (options.ask, options.scripted, options.held, options.section_chars) == (True, False, False, 800)
