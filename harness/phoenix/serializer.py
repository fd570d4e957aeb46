"""Messages to frames and back, in both framings of Phoenix: how a change travels.

vsn 1.0.0 frames a message as an object, vsn 2.0.0 as `[join_ref, ref, topic, event, payload]` or, for broadcasts
whose payload the server does not look at, as bytes behind a header of lengths (realtime-facts 2.1 to 2.3, recordings
p01, p05 and p07).
"""

import json
import math
from typing import Any, Final, NoReturn

from harness.errors import FrameError, UsageError
from harness.phoenix.message import Binary, Message, RawJson, UserBroadcast

V1 = "1.0.0"
V2 = "2.0.0"

_PUSH: Final = 0
_USER_BROADCAST_PUSH: Final = 3
_USER_BROADCAST: Final = 4
_LONGEST: Final = 255


def decode(frame: str | bytes, vsn: str) -> Message:
    """The message in a frame; a binary one is taken to come from a client.

    Raises `FrameError` for whatever the real server drops as malformed: no JSON, the shape of the other vsn,
    a missing part, a lone surrogate, a number that no double can hold, a binary frame
    that is shorter than its header says. Text goes in as `str`, a binary frame as `bytes`; vsn 1.0.0 reads a binary
    frame as if it were text. More than five elements are allowed in vsn 2.0.0 and ignored (p07, `m_arr6`).
    """
    _require_known(vsn)
    if vsn == V1:
        return _from_object(_parse(frame if isinstance(frame, str) else _utf8(frame)))
    return _from_array(_parse(frame)) if isinstance(frame, str) else _from_bytes(frame)


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


def encode_user_broadcast(topic: str, user_event: str, metadata: Any, encoding: int, payload: bytes) -> bytes:
    """The binary frame of kind 4, for sockets of vsn 2.0.0: a broadcast whose payload is passed on as it came.

    `metadata` is a JSON value, None for none; `encoding` see `UserBroadcast`. Raises `FrameError` when a part of
    the header has more than 255 bytes.
    """
    said = b"" if metadata is None else _ENCODER.encode(metadata).encode()
    parts = (topic.encode(), user_event.encode(), said)
    if max(map(len, parts)) > _LONGEST:
        raise FrameError(f"topic, event and metadata of a binary frame have at most {_LONGEST} bytes each")
    return bytes((_USER_BROADCAST, *map(len, parts), encoding)) + b"".join(parts) + payload


def decode_user_broadcast(frame: bytes) -> Message:
    """What a client reads in a binary frame of kind 4, the only kind that the server sends; else `FrameError`."""
    if frame[:1] != bytes((_USER_BROADCAST,)):
        raise FrameError("a binary frame of no kind that the server sends")
    (topic, event, metadata), data = _cut(frame, 1, 3, 1)
    broadcast = UserBroadcast(
        user_event=_utf8(event),
        encoding=frame[4],
        data=data,
        metadata=_parse(_utf8(metadata)) if metadata else None,
    )
    return Message(topic=_utf8(topic), event="broadcast", payload=broadcast)


def _require_known(vsn: str) -> None:
    if vsn not in (V1, V2):
        raise UsageError(f"vsn {vsn!r} is not spoken here: use {V1} or {V2}")


def _from_bytes(frame: bytes) -> Message:
    if frame[:1] == bytes((_PUSH,)):
        (join_ref, ref, topic, event), data = _cut(frame, 1, 4, 0)
        return Message(
            join_ref=_utf8(join_ref),
            ref=_utf8(ref),
            topic=_utf8(topic),
            event=_utf8(event),
            payload=Binary(data=data),
        )
    if frame[:1] == bytes((_USER_BROADCAST_PUSH,)):
        (join_ref, ref, topic, event, metadata), data = _cut(frame, 1, 5, 1)
        broadcast = UserBroadcast(
            user_event=_utf8(event),
            encoding=frame[6],
            data=data,
            metadata=_parse(_utf8(metadata)) if metadata else None,
        )
        return Message(
            join_ref=_utf8(join_ref), ref=_utf8(ref), topic=_utf8(topic), event="broadcast", payload=broadcast
        )
    raise FrameError("a binary frame of no kind that a client may send")


def _cut(frame: bytes, start: int, count: int, more: int) -> tuple[list[bytes], bytes]:
    """`count` parts whose lengths begin at `start`, and the rest; between lengths and parts are `more` bytes."""
    sizes, position = frame[start : start + count], start + count + more
    parts = []
    for size in sizes:
        parts.append(frame[position : position + size])
        position += size
    if position > len(frame) or len(sizes) < count:
        raise FrameError("a binary frame is shorter than its header says")
    return parts, frame[position:]


def _utf8(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise FrameError(f"no UTF-8: {error}") from error


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
    return Message(
        join_ref=value.get("join_ref"),
        ref=value["ref"],
        topic=value["topic"],
        event=value["event"],
        payload=value["payload"],
    )


def _from_array(value: Any) -> Message:
    if not isinstance(value, list) or len(value) < 5:
        raise FrameError("a vsn 2.0.0 frame is an array of join_ref, ref, topic, event and payload")
    join_ref, ref, topic, event, payload = value[:5]
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
