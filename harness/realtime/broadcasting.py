"""The feature `broadcast`: lets channels into their rooms, replays what they ask for and sends what they push.

Between channels and rooms; HTTP and the database send through it as well (realtime-facts 5.1 to 5.4).
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Protocol

from harness.errors import FrameError
from harness.phoenix.message import RAW_ENCODED, Binary, UserBroadcast
from harness.phoenix.server import Pushed
from harness.realtime.authorisation import Authorisation, Extension, Permits
from harness.realtime.broadcast import (
    EVENT,
    Broadcast,
    Frames,
    Replay,
    Room,
    Rooms,
    Stored,
    Text,
    from_row,
    message_id,
    passed_on,
)
from harness.realtime.channel import Channel
from harness.realtime.external_size import user_payload_size
from harness.realtime.feature import Feature, Refusal
from harness.realtime.join import short_topic
from harness.realtime.limiting import expel, tell
from harness.realtime.limits import Bite
from harness.realtime.services import Services
from harness.replication.change import Change

_TOO_BIG: Final = "payload_size_exceeded"
_REFUSED: Final = {"reason": "You do not have permissions to write to this Channel topic"}
_UNABLE: Final = "UnableToReplayMessages"


class Messages(Protocol):
    """The table `realtime.messages`, from whose rows broadcasts are made and whose policies are asked."""

    authorisation: Authorisation
    connected: bool
    """Whether rows that are committed now are heard."""

    def listen(self, hear: Callable[[Change], None], *, patient: bool) -> None:
        """Call `hear` with each row that is committed, from soon on; `patient` waits long after a break."""
        ...

    async def replay(self, topic: str, replay: Replay) -> tuple[Stored, ...] | None:
        """The private broadcasts of a topic (without `realtime:`), the oldest first; None if nobody answers."""
        ...


class Broadcasts:
    """Every joined channel is in the room of its topic and privacy.

    Without `messages` there is no database, and a replay fails in those words.
    """

    def __init__(self, services: Services, permits: Permits, messages: Messages | None) -> None:
        self._services = services
        self._permits = permits
        self._messages = messages
        self._rooms: Rooms[Channel] = Rooms()
        self._replays: dict[Channel, tuple[Stored, ...]] = {}
        self._replayed: dict[Channel, frozenset[str]] = {}

    def feature(self) -> Feature:
        """The hooks; list it behind `Permits`."""
        events = {EVENT: self._pushed}
        return Feature(name="broadcast", admit=self._admit, follow=self._follow, events=events, over=self._over)

    def send(self, room: Room, broadcast: Broadcast, *, but: Channel | None = None) -> None:
        """Send to everybody in the room who may read, once each; the message itself is for the caller to count.

        Raises `FrameError` when it cannot be framed for one of them; those before him have it then.
        """
        quirks = self._services.tenant.quirks
        frames = Frames(
            broadcast,
            room.topic,
            maps_only=quirks.non_map_broadcast_crashes_sender,
            text_only=message_id(broadcast) is not None and not quirks.database_json_as_binary,
        )
        id_ = message_id(broadcast)
        for channel in self._rooms.members(room):
            if channel is but or id_ in self._replayed.get(channel, ()):
                continue
            if self._permits.reads(channel, Extension.BROADCAST):
                self._deliver(channel, frames.of(channel.socket.vsn))

    def hear(self, change: Change) -> None:
        """A row of `realtime.messages` was committed: send it, unless it is too big or too many messages were sent.

        What cannot be sent is told to the history, as the real server tells its log.
        """
        quirks, limits, now = self._services.tenant.quirks, self._services.limits, self._services.clock.now()
        heard = from_row(change, nulls=not quirks.null_broadcast_dropped)
        if heard is None:
            return
        room, broadcast = heard
        bite = limits.batch(now, 0) or (
            limits.payload(broadcast.data) if quirks.big_database_broadcast_dropped else None
        )
        if bite is not None:
            tell(self._services.recorder, bite, {"topic": room.topic})
            return
        limits.sent(now)
        try:
            self.send(room, broadcast)
        except FrameError as error:
            value = {"topic": room.topic, "lsn": str(change.lsn)}
            self._services.recorder.record("realtime", "unsent", value, type="info", error=str(error))

    def _deliver(self, channel: Channel, frame: bytes | None) -> None:
        if frame is not None:
            channel.socket.relay(frame)
        bite = self._services.limits.received(self._services.clock.now())
        if bite is not None:
            expel(self._services.recorder, channel, bite)

    def _admit(self, channel: Channel) -> Awaitable[Refusal] | Refusal:
        """Refuse a replay that is not possible, fetch one that is, and let the channel in."""
        if channel.join.broadcast.replay:
            return self._prepare_replay(channel, channel.join.broadcast.replay[0])
        self._rooms.enter(_room(channel), channel)
        return None

    async def _prepare_replay(self, channel: Channel, given: Any) -> Refusal:
        topic = short_topic(channel.topic)
        if self._permits.reads(channel, Extension.BROADCAST) is False:
            return f"Unauthorized: You do not have permissions to read from this Channel topic: {topic}"
        if not channel.join.private:
            return f"{_UNABLE}: Replay is not allowed for public channels"
        if isinstance(given, Mapping):
            replay = Replay.wanted(given)
            if isinstance(replay, str):
                return replay
            stored = None if self._messages is None else await self._messages.replay(topic, replay)
            if stored is None:
                return f"{_UNABLE}: Realtime was unable to replay messages"
            self._replays[channel] = stored
            self._replayed[channel] = frozenset(each.id for each in stored)
        self._rooms.enter(_room(channel), channel)
        return None

    def _follow(self, channel: Channel) -> None:
        for stored in self._replays.pop(channel, ()):
            broadcast = stored.replayed()
            if isinstance(broadcast, Text):
                channel.push(EVENT, broadcast.payload)
                continue
            frame = Frames(broadcast, channel.topic).of(channel.socket.vsn)
            if frame is not None:
                channel.socket.relay(frame)

    def _over(self, channel: Channel) -> None:
        self._rooms.leave(_room(channel), channel)
        self._replays.pop(channel, None)
        self._replayed.pop(channel, None)

    def _pushed(self, channel: Channel, pushed: Pushed) -> Awaitable[None] | None:
        kept = not channel.join.private or self._services.tenant.quirks.write_permission_kept
        may = self._permits.writes(channel, Extension.BROADCAST) if kept else None
        if may is None:
            return self._ask_and_take(channel, pushed)
        self._take(channel, pushed, may=may)
        return None

    async def _ask_and_take(self, channel: Channel, pushed: Pushed) -> None:
        self._take(channel, pushed, may=await self._permits.write_first(channel, Extension.BROADCAST))

    def _take(self, channel: Channel, pushed: Pushed, *, may: bool) -> None:
        """Send a push on and answer it, if the channel wants answers."""
        ack = channel.join.broadcast.ack
        if not may:
            if ack and not self._services.tenant.quirks.denied_broadcast_without_reply:
                channel.reply(pushed.ref, "error", _REFUSED)
            return
        bite = self._services.limits.sent(self._services.clock.now())
        if bite is not None:
            expel(self._services.recorder, channel, bite)
            return
        bite = self._size_bite(pushed.payload)
        if bite is not None:
            tell(self._services.recorder, bite, {"link": channel.socket.name, "topic": channel.topic})
        elif not self._send_on(channel, passed_on(pushed.payload)):
            return
        if ack:
            channel.reply(pushed.ref, *(("ok", {}) if bite is None else ("error", _TOO_BIG)))

    def _send_on(self, channel: Channel, broadcast: Broadcast) -> bool:
        """Whether it could be sent; if not, the channel is broken (realtime-facts 11.16)."""
        try:
            self.send(_room(channel), broadcast, but=None if channel.join.broadcast.own else channel)
        except FrameError:
            channel.crash()
            return False
        return True

    def _size_bite(self, payload: Any) -> Bite | None:
        limits = self._services.limits
        match payload:
            case UserBroadcast():
                metadata = {} if payload.metadata is None else payload.metadata
                is_json = payload.encoding != RAW_ENCODED
                size = user_payload_size(payload.user_event, payload.data, metadata, is_json=is_json)
                return limits.payload_size(size)
            case Binary():
                return limits.payload(payload.data)
            case _:
                return limits.payload(payload)


def _room(channel: Channel) -> Room:
    return Room(channel.topic, channel.join.private)
