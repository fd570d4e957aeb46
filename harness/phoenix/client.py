"""A Realtime client without its socket: what to send, what happened, and when to be called again.

Things go in as method calls with `now`; results are fetched with `frames_to_send`, `events`, `wants` and
`next_deadline`. It behaves as realtime-js does (realtime-facts 7.1): join replies, heartbeats, rejoins. Two things
it does better: the delay of a reconnect is jittered, and it says what it ignored.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from harness.errors import ClientError, FrameError
from harness.phoenix.channel import Channel, ChannelMove, ChannelState, step
from harness.phoenix.close_codes import NORMAL
from harness.phoenix.connection import (
    SOCKET_TABLE,
    ChannelMoved,
    Connect,
    ConnectionEvent,
    Delivered,
    Disconnect,
    SocketClosed,
    SocketMove,
    SocketOpened,
    SocketState,
    Timing,
)
from harness.phoenix.message import JSON_ENCODED, Message, UserBroadcast
from harness.phoenix.serializer import V2, decode, decode_user_broadcast, encode

PREFIX = "realtime:"
MISMATCH = "mismatch between server and client bindings for postgres changes"
TIMED_OUT = "timed out"
HEARTBEAT_TIMEOUT = "heartbeat timeout"


_REASONS = {SocketState.CLOSING: HEARTBEAT_TIMEOUT, SocketState.FINISHING: ""}
_OVER = (SocketState.FINISHING, SocketState.ENDED)


class ClientConnection:
    """One client: a socket that comes and goes and the channels it wants to be in.

    Topics are given and told without the prefix `realtime:`. After every call, fetch the results; call `tick` at
    `next_deadline()`. `ignored` counts, by reason, the frames that were for nobody. Without `rejoin_with_bindings` it
    has the bug of realtime-py#213: a channel that is joined again asks for no changes.
    """

    def __init__(
        self,
        *,
        rng: Random,
        token: str | None = None,
        vsn: str = V2,
        timing: Timing | None = None,
        rejoin_with_bindings: bool = True,
    ) -> None:
        self.ignored: Counter[str] = Counter()
        self._rng = rng
        self._token = token
        self._vsn = vsn
        self._timing = timing or Timing()
        self._rejoin_with_bindings = rejoin_with_bindings
        self._state = SocketState.DUE
        self._channels: dict[str, Channel] = {}
        self._frames: list[str] = []
        self._events: list[ConnectionEvent] = []
        self._refs = 0
        self._attempts = 0
        # While open: when to beat or, with a beat under way, when to give up. While waiting: when to reconnect.
        self._deadline: float | None = None
        self._heartbeat_ref: str | None = None

    # -- results

    def frames_to_send(self) -> list[str]:
        """The text frames to send now, in order; each is told once."""
        frames, self._frames = self._frames, []
        return frames

    def events(self) -> list[ConnectionEvent]:
        """What happened since the last call, in order."""
        events, self._events = self._events, []
        return events

    def wants(self) -> Connect | Disconnect | None:
        """What the shell should do with the socket now; the same answer until it was done."""
        if self._state is SocketState.DUE:
            return Connect()
        if self._state in _REASONS:
            return Disconnect(code=NORMAL, reason=_REASONS[self._state])
        return None

    def next_deadline(self) -> float | None:
        """When `tick` should be called; None when only the outside can move anything."""
        deadlines = [self._deadline, *(channel.deadline for channel in self._channels.values())]
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    @property
    def ended(self) -> bool:
        """True after `close`, once the socket is gone."""
        return self._state is SocketState.ENDED

    # -- the socket

    def opened(self, now: float) -> None:
        """The socket stands: every wanted channel is joined."""
        self._move(SocketMove.OPENED)
        self._attempts = 0
        self._heartbeat_ref = None
        self._deadline = now + self._timing.heartbeat_s
        self._events.append(SocketOpened())
        for channel in self._channels.values():
            channel.failures = 0
            self._join(channel, now)

    def socket_closed(self, code: int, reason: str, by: str, now: float) -> None:
        """The socket is gone, or could not be opened. Channels fail with it and come back with the next one."""
        self._move(SocketMove.LOST)
        self._frames.clear()
        self._events.append(SocketClosed(code=code, reason=reason, by=by))
        self._crash_all(reason or f"socket closed: {code}")
        self._deadline = None
        if self._state is SocketState.WAITING:
            self._deadline = now + self._reconnect_delay()

    def received(self, frame: str | bytes, now: float) -> None:
        """A frame came. Whatever cannot be read or is for nobody is counted in `ignored` and changes nothing."""
        if self._state is not SocketState.OPEN:
            self.ignored["after the end"] += 1
            return
        try:
            message = decode(frame, self._vsn) if isinstance(frame, str) else decode_user_broadcast(frame)
        except FrameError as error:
            self.ignored[str(error)] += 1
            return
        if not isinstance(message.topic, str):
            self.ignored["for no channel"] += 1
        elif message.topic == "phoenix":
            self._heartbeat_answered(message, now)
        else:
            self._for_channel(message, _size(frame), now)

    def tick(self, now: float) -> None:
        """Do what is due: heartbeats, timeouts, rejoins, reconnects."""
        if self._deadline is not None and now >= self._deadline:
            self._socket_due(now)
        for channel in list(self._channels.values()):
            if channel.deadline is not None and now >= channel.deadline:
                self._channel_due(channel, now)

    # -- what the application asks

    def subscribe(
        self, topic: str, bindings: Sequence[Mapping[str, Any]], now: float, *, broadcasts: bool = False
    ) -> None:
        """Join a topic, now or when the socket stands; `bindings` are elements of the join's postgres_changes.

        With `broadcasts` it is joined as a private one, whose broadcasts are told, too; else they are ignored. Raises
        `ClientError` if the topic is subscribed to already, or after `close`.
        """
        if self._state in _OVER:
            raise ClientError(f"{topic} cannot be joined: the client was closed")
        existing = self._channels.get(topic)
        if existing is not None and existing.state is not ChannelState.LEAVING:
            raise ClientError(f"{topic} is subscribed to already: unsubscribe first, or use another topic")
        if existing is not None:
            self._end(existing)
        channel = Channel(topic=topic, bindings=tuple(bindings), broadcasts=broadcasts)
        self._channels[topic] = channel
        if self._state is SocketState.OPEN:
            self._join(channel, now)

    def unsubscribe(self, topic: str, now: float) -> None:
        """Leave a topic; it has ENDED when the server says so, or does not answer, or is not there to ask."""
        channel = self._channels.get(topic)
        if channel is None:
            raise ClientError(f"{topic} is not subscribed to")
        self._leave(channel, now)

    def set_token(self, token: str, now: float) -> None:
        """Use this token from now on; joined channels are told (no reply comes, realtime-facts 1.4)."""
        if token == self._token:
            return
        self._token = token
        for channel in self._channels.values():
            if channel.state is ChannelState.JOINED:
                self._push(channel, "access_token", {"access_token": token})

    def close(self, now: float) -> None:
        """Leave every channel and end for good; a second call does nothing."""
        if self._state in _OVER:
            return
        for channel in list(self._channels.values()):
            self._leave(channel, now)
            self._end(channel)
        self._deadline = None
        self._move(SocketMove.CLOSE)

    # -- inside: the socket

    def _move(self, move: SocketMove) -> None:
        self._state = step(SOCKET_TABLE, self._state, move)

    def _reconnect_delay(self) -> float:
        delay = _nth(self._timing.reconnect_delays_s, self._attempts)
        self._attempts += 1
        return delay * (1.0 - self._timing.jitter * self._rng.random())

    def _socket_due(self, now: float) -> None:
        if self._state is SocketState.WAITING:
            self._deadline = None
            self._move(SocketMove.RETRY)
        elif self._heartbeat_ref is None:
            self._heartbeat_ref = self._ref()
            self._deadline = now + self._timing.heartbeat_s
            self._send(Message(ref=self._heartbeat_ref, topic="phoenix", event="heartbeat", payload={}))
        else:
            self._deadline = None
            self._crash_all(HEARTBEAT_TIMEOUT)
            self._move(SocketMove.GIVE_UP)

    def _heartbeat_answered(self, message: Message, now: float) -> None:
        if self._heartbeat_ref is None or message.ref != self._heartbeat_ref:
            self.ignored["heartbeat reply nobody waits for"] += 1
            return
        self._heartbeat_ref = None
        self._deadline = now + self._timing.heartbeat_s

    def _crash_all(self, reason: str) -> None:
        """The socket is gone: joined channels are errored until it stands again, leaving ones have left."""
        for channel in list(self._channels.values()):
            if channel.state is ChannelState.LEAVING:
                self._end(channel)
            elif channel.state in (ChannelState.JOINING, ChannelState.JOINED):
                self._fail(channel, ChannelMove.CRASHED, reason)
            channel.deadline = None

    def _ref(self) -> str:
        self._refs += 1
        return str(self._refs)

    def _send(self, message: Message) -> None:
        self._frames.append(encode(message, self._vsn, join_ref=True))

    # -- inside: channels

    def _push(self, channel: Channel, event: str, payload: Any) -> str:
        ref = self._ref()
        topic = PREFIX + channel.topic
        self._send(Message(join_ref=channel.join_ref, ref=ref, topic=topic, event=event, payload=payload))
        return ref

    def _join(self, channel: Channel, now: float) -> None:
        channel.move(ChannelMove.JOIN)
        channel.deadline = now + self._timing.push_timeout_s
        channel.join_ref = ref = self._ref()
        topic = PREFIX + channel.topic
        payload = channel.join_payload(self._token)
        self._send(Message(join_ref=ref, ref=ref, topic=topic, event="phx_join", payload=payload))

    def _leave(self, channel: Channel, now: float) -> None:
        if channel.state in (ChannelState.JOINING, ChannelState.JOINED):
            channel.move(ChannelMove.LEAVE)
            channel.deadline = now + self._timing.push_timeout_s
            channel.leave_ref = self._push(channel, "phx_leave", {})
        elif channel.state is not ChannelState.LEAVING:
            self._end(channel)

    def _end(self, channel: Channel) -> None:
        """Over, once: the channel is forgotten, so that whatever still comes for it is for nobody."""
        if self._channels.get(channel.topic) is channel:
            channel.move(ChannelMove.ENDED)
            del self._channels[channel.topic]
            self._events.append(ChannelMoved(topic=channel.topic, move=ChannelMove.ENDED))

    def _fail(self, channel: Channel, move: ChannelMove, reason: str) -> None:
        channel.move(move)
        channel.join_ref = None
        self._events.append(ChannelMoved(topic=channel.topic, move=move, reason=reason))

    def _fail_and_retry(self, channel: Channel, move: ChannelMove, reason: str, now: float) -> None:
        self._fail(channel, move, reason)
        channel.deadline = now + _nth(self._timing.rejoin_delays_s, channel.failures)
        channel.failures += 1

    def _channel_due(self, channel: Channel, now: float) -> None:
        if channel.state is ChannelState.ERRORED:
            self._join(channel, now)
        elif channel.state is ChannelState.LEAVING:
            self._end(channel)
        else:
            self._push(channel, "phx_leave", {})
            self._fail_and_retry(channel, ChannelMove.REFUSED, TIMED_OUT, now)

    # -- inside: messages for channels

    def _for_channel(self, message: Message, size: int, now: float) -> None:
        channel = self._channels.get(message.topic.removeprefix(PREFIX))
        if channel is None:
            self.ignored["for no channel"] += 1
        elif message.join_ref is not None and message.join_ref != channel.join_ref:
            self.ignored["stale join_ref"] += 1
        elif message.event == "phx_reply":
            self._reply(channel, message, now)
        elif message.event in ("phx_close", "phx_error"):
            self._lifecycle(channel, message, now)
        else:
            self._deliver(channel, message, size)

    def _reply(self, channel: Channel, message: Message, now: float) -> None:
        if channel.state is ChannelState.LEAVING and message.ref == channel.leave_ref:
            self._end(channel)
        elif channel.state is ChannelState.JOINING and message.ref == channel.join_ref:
            self._join_answered(channel, message.payload, now)
        else:
            self.ignored["reply nobody waits for"] += 1

    def _join_answered(self, channel: Channel, payload: Any, now: float) -> None:
        answer = payload if isinstance(payload, dict) else {}
        response = answer.get("response")
        if answer.get("status") != "ok":
            self._fail_and_retry(channel, ChannelMove.REFUSED, _reason(response), now)
        elif channel.accept(response.get("postgres_changes") if isinstance(response, dict) else None):
            channel.move(ChannelMove.ACCEPTED)
            channel.forgetful = not self._rejoin_with_bindings
            channel.deadline = None
            channel.failures = 0
            self._events.append(ChannelMoved(topic=channel.topic, move=ChannelMove.ACCEPTED))
        else:
            self._events.append(ChannelMoved(topic=channel.topic, move=ChannelMove.REFUSED, reason=MISMATCH))
            self._leave(channel, now)

    def _lifecycle(self, channel: Channel, message: Message, now: float) -> None:
        if message.ref is not None and message.ref != channel.join_ref:
            self.ignored["stale join_ref"] += 1
        elif message.event == "phx_close" or channel.state is ChannelState.LEAVING:
            self._end(channel)
        elif channel.state in (ChannelState.JOINING, ChannelState.JOINED):
            self._fail_and_retry(channel, ChannelMove.CRASHED, _reason(message.payload), now)
        else:
            self.ignored["phx_error for an errored channel"] += 1

    def _deliver(self, channel: Channel, message: Message, size: int) -> None:
        payload = _opened(message.payload) if channel.broadcasts else message.payload
        if message.event not in ("system", "postgres_changes", *(("broadcast",) if channel.broadcasts else ())):
            self.ignored[f"event {message.event}"] += 1
        elif not isinstance(payload, dict):
            self.ignored[f"{message.event} without an object"] += 1
        elif message.event != "postgres_changes":
            self._events.append(Delivered(topic=channel.topic, event=message.event, payload=payload, bytes=size))
        elif handlers := _handlers(channel, payload):
            delivered = Delivered(
                topic=channel.topic, event=message.event, payload=payload, bytes=size, handlers=handlers
            )
            self._events.append(delivered)
        else:
            self.ignored["postgres_changes for no binding"] += 1


def _opened(payload: Any) -> Any:
    """A broadcast of JSON as text frames have it, whichever way it was framed; all else as it is."""
    if not isinstance(payload, UserBroadcast) or payload.encoding != JSON_ENCODED:
        return payload
    try:
        value = json.loads(payload.data)
    except ValueError:
        return payload
    return {"type": "broadcast", "event": payload.user_event, "payload": value, "meta": payload.metadata}


def _handlers(channel: Channel, payload: Mapping[str, Any]) -> tuple[int, ...]:
    data, ids = payload.get("data"), payload.get("ids")
    if not isinstance(data, dict) or not isinstance(ids, list):
        return ()
    return channel.handlers(ids, data.get("type"))


def _reason(response: Any) -> str:
    """The words of an error reply; the whole reply as JSON where it has no `reason`."""
    reason = response.get("reason") if isinstance(response, dict) else response
    return reason if isinstance(reason, str) else json.dumps(response, ensure_ascii=False)


def _nth(delays: Sequence[float], n: int) -> float:
    return delays[min(n, len(delays) - 1)]


def _size(frame: str | bytes) -> int:
    return len(frame) if isinstance(frame, bytes) or frame.isascii() else len(frame.encode())
