"""The bodies of the application's HTTP requests: the door at which outside JSON is checked once."""

import json
import math
from typing import Any, NoReturn, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.errors import InvalidRequest
from harness.events.types import InputAction, InputType
from harness.pipeline.flow_options import FlowOptions

LARGEST = 2**31 - 1
"""The largest sequence: the column is an integer."""


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StartGeneration(_Body):
    """`POST /api/articles/generation`."""

    initial_request: dict[str, Any] = Field(default_factory=dict)
    simulation: FlowOptions = FlowOptions()


class InputPayload(_Body):
    """What the user chose. The specification names the choice in two ways (D-55); both are taken.

    `title`, `description` and `keywords` are for the action `edit` and replace those of the choice.
    """

    action: InputAction | None = None
    selected_index: int | None = Field(default=None, ge=0)
    selected_id: int | None = Field(default=None, ge=0)
    title: str | None = Field(default=None, min_length=1)
    description: str | None = None
    keywords: tuple[str, ...] | None = None


class UserInput(_Body):
    """`POST …/user-input`; with `input_id` a repetition is recognised, and an answer to an older question refused."""

    response_type: InputType
    payload: InputPayload = InputPayload()
    input_id: UUID | None = None


class Acknowledgement(_Body):
    """`POST …/events/ack`."""

    up_to_sequence: int = Field(ge=0, le=LARGEST)


class Nothing(_Body):
    """A request that needs no body."""


class EventsQuery(_Body):
    """The query string of `GET …/events`; a larger `limit` is cut to the largest page."""

    since_sequence: int = Field(default=0, ge=0, le=LARGEST)
    limit: int = Field(default=1000, ge=1, le=LARGEST)


Model = TypeVar("Model", bound=BaseModel)


def body_of(model: type[Model], text: str) -> Model:
    """The request from its JSON text, an empty one being `{}`; raises `InvalidRequest` naming every fault.

    NUL characters, which jsonb cannot hold, are dropped (D-24); numbers that are none and lone surrogates,
    which no table can hold, are faults.
    """
    try:
        value = _clean(json.loads(text, parse_constant=_no_number)) if text.strip() else {}
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(f"the body is no JSON that can be stored: {error}") from error
    return checked(model, value)


def checked(model: type[Model], value: Any) -> Model:
    """The model from JSON values; raises `InvalidRequest` naming every fault."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        faults = (f"{'.'.join(map(str, fault['loc'])) or 'body'}: {_words(fault)}" for fault in error.errors())
        raise InvalidRequest("; ".join(faults)) from error


def _words(fault: Any) -> str:
    return "unknown field" if fault["type"] == "extra_forbidden" else str(fault["msg"])


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        value.encode()
        return value.replace("\x00", "")
    if isinstance(value, dict):
        return {_clean(key): _clean(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        _no_number(repr(value))
    return value


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")
