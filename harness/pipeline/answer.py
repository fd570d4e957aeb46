"""What a user's answer to a question means."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from harness.errors import InvalidRequest
from harness.events.types import Choice, InputAction, InputType, UserInputReceived, UserInputRequired
from harness.pipeline.requests import InputPayload


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The user's decision. `choice` is what the work goes on with; with `regenerate` there is none yet."""

    input_id: UUID
    input_type: InputType
    action: InputAction
    choice: Choice | None

    def received(self) -> UserInputReceived:
        """The event that tells of it."""
        selected: dict[str, Any] = {} if self.choice is None else self.choice.model_dump(mode="json")
        return UserInputReceived(
            input_id=self.input_id, input_type=self.input_type, action=self.action, selected=selected
        )


def decide(question: UserInputRequired, payload: InputPayload) -> Answer:
    """The answer to `question` that the payload gives; raises `InvalidRequest` saying what is wrong with it.

    Without an action it is `select`, or `approve` where approval is asked. The index may be left out where there
    is one option. `skip` takes the first option, `edit` the chosen one with what the payload replaces.
    """
    action: InputAction = payload.action or ("approve" if question.input_type.startswith("APPROVE") else "select")
    if action not in ("select", "approve", *question.additional_actions):
        raise InvalidRequest(f"payload.action: {action} is not offered by this question")
    return Answer(
        input_id=question.input_id,
        input_type=question.input_type,
        action=action,
        choice=_choice(question, action, payload),
    )


def _choice(question: UserInputRequired, action: InputAction, payload: InputPayload) -> Choice | None:
    if action == "regenerate":
        return None
    if action == "skip":
        return question.options[0]
    chosen = _chosen(question, payload)
    edits = payload.model_dump(include={"title", "description", "keywords"}, exclude_none=True)
    if bool(edits) != (action == "edit"):
        wrong = "edit needs a title, a description or keywords" if action == "edit" else f"{action} changes nothing"
        raise InvalidRequest(f"payload: {wrong}")
    return chosen.model_copy(update=edits)


def _chosen(question: UserInputRequired, payload: InputPayload) -> Choice:
    index = payload.selected_id if payload.selected_index is None else payload.selected_index
    if index is None and len(question.options) > 1:
        raise InvalidRequest("payload.selected_index: say which option")
    if (index or 0) >= len(question.options):
        raise InvalidRequest(f"payload.selected_index: there are only {len(question.options)} options")
    return question.options[index or 0]
