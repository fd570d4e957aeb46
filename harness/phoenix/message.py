"""What Phoenix says: the decoded five-tuple, whichever way it was framed."""

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class RawJson:
    """JSON text that is already encoded (a row as PostgreSQL prints it) and is pasted as it is."""

    text: str

    def value(self) -> Any:
        """The decoded value."""
        return json.loads(self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One Phoenix message. `ref` and `join_ref` are opaque: whatever JSON value the peer sent is echoed.

    `payload` is any JSON value; on the way out it may hold `RawJson` in place of a value at any depth of
    objects (not inside arrays). vsn 1.0.0 never sends `join_ref` from the server (realtime-facts 2.1).
    """

    topic: str
    event: str
    payload: Any
    ref: Any = None
    join_ref: Any = None
