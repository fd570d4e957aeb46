"""A broadcast on its way to a room: who is there, and which frame a socket of each vsn gets (realtime-facts 2.3, 5.1).

Between whoever sends (a push, an HTTP request, a row of `realtime.messages`) and the sockets; `broadcasting` does
the sending. Recordings p05, p05c and p14.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, NamedTuple, TypeGuard, TypeVar

from harness.errors import FrameError
from harness.phoenix.message import JSON_ENCODED, RAW_ENCODED, Binary, Message, RawJson, UserBroadcast
from harness.phoenix.serializer import V1, encode, encode_user_broadcast
from harness.realtime.frame import binary_frame, text_frame
from harness.replication.change import Action, Change

EVENT: Final = "broadcast"
_KIND_BROADCAST: Final = 2
_LONGEST: Final = 255


class Room(NamedTuple):
    """All channels of one topic (with `realtime:`) and one privacy: private and public ones are apart."""

    topic: str
    private: bool


@dataclass(frozen=True, slots=True)
class Text:
    """A broadcast that goes out as text to every socket; `payload` is that of the message, just as it was pushed."""

    payload: Any


Broadcast = Text | UserBroadcast | Binary
"""`UserBroadcast` goes to v2 as kind 4 and to v1 as JSON, if it is JSON; `Binary` to v2 only, as kind 2."""

MemberT = TypeVar("MemberT")


class Rooms(Generic[MemberT]):
    """Who is in which room, in the order in which they came."""

    def __init__(self) -> None:
        self._rooms: dict[Room, dict[MemberT, None]] = {}

    def enter(self, room: Room, member: MemberT) -> None:
        """From now on the member is in the room."""
        self._rooms.setdefault(room, {})[member] = None

    def leave(self, room: Room, member: MemberT) -> None:
        """Nobody there is no error."""
        members = self._rooms.get(room, {})
        members.pop(member, None)
        if not members:
            self._rooms.pop(room, None)

    def members(self, room: Room) -> tuple[MemberT, ...]:
        """Everybody in the room."""
        return tuple(self._rooms.get(room, ()))


class Frames:
    """One broadcast as the bytes of WebSocket frames: made once for each vsn, written to many sockets.

    With `maps_only` a text broadcast whose payload is no map cannot be framed for v2, as the real serializer has it.
    """

    def __init__(self, broadcast: Broadcast, topic: str, *, maps_only: bool = True, text_only: bool = False) -> None:
        self._broadcast = broadcast
        self._topic = topic
        self._maps_only = maps_only
        self._text_only = text_only
        self._made: dict[str, bytes | None] = {}

    def of(self, vsn: str) -> bytes | None:
        """The frame for a socket of that vsn; None if the broadcast is silently not for it.

        Raises `FrameError` if the real server fails to frame it, which breaks the process that sends.
        """
        if vsn not in self._made:
            self._made[vsn] = self._v1() if vsn == V1 else self._v2(vsn)
        return self._made[vsn]

    def _v1(self) -> bytes | None:
        match self._broadcast:
            case Text(payload):
                return self._text(payload, V1)
            case UserBroadcast() as user:
                payload = as_json(user)
                return None if payload is None else self._text(payload, V1)
            case Binary():
                raise FrameError("bytes cannot be framed as JSON")

    def _v2(self, vsn: str) -> bytes:
        match self._broadcast:
            case Text(payload):
                if self._maps_only and not isinstance(payload, Mapping):
                    raise FrameError("expected broadcasted payload to be a map")
                return self._text(payload, vsn)
            case UserBroadcast() as user:
                payload = as_json(user) if self._text_only else None
                return self._user_broadcast(user) if payload is None else self._text(payload, vsn)
            case Binary(data=data):
                return binary_frame(_kind_2(self._topic, data))

    def _user_broadcast(self, user: UserBroadcast) -> bytes:
        encoding = RAW_ENCODED if user.encoding == RAW_ENCODED else JSON_ENCODED
        return binary_frame(encode_user_broadcast(self._topic, user.user_event, user.metadata, encoding, user.data))

    def _text(self, payload: Any, vsn: str) -> bytes:
        return text_frame(encode(Message(topic=self._topic, event=EVENT, payload=payload), vsn, join_ref=False))


def as_json(user: UserBroadcast) -> dict[str, Any] | None:
    """The payload of the text message that stands for a user broadcast; None if its data are raw or no JSON."""
    if user.encoding == RAW_ENCODED:
        return None
    try:
        text = user.data.decode()
        json.loads(text)
    except (ValueError, RecursionError):
        return None
    meta = {} if user.metadata is None else {"meta": user.metadata}
    return {"event": user.user_event, **meta, "payload": RawJson(text), "type": EVENT}


def passed_on(pushed: Any) -> Broadcast:
    """What a pushed payload becomes: the metadata of a kind-3 push is not passed on."""
    if isinstance(pushed, UserBroadcast):
        return UserBroadcast(user_event=pushed.user_event, encoding=pushed.encoding, data=pushed.data)
    return pushed if isinstance(pushed, Binary) else Text(pushed)


def message_id(broadcast: Broadcast) -> str | None:
    """The id of the row that a broadcast came from: one that was replayed already is not sent again."""
    meta = broadcast.metadata if isinstance(broadcast, UserBroadcast) else None
    return meta.get("id") if isinstance(meta, Mapping) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A row of `realtime.messages` for a replay; it holds JSON text or bytes, never both."""

    id: str
    event: str | None
    payload: str | None = field(default=None, repr=False)
    binary_payload: bytes | None = field(default=None, repr=False)

    def replayed(self) -> Text | UserBroadcast:
        """The broadcast as it is sent again: JSON as text that was parsed and printed anew, bytes as kind 4."""
        meta = {"id": self.id, "replayed": True}
        if self.binary_payload is not None:
            return UserBroadcast(
                user_event=self.event or "", encoding=RAW_ENCODED, data=self.binary_payload, metadata=meta
            )
        payload = None if self.payload is None else json.loads(self.payload)
        return Text({"event": self.event, "meta": meta, "payload": payload, "type": EVENT})


def from_row(change: Change, *, nulls: bool = False) -> tuple[Room, UserBroadcast] | None:
    """The broadcast that a change of `realtime.messages` means; None if it means none (realtime-facts 11.15).

    The payload stays exactly as PostgreSQL prints it. Rows without event or payload are not sent; with `nulls` a
    missing payload is sent as null.
    """
    if change.relation.schema != "realtime" or not change.relation.table.startswith("messages"):
        return None
    row = change.record or {}
    event, topic, private, id_ = (row.get(name) for name in ("event", "topic", "private", "id"))
    if change.action is not Action.INSERT or event is None or topic is None or private is None or id_ is None:
        return None
    encoded = _encoded(row, nulls=nulls)
    if encoded is None:
        return None
    encoding, data = encoded
    user = UserBroadcast(user_event=event, encoding=encoding, data=data, metadata={"id": id_})
    return Room(f"realtime:{topic}", private == "t"), user


def _encoded(row: Mapping[str, str | None], *, nulls: bool) -> tuple[int, bytes] | None:
    binary, payload = row.get("binary_payload"), row.get("payload")
    if binary is not None:
        return RAW_ENCODED, bytes.fromhex(binary.removeprefix("\\x"))
    if payload is None:
        return (JSON_ENCODED, b"null") if nulls else None
    return JSON_ENCODED, payload.encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """Which older broadcasts are asked for: the newest `limit` ones from `since` on, in ms since 1970."""

    since: int
    limit: int

    @classmethod
    def wanted(cls, given: Mapping[str, Any]) -> "Replay | str":
        """What `config.broadcast.replay` asks for, or the reason of the refusal (realtime-facts 3.3 and 5.4)."""
        since, limit = given.get("since"), given.get("limit")
        if limit is None or limit is False:
            limit = _MOST
        if not _is_whole(since) or not _is_whole(limit):
            return "UnableToReplayMessages: Replay params are not valid"
        if not _EARLIEST <= since <= _LATEST:
            return f"UnknownErrorOnChannel: invalid Unix time {since}"
        return cls(since=since, limit=max(1, min(limit, _MOST)))


_EARLIEST: Final = -377_705_116_800_000
_LATEST: Final = 253_402_300_799_999
"""The years that the real server's calendar has, -9999 to 9999."""
_MOST: Final = 25


def in_order(newest_first: Iterable[Stored]) -> tuple[Stored, ...]:
    """Rows as they are sent: the oldest first."""
    return tuple(reversed(tuple(newest_first)))


def _is_whole(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _kind_2(topic: str, data: bytes) -> bytes:
    parts = (topic.encode(), EVENT.encode())
    if max(map(len, parts)) > _LONGEST:
        raise FrameError(f"topic and event of a binary frame have at most {_LONGEST} bytes each")
    return bytes((_KIND_BROADCAST, *map(len, parts))) + b"".join(parts) + data
