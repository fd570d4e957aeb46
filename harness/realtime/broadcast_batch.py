"""The body of an HTTP batch: messages, or what is wrong with which (realtime-facts 5.2; recordings p05 and p09b)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

BLANK: Final = "can't be blank"
INVALID: Final = "is invalid"
TOO_BIG: Final = "Payload size exceeds tenant limit"

_BOOLEANS: Final[Mapping[Any, bool]] = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchMessage:
    """One broadcast of a batch; `topic` is without `realtime:`."""

    topic: str
    event: str
    payload: Mapping[str, Any]
    private: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchErrors:
    """What is wrong: one text for the whole batch, or for each message the texts by its fields."""

    messages: Sequence[str | Mapping[str, Sequence[str]]]

    def body(self) -> dict[str, Any]:
        """The body of the answer (422)."""
        return {"errors": {"messages": list(self.messages)}}


def read_batch(body: Mapping[str, Any], fits: Callable[[Any], bool]) -> tuple[BatchMessage, ...] | BatchErrors:
    """The messages of a batch; `fits` says whether a payload is small enough. One bad message spoils the batch."""
    given = body.get("messages")
    if not given and (given is None or isinstance(given, list | dict)):
        return BatchErrors(messages=[BLANK])
    elements = list(given.values()) if isinstance(given, dict) else given
    if not isinstance(elements, list) or not all(isinstance(each, dict) for each in elements):
        return BatchErrors(messages=[INVALID])
    errors = [_errors(each, fits) for each in elements]
    if any(errors):
        return BatchErrors(messages=errors)
    return tuple(_message(each) for each in elements)


def _errors(given: Mapping[str, Any], fits: Callable[[Any], bool]) -> dict[str, list[str]]:
    found = {
        "event": _text_error(given.get("event")),
        "payload": _payload_error(given.get("payload"), fits),
        "private": None if _boolean(given.get("private")) is not None else INVALID,
        "topic": _text_error(given.get("topic")),
    }
    return {name: [error] for name, error in found.items() if error is not None}


def _text_error(value: Any) -> str | None:
    if value is None or (isinstance(value, str) and not value.strip()):
        return BLANK
    return None if isinstance(value, str) else INVALID


def _payload_error(value: Any, fits: Callable[[Any], bool]) -> str | None:
    if value is None:
        return BLANK
    if not isinstance(value, dict):
        return INVALID
    return None if fits(value) else TOO_BIG


def _boolean(value: Any) -> bool | None:
    """None for what is none; an absent one is false."""
    if value is None or isinstance(value, bool):
        return bool(value)
    return _BOOLEANS.get(value) if isinstance(value, str) else None


def _message(given: Mapping[str, Any]) -> BatchMessage:
    return BatchMessage(
        topic=given["topic"],
        event=given["event"],
        payload=given["payload"],
        private=bool(_boolean(given.get("private"))),
    )
