"""Who is present where: the metas of each topic, and the diffs by which they are told (realtime-facts 5.5; p06, p14).

A core: the feature in `presence_channel` asks it and sends what it answers.
"""

import base64
import json
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from enum import Enum
from random import Random
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

from harness.realtime.broadcast import Room

Metas = dict[str, dict[str, list[dict[str, Any]]]]
"""As it travels: `{key: {"metas": [{"phx_ref": …, …payload}]}}`."""

Member = TypeVar("Member", bound=Hashable)
"""Whatever stands for a joined channel."""

_UUID_EPOCH: Final = 0x01B21DD213814000
_CODE_POINTS: Final = 0x110000


@dataclass(frozen=True, slots=True, kw_only=True)
class Diff:
    """What changed in a room; it goes to everybody there."""

    room: Room
    joins: Metas
    leaves: Metas

    def payload(self) -> dict[str, Metas]:
        """The payload of `presence_diff`."""
        return {"joins": self.joins, "leaves": self.leaves}


@dataclass(slots=True, kw_only=True)
class _Present:
    """`text` is the payload as canonical JSON, None for one who is not tracked."""

    room: Room
    key: str
    text: str | None = None
    meta: dict[str, Any] | None = None


class Presences(Generic[Member]):
    """The presences of a tenant. A member stands for a joined channel; it has one key.

    Metas of one key are listed in the order in which their members joined.
    """

    def __init__(self) -> None:
        self._members: dict[Member, _Present] = {}
        self._rooms: dict[Room, dict[Member, _Present]] = {}

    def enter(self, member: Member, room: Room, key: str) -> None:
        """A channel was joined; it will be tracked under `key`, and hears of the others in its room."""
        entered = _Present(room=room, key=key)
        self._members[member] = entered
        self._rooms.setdefault(room, {})[member] = entered

    def leave(self, member: Member) -> Diff | None:
        """The channel is over; what the others must be told, if it was tracked."""
        diff = self.untrack(member)
        gone = self._members.pop(member, None)
        if gone is not None:
            del self._rooms[gone.room][member]
            if not self._rooms[gone.room]:
                del self._rooms[gone.room]
        return diff

    def tracks(self, member: Member, payload: Mapping[str, Any]) -> bool:
        """Whether the member is tracked with just this payload already; 1 and 1.0 are two."""
        return self._members[member].text == _canonical(payload)

    def track(self, member: Member, payload: Mapping[str, Any], *, ref: str) -> Diff:
        """Track the member, or change what it is tracked with: the old meta leaves and the new one names it."""
        found = self._members[member]
        old = found.meta
        previous = {} if old is None else {"phx_ref_prev": old["phx_ref"]}
        found.meta = {"phx_ref": ref, **previous, **payload}
        found.text = _canonical(payload)
        return Diff(room=found.room, joins=_metas(found.key, found.meta), leaves=_metas(found.key, old))

    def untrack(self, member: Member) -> Diff | None:
        """Track the member no longer; None if it was not tracked."""
        found = self._members.get(member)
        if found is None or found.meta is None:
            return None
        old, found.meta, found.text = found.meta, None, None
        return Diff(room=found.room, joins={}, leaves=_metas(found.key, old))

    def state(self, room: Room) -> Metas:
        """The payload of `presence_state`."""
        state: Metas = {}
        for member in self._rooms.get(room, {}).values():
            if member.meta is not None:
                state.setdefault(member.key, {"metas": []})["metas"].append(member.meta)
        return state

    def members(self, room: Room) -> tuple[Member, ...]:
        """Everybody in a room, tracked or not: who must hear of a diff."""
        return tuple(self._rooms.get(room, ()))

    def lose_all(self) -> tuple[Member, ...]:
        """Forget every presence without telling anybody; who was tracked."""
        tracked = tuple(name for name, member in self._members.items() if member.meta is not None)
        for name in tracked:
            self.untrack(name)
        return tracked


class Call(Enum):
    """What a push of the event `presence` asks for."""

    TRACK = "track"
    UNTRACK = "untrack"
    NOTHING = "nothing"
    UNKNOWN = "unknown"
    BROKEN = "broken"


def call_of(payload: Any) -> Call:
    """Without `event` a push is answered and does nothing; an `event` that is no string breaks the channel."""
    if not isinstance(payload, dict) or "event" not in payload:
        return Call.NOTHING
    event = payload["event"]
    if not isinstance(event, str):
        return Call.BROKEN
    return {"track": Call.TRACK, "untrack": Call.UNTRACK}.get(event.lower(), Call.UNKNOWN)


def key_text(key: Any) -> str | None:
    """A key as it is spelled in states and diffs; None for one that has no spelling (realtime-facts 11.17)."""
    if isinstance(key, bool):
        return "true" if key else "false"
    if isinstance(key, str):
        return key
    if isinstance(key, int):
        return str(key)
    if isinstance(key, float):
        return _float_text(key)
    return _characters(key) if isinstance(key, list) else None


def made_key(wall: float, rng: Random) -> str:
    """The key of a channel that gave none: a UUID of version 1."""
    ticks = int(wall * 10_000_000) + _UUID_EPOCH
    low, middle, high = ticks & 0xFFFFFFFF, ticks >> 32 & 0xFFFF, ticks >> 48 & 0x0FFF
    node = rng.getrandbits(48) | 1 << 40
    return str(UUID(fields=(low, middle, high, rng.getrandbits(6), rng.getrandbits(8), node), version=1))


def made_ref(wall: float, rng: Random) -> str:
    """A `phx_ref`: 16 characters of URL-safe base64, of which the first tell the time."""
    return base64.urlsafe_b64encode(int(wall * 1e9).to_bytes(8, "big") + rng.randbytes(4)).decode()


def _metas(key: str, meta: dict[str, Any] | None) -> Metas:
    return {} if meta is None else {key: {"metas": [meta]}}


def _canonical(payload: Mapping[str, Any]) -> str:
    return json.dumps(payload, sort_keys=True, separators=(",", ":"))


def _characters(value: list[Any]) -> str | None:
    """Nested strings and code points, run together."""
    parts: list[str] = []
    for each in value:
        if isinstance(each, int) and not isinstance(each, bool) and 0 <= each < _CODE_POINTS:
            parts.append(chr(each))
            continue
        inner = each if isinstance(each, str) else _characters(each) if isinstance(each, list) else None
        if inner is None:
            return None
        parts.append(inner)
    return "".join(parts)


def _float_text(value: float) -> str:
    """As Elixir spells it: the shorter of plain and scientific notation."""
    digits, _, exponent = f"{value!r}".partition("e")
    if exponent:
        return f"{digits if '.' in digits else digits + '.0'}e{int(exponent)}"
    shortest = next(text for places in range(1, 18) if float(text := f"{value:.{places}e}") == value)
    mantissa, _, power = shortest.partition("e")
    scientific = f"{mantissa}e{int(power)}"
    return scientific if len(scientific) < len(digits) else digits
