"""What becomes of requests, and what the flow finds of them."""

from uuid import UUID

import pytest

from harness.errors import InvalidRequest
from harness.events.types import Choice, InputType, UserInputRequired
from harness.pipeline.inbox import Command, Inbox, Reception
from harness.pipeline.requests import InputPayload, UserInput
from tests.instant import BEGIN

OPTIONS = (Choice(index=0, title="a"), Choice(index=1, title="b"))


def question(number: int = 1, input_type: InputType = "SELECT_THEME") -> UserInputRequired:
    return UserInputRequired(input_id=UUID(int=number), input_type=input_type, timeout=BEGIN, options=OPTIONS)


def answer(number: int | None = None, input_type: InputType = "SELECT_THEME") -> UserInput:
    input_id = None if number is None else UUID(int=number)
    return UserInput(response_type=input_type, payload=InputPayload(selected_index=1), input_id=input_id)


class Bell:
    def __init__(self) -> None:
        self.rung = 0

    def __call__(self) -> None:
        self.rung += 1


def test_an_answer_is_accepted_once_and_taken_once() -> None:
    bell = Bell()
    inbox = Inbox(bell)
    inbox.open(question())

    received = [inbox.answer(answer(1)), inbox.answer(answer(1)), inbox.answer(answer())]
    first, second = inbox.take_answer(), inbox.take_answer()

    assert received == [Reception.ACCEPTED, Reception.REPEATED, Reception.NOT_ASKED]
    assert first is not None
    assert (first.choice, second, bell.rung) == (OPTIONS[1], None, 1)
    assert inbox.answer(answer()) is Reception.NOT_ASKED
    assert inbox.answer(answer(1)) is Reception.REPEATED


def test_without_a_question_nothing_is_asked() -> None:
    assert Inbox(Bell()).answer(answer()) is Reception.NOT_ASKED


@pytest.mark.parametrize("given", [answer(2), answer(1, "SELECT_PERSONA"), answer(None, "SELECT_PERSONA")])
def test_an_answer_to_another_question_is_not_taken(given: UserInput) -> None:
    inbox = Inbox(Bell())
    inbox.open(question(1))

    assert inbox.answer(given) is Reception.OTHER_QUESTION
    assert not inbox.has_answer()


def test_an_answer_that_is_none_leaves_the_question_open() -> None:
    inbox = Inbox(Bell())
    inbox.open(question())

    with pytest.raises(InvalidRequest):
        inbox.answer(UserInput(response_type="SELECT_THEME"))

    assert inbox.answer(answer()) is Reception.ACCEPTED


def test_after_an_expiry_an_answer_has_the_question_asked_again_once() -> None:
    inbox = Inbox(Bell())
    inbox.open(question())
    inbox.close(expired=True)

    received = [inbox.answer(answer(1)), inbox.answer(answer(1)), inbox.resume()]

    assert received == [Reception.ASKED_AGAIN, Reception.NOT_ASKED, Reception.NOT_PAUSED]
    assert [inbox.take(Command.RESUME), inbox.take(Command.RESUME)] == [True, False]


def test_pause_and_resume_alternate_in_the_order_in_which_they_came() -> None:
    bell = Bell()
    inbox = Inbox(bell)

    received = [inbox.resume(), inbox.pause(), inbox.pause(), inbox.resume(), inbox.resume(), inbox.pause()]

    assert received == [
        Reception.NOT_PAUSED,
        Reception.ACCEPTED,
        Reception.REPEATED,
        Reception.ACCEPTED,
        Reception.NOT_PAUSED,
        Reception.ACCEPTED,
    ]
    taken = [inbox.take(command) for command in (Command.RESUME, Command.PAUSE, Command.RESUME, Command.PAUSE)]
    assert taken == [False, True, True, True]
    assert not inbox.next_is(Command.RESUME)
    assert bell.rung == 3


def test_a_new_question_ends_an_expiry() -> None:
    inbox = Inbox(Bell())
    inbox.close(expired=True)
    inbox.open(question(2))

    assert inbox.answer(answer(2)) is Reception.ACCEPTED
