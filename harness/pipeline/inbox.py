"""What the user has asked of one running generation and the flow has not taken up yet.

Between the HTTP side, which puts things in and says at once what becomes of them, and the flow, which takes them
out when it comes to a point where it may.
"""

from collections import deque
from collections.abc import Callable
from enum import StrEnum
from uuid import UUID

from harness.events.types import UserInputRequired
from harness.pipeline.answer import Answer, decide
from harness.pipeline.requests import UserInput


class Command(StrEnum):
    """What a user may want beside answering."""

    PAUSE = "pause"
    RESUME = "resume"


class Reception(StrEnum):
    """What becomes of a request."""

    ACCEPTED = "accepted"
    REPEATED = "repeated"
    ASKED_AGAIN = "asked_again"
    NOT_ASKED = "not_asked"
    OTHER_QUESTION = "other_question"
    NOT_PAUSED = "not_paused"
    ENDED = "ended"


class Inbox:
    """Open question, accepted answer and waiting commands. `stirred` is called when something comes in.

    At most one answer is accepted for each question (D-59), and pause and resume alternate.
    """

    def __init__(self, stirred: Callable[[], None]) -> None:
        self._stirred = stirred
        self._question: UserInputRequired | None = None
        self._answer: Answer | None = None
        self._answered: set[UUID] = set()
        self._commands: deque[Command] = deque()
        self._paused_in_the_end = False
        self._expired = False

    # The HTTP side ---------------------------------------------------------------------------------------------

    def answer(self, given: UserInput) -> Reception:
        """Take an answer, once; after an expiry the question is asked again instead (D-72).

        Raises `InvalidRequest` for an answer that the open question does not allow.
        """
        if given.input_id in self._answered:
            return Reception.REPEATED
        if self._expired and not self._paused_in_the_end:
            self._expired = False
            self._put(Command.RESUME)
            return Reception.ASKED_AGAIN
        question = self._question
        if question is None or self._answer is not None:
            return Reception.NOT_ASKED
        if given.response_type != question.input_type or given.input_id not in (None, question.input_id):
            return Reception.OTHER_QUESTION
        self._answer = decide(question, given.payload)
        self._answered.add(question.input_id)
        self._stirred()
        return Reception.ACCEPTED

    def pause(self) -> Reception:
        """Ask for a pause; it begins when the flow comes to it."""
        if self._paused_in_the_end:
            return Reception.REPEATED
        self._paused_in_the_end = True
        self._put(Command.PAUSE)
        return Reception.ACCEPTED

    def resume(self) -> Reception:
        """End a pause, or have the question asked again that has expired."""
        if not self._paused_in_the_end and not self._expired:
            return Reception.NOT_PAUSED
        self._paused_in_the_end = self._expired = False
        self._put(Command.RESUME)
        return Reception.ACCEPTED

    # The flow --------------------------------------------------------------------------------------------------

    def open(self, question: UserInputRequired) -> None:
        """Accept answers to this question from now on."""
        self._question = question
        self._expired = False

    def close(self, *, expired: bool = False) -> None:
        """Accept no more answers; `expired` says that the user may come back to the question."""
        self._question = None
        self._expired = expired

    def has_answer(self) -> bool:
        return self._answer is not None

    def take_answer(self) -> Answer | None:
        """The accepted answer, once; its question is then closed."""
        answer, self._answer = self._answer, None
        if answer is not None:
            self.close()
        return answer

    def next_is(self, command: Command) -> bool:
        return bool(self._commands) and self._commands[0] is command

    def take(self, command: Command) -> bool:
        """Whether this command was next; it is then done with."""
        if not self.next_is(command):
            return False
        self._commands.popleft()
        return True

    def _put(self, command: Command) -> None:
        self._commands.append(command)
        self._stirred()
