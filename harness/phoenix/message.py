"""What Phoenix says: the decoded five-tuple, whichever way it was framed."""

import json
from dataclasses import dataclass, field
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class RawJson:
    """JSON text that is already encoded (a row as PostgreSQL prints it) and is pasted as it is."""

    text: str

    def value(self) -> Any:
        """The decoded value."""
        return json.loads(self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class UserBroadcast:
    """The payload of a broadcast in a binary frame, kind 3 to the server and 4 from it (realtime-facts 2.3).

    `data` is never parsed: JSON text if `encoding` is `JSON_ENCODED`, else raw bytes (any other number is kept).
    `metadata` is the JSON value in the frame, None if there was none.
    """

    user_event: str
    encoding: int
    data: bytes = field(repr=False)
    metadata: Any = None


RAW_ENCODED: Final = 0
JSON_ENCODED: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Binary:
    """The payload of a push that came as a binary frame of kind 0: bytes that nobody parses."""

    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One Phoenix message. `ref` and `join_ref` are opaque: whatever JSON value the peer sent is echoed.

    `payload` is any JSON value, or `UserBroadcast` or `Binary` of a binary frame that came in; on the way out it may
    hold `RawJson` in place of a value at any depth of objects (not inside arrays). A `topic` or `event` that is no
    string is no error: the real server calls the topic unmatched (recording p07). vsn 1.0.0 never sends `join_ref`
    from the server (realtime-facts 2.1).
    """

    topic: Any
    event: Any
    payload: Any
    ref: Any = None
    join_ref: Any = None
