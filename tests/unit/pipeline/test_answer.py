"""What an answer means, and which answers are none."""

from uuid import UUID

import pytest

from harness.errors import InvalidRequest
from harness.events.types import Choice, InputType, UserInputReceived, UserInputRequired
from harness.pipeline.answer import Answer, decide
from harness.pipeline.requests import InputPayload
from tests.instant import BEGIN

ID = UUID("11111111-2222-4333-8444-555555555555")
OPTIONS = tuple(Choice(index=index, title=title) for index, title in enumerate("abc"))


def question(input_type: InputType = "SELECT_THEME", options: tuple[Choice, ...] = OPTIONS) -> UserInputRequired:
    return UserInputRequired(input_id=ID, input_type=input_type, timeout=BEGIN, options=options)


@pytest.mark.parametrize(
    ("payload", "action", "choice"),
    [
        (InputPayload(selected_index=1), "select", OPTIONS[1]),
        (InputPayload(selected_id=2), "select", OPTIONS[2]),
        (InputPayload(action="select", selected_index=0), "select", OPTIONS[0]),
        (InputPayload(action="skip"), "skip", OPTIONS[0]),
        (InputPayload(action="regenerate"), "regenerate", None),
        (InputPayload(action="edit", selected_index=2, title="x"), "edit", Choice(index=2, title="x")),
        (
            InputPayload(action="edit", selected_index=0, description="d", keywords=("k",)),
            "edit",
            Choice(index=0, title="a", description="d", keywords=("k",)),
        ),
    ],
)
def test_a_payload_decides(payload: InputPayload, action: str, choice: Choice | None) -> None:
    answer = decide(question(), payload)

    assert (answer.input_id, answer.input_type, answer.action, answer.choice) == (ID, "SELECT_THEME", action, choice)


def test_where_there_is_one_option_approval_needs_no_index() -> None:
    answer = decide(question("APPROVE_PLAN", OPTIONS[:1]), InputPayload())

    assert (answer.action, answer.choice) == ("approve", OPTIONS[0])


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (InputPayload(), "say which option"),
        (InputPayload(action="edit", title="x"), "say which option"),
        (InputPayload(selected_index=3), "only 3 options"),
        (InputPayload(action="edit", selected_index=0), "edit needs"),
        (InputPayload(selected_index=0, title="x"), "select changes nothing"),
    ],
)
def test_an_answer_that_is_none_is_refused(payload: InputPayload, words: str) -> None:
    with pytest.raises(InvalidRequest, match=words):
        decide(question(), payload)


def test_an_action_that_is_not_offered_is_refused() -> None:
    asked = question().model_copy(update={"additional_actions": ("skip",)})

    with pytest.raises(InvalidRequest, match="regenerate is not offered"):
        decide(asked, InputPayload(action="regenerate"))


def test_the_event_carries_the_choice() -> None:
    answer = Answer(input_id=ID, input_type="SELECT_THEME", action="select", choice=OPTIONS[1])

    assert answer.received() == UserInputReceived(
        input_id=ID,
        input_type="SELECT_THEME",
        action="select",
        selected={"index": 1, "title": "b", "description": "", "keywords": []},
    )
