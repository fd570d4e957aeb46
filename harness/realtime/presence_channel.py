"""The feature `presence`: tracks channels, and tells everybody in the room (realtime-facts 5.5; recording p06)."""

import asyncio
import json
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any, Final

from harness.phoenix.message import Message
from harness.phoenix.serializer import V1, encode
from harness.phoenix.server import Pushed
from harness.realtime.authorisation import Extension, Permits
from harness.realtime.broadcast import Room
from harness.realtime.channel import Channel
from harness.realtime.feature import Feature
from harness.realtime.frame import text_frame
from harness.realtime.limiting import expel
from harness.realtime.limits import ClientWindow
from harness.realtime.presence import Call, Diff, Presences, call_of, key_text, made_key, made_ref
from harness.realtime.services import Services

_NOT_A_MAP: Final = {"reason": "Presence track payload must be a map"}
_CRASH_S: Final = 0.008


@dataclass(slots=True, kw_only=True)
class _Seat:
    """A channel in its room. `at_join`: with presence from its join on, asked by itself or by its tenant; `enabled`:
    with presence by now; `nameless`: under a key that has no spelling.
    """

    window: ClientWindow
    at_join: bool
    enabled: bool
    nameless: bool


class PresenceChannels:
    """Every joined channel is in a room and hears its diffs, also one that did not ask for presence.

    A channel is tracked once it says `track`, until it says `untrack` or is over.
    """

    def __init__(self, services: Services, permits: Permits) -> None:
        self._services = services
        self._permits = permits
        self._presences: Presences[Channel] = Presences()
        self._seats: dict[Channel, _Seat] = {}

    def entrance(self) -> Feature:
        """The hook by which a channel comes into its room; list it before features that may have to wait."""
        return Feature(name="presence room", follow=self._enter)

    def feature(self) -> Feature:
        """The other hooks; list them after `postgres_changes` (realtime-facts 11.24)."""
        return Feature(name="presence", follow=self._follow, events={"presence": self._pushed}, over=self._over)

    def _enter(self, channel: Channel) -> None:
        tenant, given = self._services.tenant, channel.join.presence_key
        enabled = channel.join.presence or tenant.presence_enabled
        key = made_key(self._services.wall(), self._services.rng) if given in (None, "") else key_text(given)
        self._presences.enter(channel, _room(channel), json.dumps(given) if key is None else key)
        self._seats[channel] = _Seat(
            window=self._services.limits.window(),
            at_join=enabled,
            enabled=enabled,
            nameless=key is None and tenant.quirks.object_presence_key_crashes_all,
        )

    def _follow(self, channel: Channel) -> Awaitable[None] | None:
        if not self._seats[channel].at_join:
            return None
        if self._permits.reads(channel, Extension.PRESENCE) is None:
            return self._follow_if_permitted(channel)
        self._push_state(channel)
        return None

    async def _follow_if_permitted(self, channel: Channel) -> None:
        """It is the tenant that switched presence on, so nobody asked at the join whether it may be read."""
        await self._permits.read_late(channel, Extension.PRESENCE)
        self._push_state(channel)

    def _push_state(self, channel: Channel) -> None:
        if not self._permits.reads(channel, Extension.PRESENCE):
            return
        bite = self._services.limits.presence(self._now())
        if bite is not None:
            expel(self._services.recorder, channel, bite)
            return
        channel.push("presence_state", self._presences.state(_room(channel)))

    def _pushed(self, channel: Channel, pushed: Pushed) -> Awaitable[None] | None:
        call = call_of(pushed.payload)
        if call is Call.BROKEN:
            channel.crash()
            return None
        bite = self._seats[channel].window.call(self._now()) if call is not Call.NOTHING else None
        if bite is not None:
            expel(self._services.recorder, channel, bite)
        elif call is Call.TRACK:
            return self._asked_to_track(channel, pushed.ref, pushed.payload.get("payload", {}))
        elif call is Call.UNKNOWN:
            channel.reply(pushed.ref, "error", {})
        else:
            channel.reply(pushed.ref, "ok", {})
            self._tell(self._presences.untrack(channel) if call is Call.UNTRACK else None)
        return None

    def _asked_to_track(self, channel: Channel, ref: Any, payload: Any) -> Awaitable[None] | None:
        may = self._permits.writes(channel, Extension.PRESENCE)
        if may is None:
            return self._track_if_permitted(channel, ref, payload)
        if may:
            self._track(channel, ref, payload)
        else:
            channel.reply(ref, "error", {})
        return None

    async def _track_if_permitted(self, channel: Channel, ref: Any, payload: Any) -> None:
        """The first track of a private channel: may it write, and does it read what it did not ask for at the join?"""
        await self._permits.read_late(channel, Extension.PRESENCE)
        if await self._permits.write_first(channel, Extension.PRESENCE):
            self._track(channel, ref, payload)
        else:
            channel.reply(ref, "error", {})

    def _track(self, channel: Channel, ref: Any, payload: Any) -> None:
        if not isinstance(payload, dict):
            channel.reply(ref, "error", _NOT_A_MAP)
            return
        if self._presences.tracks(channel, payload):
            channel.reply(ref, "ok", {})
            return
        bite = self._services.limits.payload(payload) or self._services.limits.presence(self._now())
        if bite is not None:
            expel(self._services.recorder, channel, bite)
            return
        channel.reply(ref, "ok", {})
        diff = self._presences.track(channel, payload, ref=made_ref(self._services.wall(), self._services.rng))
        if self._seats[channel].nameless:
            asyncio.get_running_loop().call_later(self._services.real_seconds(_CRASH_S), self._crash_all)
            return
        self._tell(diff)
        self._sync_late(channel)

    def _sync_late(self, channel: Channel) -> None:
        """The first `track` of a channel without presence turns it on, but sends no state (recording p06)."""
        seat = self._seats[channel]
        if seat.enabled:
            return
        seat.enabled = True
        if not self._services.tenant.quirks.late_track_without_state:
            self._push_state(channel)

    def _crash_all(self) -> None:
        """A key without a spelling: every presence is lost, and every channel with one crashes (11.17)."""
        for channel in self._presences.lose_all():
            channel.crash()

    def _over(self, channel: Channel) -> None:
        diff = self._presences.leave(channel)
        self._tell(diff)
        if diff is not None and self._hears_own_leave(channel):
            channel.socket.relay(_frame(diff, V1))
        self._seats.pop(channel, None)

    def _hears_own_leave(self, channel: Channel) -> bool:
        v1 = channel.left and channel.socket.vsn == V1
        return v1 and self._services.tenant.quirks.leaver_hears_its_leave

    def _tell(self, diff: Diff | None) -> None:
        """Everybody in the room who may read it gets the same bytes, by the fast lane: neither ref nor join_ref.

        A private channel that joined without presence gets it from its own process, with join_ref (2.2).
        """
        if diff is None:
            return
        frames: dict[str, bytes] = {}
        sent = 0
        for channel in self._presences.members(diff.room):
            if not self._permits.reads(channel, Extension.PRESENCE):
                continue
            if channel.join.private and not self._seats[channel].at_join:
                channel.push("presence_diff", diff.payload())
                continue
            vsn = channel.socket.vsn
            if vsn not in frames:
                frames[vsn] = _frame(diff, vsn)
            channel.socket.relay(frames[vsn])
            sent += 1
        self._services.limits.presence_sent(self._now(), sent)

    def _now(self) -> float:
        return self._services.clock.now()


def _room(channel: Channel) -> Room:
    return Room(channel.topic, channel.join.private)


def _frame(diff: Diff, vsn: str) -> bytes:
    message = Message(topic=diff.room.topic, event="presence_diff", payload=diff.payload())
    return text_frame(encode(message, vsn, join_ref=False))
