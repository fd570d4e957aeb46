"""One socket as the server sees it, without I/O: which frame means what, who is joined, which refs go where.

Frames go in by `received`, decisions of the server by `accept`, `refuse`, `push` and `end`; what the server must
decide comes out of `requests`, what must be written out of `frames_to_send`, and `next_deadline` says when `tick`
is due (realtime-facts 2.2 and 2.4; recordings p01, p07, p15).
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from harness.errors import FrameError
from harness.phoenix.close_codes import NORMAL
from harness.phoenix.message import Message
from harness.phoenix.serializer import decode, encode

_TOPIC_PREFIX: Final = "realtime:"
_DEEPEST: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinAsked:
    """A join; nothing else of this socket moves until it is answered by `accept` or `refuse`."""

    channel: int
    topic: str
    payload: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenGiven:
    """A joined channel was given a new token; `token` is any JSON value, None if there was none."""

    channel: int
    token: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """A joined channel was pushed anything else (`broadcast`, `presence`, …); `ref` is for `reply`.

    `payload` is a JSON value, or `UserBroadcast` or `Binary` if the frame was binary.
    """

    channel: int
    ref: Any
    event: str
    payload: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelOver:
    """A channel is over: `left` by its client, replaced by a join of the same topic, ended, or its socket is gone."""

    channel: int
    left: bool = False


Request = JoinAsked | TokenGiven | Pushed | ChannelOver
Outgoing = str | bytes
"""Text that is still to be framed, or the bytes of a frame that was made once for many sockets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Channel:
    number: int
    topic: str
    join_ref: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pending:
    """A join that is being processed: the new channel, the ref to answer, and the old channel that it replaces."""

    channel: _Channel
    ref: Any
    replaces: _Channel | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Refusal:
    at: float
    reason: str
    close_code: int | None


class ServerConnection:
    """The protocol of one socket. Channels are numbered from 1; a number is never used twice.

    Frames that are no messages are dropped and counted in `malformed`; the connection stays, as the real server
    does (recording p07). `close_code` is set when the shell must close the socket; then nothing moves any more.
    """

    def __init__(self, *, vsn: str, now: float, idle_timeout_s: float = 66.0) -> None:
        self.vsn: Final = vsn
        self.malformed = 0
        self.close_code: int | None = None
        self._idle_timeout_s = idle_timeout_s
        self._last_byte = now
        self._numbers = 0
        self._channels: dict[str, _Channel] = {}
        self._pending: _Pending | None = None
        self._refusal: _Refusal | None = None
        self._unread: deque[str | bytes] = deque()
        self._requests: list[Request] = []
        self._out: list[Outgoing] = []
        self._held: list[Outgoing] = []

    def received(self, frame: str | bytes, now: float) -> None:
        """A frame came. While a join is being processed it waits its turn."""
        self.touched(now)
        self._unread.append(frame)
        self._read()

    def touched(self, now: float) -> None:
        """Bytes that are no message came, such as a ping: the socket is not idle."""
        self._last_byte = now

    def requests(self) -> tuple[Request, ...]:
        """What the server must act on, in order; each is given once."""
        requests, self._requests = tuple(self._requests), []
        return requests

    def frames_to_send(self) -> tuple[Outgoing, ...]:
        """What must be written, in order; each is given once."""
        frames, self._out = tuple(self._out), []
        return frames

    def next_deadline(self) -> float | None:
        """When `tick` is due; None when nothing will happen by itself any more."""
        if self.close_code is not None:
            return None
        return self._refusal.at if self._refusal is not None else self._last_byte + self._idle_timeout_s

    def tick(self, now: float) -> None:
        """Do what is due: answer a refused join whose time has come, or give up an idle socket."""
        deadline = self.next_deadline()
        if deadline is None or now < deadline:
            return
        if self._refusal is not None:
            reason = {"reason": self._refusal.reason}
            self._answer("error", reason, joined=False, close_code=self._refusal.close_code)
        elif self._pending is None:
            self.close_code = NORMAL

    def accept(self, channel: int, response: Any) -> None:
        """Answer the join of `channel` with ok. Whatever came for the socket meanwhile goes out after the reply."""
        if self._is_pending(channel):
            self._answer("ok", response, joined=True)

    def refuse(self, channel: int, reason: str, *, at: float, close_code: int | None = None) -> None:
        """Answer the join of `channel` with an error when it is `at`; until then the whole socket stands still.

        With a `close_code` the socket is closed after that answer.
        """
        if self._is_pending(channel):
            self._refusal = _Refusal(at=at, reason=reason, close_code=close_code)

    def push(self, channel: int, event: str, payload: Any) -> None:
        """Send a message of the channel itself (`system`, `presence_state`): with its join_ref, without ref.

        Does nothing for a channel that is over.
        """
        found = self._joined(channel)
        if found is not None:
            self._send(Message(join_ref=found.join_ref, topic=found.topic, event=event, payload=payload))

    def reply(self, channel: int, ref: Any, status: str, response: Any) -> None:
        """Answer a push. Does nothing for a channel that is over."""
        found = self._joined(channel)
        if found is not None:
            self._reply(found.topic, ref, found.join_ref, status, response)

    def relay(self, frame: Outgoing) -> None:
        """Send what bypasses the channel: changes of the database, with neither ref nor join_ref."""
        if self.close_code is None:
            (self._held if self._pending is not None else self._out).append(frame)

    def end(self, channel: int) -> None:
        """End a channel from the server's side: phx_close, and nothing for it afterwards."""
        found = self._joined(channel)
        if found is not None:
            self._close(found)

    def crash(self, channel: int) -> None:
        """The channel broke: phx_error, and nothing for it afterwards (realtime-facts 2.4, 11.16)."""
        found = self._joined(channel)
        if found is not None:
            del self._channels[found.topic]
            self._requests.append(ChannelOver(channel=channel))
            ref = found.join_ref
            self._send(
                Message(
                    join_ref=ref, ref=ref, topic=found.topic, event="phx_error", payload={"reason": "channel_crash"}
                )
            )

    def drain(self, code: int, *, told: bool = True) -> None:
        """Give up the socket with `code`, after telling each joined topic if it is `told` (realtime-facts 1.5)."""
        for topic in self._channels if told else ():
            words = {"message": "Server requested disconnect", "status": "ok", "extension": "system"}
            self._send(Message(topic=topic, event="system", payload=words))
        self.close_code = code

    def lost(self) -> None:
        """The socket is gone: every channel is over, and the join that was being processed."""
        if self._pending is not None:
            self._requests.append(ChannelOver(channel=self._pending.channel.number))
        self._requests += [ChannelOver(channel=channel.number) for channel in self._channels.values()]
        self._channels.clear()
        self._pending = self._refusal = None
        self._unread.clear()
        self.close_code = self.close_code or NORMAL

    @property
    def blocked(self) -> bool:
        """Whether a join is being processed, so that nothing else is read or written."""
        return self._pending is not None

    def _read(self) -> None:
        while self._unread and self._pending is None and self.close_code is None:
            frame = self._unread.popleft()
            try:
                self._handle(_decode(frame, self.vsn))
            except FrameError:
                self.malformed += 1

    def _handle(self, message: Message) -> None:
        channel = self._channels.get(message.topic) if isinstance(message.topic, str) else None
        if message.topic == "phoenix" and message.event == "heartbeat":
            self._reply(message.topic, message.ref, None, "ok", {})
        elif message.event == "phx_join" and str(message.topic).startswith(_TOPIC_PREFIX):
            self._ask_join(message, channel)
        elif message.event == "phx_leave":
            self._leave(message, channel)
        elif channel is None:
            self._reply(message.topic, message.ref, None, "error", {"reason": "unmatched topic"})
        elif message.event == "access_token":
            token = message.payload.get("access_token") if isinstance(message.payload, dict) else None
            self._requests.append(TokenGiven(channel=channel.number, token=token))
        elif isinstance(message.event, str):
            pushed = Pushed(channel=channel.number, ref=message.ref, event=message.event, payload=message.payload)
            self._requests.append(pushed)

    def _ask_join(self, message: Message, old: _Channel | None) -> None:
        self._numbers += 1
        new = _Channel(number=self._numbers, topic=message.topic, join_ref=message.join_ref)
        if old is not None:
            del self._channels[old.topic]
            self._requests.append(ChannelOver(channel=old.number))
        self._pending = _Pending(channel=new, ref=message.ref, replaces=old)
        self._requests.append(JoinAsked(channel=new.number, topic=new.topic, payload=message.payload))

    def _answer(self, status: str, response: Any, *, joined: bool, close_code: int | None = None) -> None:
        """The reply, then the end of the channel that was replaced, then what had to wait (realtime-facts 2.4)."""
        assert self._pending is not None
        pending, self._pending, self._refusal = self._pending, None, None
        held, self._held = self._held, []
        channel, old = pending.channel, pending.replaces
        self._reply(channel.topic, pending.ref, channel.join_ref, status, response)
        if old is not None:
            self._send_close(old)
        if joined:
            self._channels[channel.topic] = channel
        self._out += held
        self.close_code = close_code
        self._read()

    def _leave(self, message: Message, channel: _Channel | None) -> None:
        if channel is None:
            self._reply(message.topic, message.ref, message.join_ref, "ok", {})
        elif channel.join_ref in (message.join_ref, None):
            self._reply(channel.topic, message.ref, channel.join_ref, "ok", {})
            self._close(channel, left=True)

    def _close(self, channel: _Channel, *, left: bool = False) -> None:
        del self._channels[channel.topic]
        self._requests.append(ChannelOver(channel=channel.number, left=left))
        self._send_close(channel)

    def _send_close(self, channel: _Channel) -> None:
        ref = channel.join_ref
        self._send(Message(join_ref=ref, ref=ref, topic=channel.topic, event="phx_close", payload={}))

    def _reply(self, topic: str, ref: Any, join_ref: Any, status: str, response: Any) -> None:
        payload = {"status": status, "response": response}
        self._send(Message(join_ref=join_ref, ref=ref, topic=topic, event="phx_reply", payload=payload))

    def _send(self, message: Message) -> None:
        self.relay(encode(message, self.vsn, join_ref=False))

    def _is_pending(self, channel: int) -> bool:
        return self._pending is not None and self._pending.channel.number == channel

    def _joined(self, channel: int) -> _Channel | None:
        return next((each for each in self._channels.values() if each.number == channel), None)


def _decode(frame: str | bytes, vsn: str) -> Message:
    """The message in a frame; one that is nested too deep to be echoed or quoted counts as malformed."""
    message = decode(frame, vsn)
    if isinstance(frame, str) and frame.count("[") + frame.count("{") > _DEEPEST:
        _refuse_depth(message)
    return message


def _refuse_depth(message: Message) -> None:
    level = [message.payload, message.ref, message.join_ref]
    for _ in range(_DEEPEST):
        level = [child for value in level for child in _children(value)]
        if not level:
            return
    raise FrameError(f"nested more than {_DEEPEST} deep")


def _children(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
