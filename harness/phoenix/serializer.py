"""Messages to frames and back, in both framings of Phoenix: how a change travels.

vsn 1.0.0 frames a message as an object, vsn 2.0.0 as `[join_ref, ref, topic, event, payload]`
(realtime-facts 2.1 and 2.2, recordings p01 and p07).
"""

import json
import math
from typing import Any, NoReturn

from harness.errors import FrameError, UsageError
from harness.phoenix.message import Message, RawJson

V1 = "1.0.0"
V2 = "2.0.0"

_BINARY_KINDS = {0: "push", 1: "reply", 2: "broadcast", 3: "user broadcast push", 4: "user broadcast"}


def decode(frame: str | bytes, vsn: str) -> Message:
    """The message in a frame.

    Raises `FrameError` for whatever the real server drops as malformed: no JSON, the shape of the other vsn,
    a missing part, a lone surrogate, a number that no double can hold. Text goes in as `str`; `bytes` is a
    binary frame, and those are refused until they are built. More than five elements are allowed in vsn 2.0.0
    and ignored, as recorded (p07, `m_arr6`).
    """
    _require_known(vsn)
    if isinstance(frame, bytes):
        raise FrameError(_binary_refusal(frame, vsn))
    value = _parse(frame)
    return _from_object(value) if vsn == V1 else _from_array(value)


def encode(message: Message, vsn: str, *, join_ref: bool) -> str:
    """The text frame of a message.

    `join_ref` says whether vsn 1.0.0 carries that key: clients send it, the server never does
    (realtime-facts 2.1); vsn 2.0.0 always has it. `RawJson` in the payload is pasted as it is, unchecked.
    Raises `FrameError` for what JSON cannot hold: NaN, infinities, lone surrogates, endless nesting.
    """
    _require_known(vsn)
    try:
        text = _v1_text(message, join_ref=join_ref) if vsn == V1 else _v2_text(message)
        text.encode()
    except (ValueError, RecursionError) as error:
        raise FrameError(f"{message.event} on {message.topic} cannot be framed: {error}") from error
    return text


def _require_known(vsn: str) -> None:
    if vsn not in (V1, V2):
        raise UsageError(f"vsn {vsn!r} is not spoken here: use {V1} or {V2}")


def _binary_refusal(frame: bytes, vsn: str) -> str:
    if vsn == V1:
        return "vsn 1.0.0 has no binary frames"
    kind = _BINARY_KINDS.get(frame[0]) if frame else None
    return f"binary frames of kind {frame[0]} ({kind}) are not read yet" if kind else "a binary frame of no known kind"


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(f"{digits} is too large for a double")
    return number


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite)
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _parse(text: str) -> Any:
    try:
        value = _DECODER.decode(text)
        # Only an escape can smuggle in half a surrogate pair: the transport has checked the UTF-8.
        if "\\u" in text:
            _ENCODER.encode(value).encode()
    except (ValueError, RecursionError) as error:
        raise FrameError(f"no JSON text: {error}") from error
    return value


def _from_object(value: Any) -> Message:
    if not isinstance(value, dict) or not {"topic", "event", "payload", "ref"} <= value.keys():
        raise FrameError("a vsn 1.0.0 frame is an object with topic, event, payload and ref")
    return _message(value.get("join_ref"), value["ref"], value["topic"], value["event"], value["payload"])


def _from_array(value: Any) -> Message:
    if not isinstance(value, list) or len(value) < 5:
        raise FrameError("a vsn 2.0.0 frame is an array of join_ref, ref, topic, event and payload")
    return _message(*value[:5])


def _message(join_ref: Any, ref: Any, topic: Any, event: Any, payload: Any) -> Message:
    if not isinstance(topic, str) or not isinstance(event, str):
        raise FrameError("topic and event are strings")
    return Message(join_ref=join_ref, ref=ref, topic=topic, event=event, payload=payload)


def _v1_text(message: Message, *, join_ref: bool) -> str:
    value = {"ref": message.ref, "event": message.event, "payload": message.payload, "topic": message.topic}
    return _json({**value, "join_ref": message.join_ref} if join_ref else value)


def _v2_text(message: Message) -> str:
    parts = (message.join_ref, message.ref, message.topic, message.event, message.payload)
    return f"[{','.join(map(_json, parts))}]"


def _json(value: Any) -> str:
    """JSON text of a value; objects are walked by hand so that `RawJson` inside them can be pasted."""
    if isinstance(value, RawJson):
        return value.text
    if isinstance(value, dict):
        return "{" + ",".join(f"{_ENCODER.encode(key)}:{_json(element)}" for key, element in value.items()) + "}"
    return _ENCODER.encode(value)
