"""One socket of the server: moves frames and timers between a WebSocket, its protocol and its channels.

Decides nothing itself: frames mean what `phoenix.server` says, joins what `join` says, tokens what `auth` says, and
everything else what the features say; `feature` tells how one is hooked in.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Final

from aiohttp import WSMsgType, web

from harness.phoenix.server import ChannelOver, JoinAsked, Outgoing, Pushed, ServerConnection, TokenGiven
from harness.realtime.auth import Claims
from harness.realtime.auth import Refusal as TokenRefusal
from harness.realtime.channel import Channel
from harness.realtime.feature import Feature, Refusal, ask
from harness.realtime.frame import text_frame
from harness.realtime.join import Join, JoinRefusal, public_refusal, read, shape_refusal, token_of
from harness.realtime.services import Services
from harness.realtime.subscription import Subscriber
from harness.realtime.token_watch import TokenWatch
from harness.realtime.worker import Delivery

_FAR_BEHIND: Final = 100
_LOOK_AGAIN_S: Final = 0.05


class Link:
    """A socket that was let in with `claims`; `name` is what the history calls it.

    Call `serve` until it returns. `transport` is written to directly: frames for many sockets are made once, and
    what is due in one turn of the loop is one write.
    """

    def __init__(
        self,
        *,
        name: str,
        vsn: str,
        headers: Mapping[str, str],
        claims: Claims,
        services: Services,
        features: Sequence[Feature],
        tokens: TokenWatch,
        socket: web.WebSocketResponse,
        transport: asyncio.Transport,
    ) -> None:
        self.name = name
        self.vsn = vsn
        self.headers = headers
        self.channels: dict[int, Channel] = {}
        self._claims = claims
        self._services = services
        self._features = features
        self._tokens = tokens
        self._socket = socket
        self._transport = transport
        idle = services.tenant.idle_timeout_s
        self._connection = ServerConnection(vsn=vsn, now=services.clock.now(), idle_timeout_s=idle)
        self._asked: dict[int, Channel] = {}
        self._attempts: dict[int, dict[str, Any]] = {}  # joins that are not answered yet, as the history tells them
        self._waiting: list[Delivery] = []
        self._moved = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._closing: asyncio.Task[bool] | None = None

    async def serve(self) -> None:
        """Read until the socket ends; then every channel is over."""
        self._pump()
        try:
            async for message in self._socket:
                if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                    self._connection.received(message.data, self._now())
                elif message.type is WSMsgType.PING:
                    self._connection.touched(self._now())
                    await self._socket.pong(message.data)
                else:
                    self._connection.touched(self._now())
                self._pump()
                if self._is_behind():
                    await self._catch_up()
        finally:
            self._connection.lost()
            self._act_on_requests()
            if self._timer is not None:
                self._timer.cancel()
            for feature in self._features:
                if feature.closed is not None:
                    feature.closed(self)

    def deliver(self, deliveries: Sequence[Delivery]) -> None:
        """See `Outlet.deliver`. While a join is being processed the frames wait, as on the real server."""
        self._waiting += deliveries
        self._flush()

    def down(self, subscriber: Subscriber, *, at_once: bool = False) -> None:
        """See `Outlet.down`."""
        for channel in self.channels.values():
            if channel.subscriber is subscriber and channel.forgotten is not None:
                channel.forgotten(at_once)

    def drain(self, code: int, *, told: bool = True) -> None:
        """Say goodbye to every channel and close the socket with `code`."""
        self._connection.drain(code, told=told)
        self._flush()

    def push(self, channel: int, event: str, payload: Any) -> None:
        """See `Socket`."""
        self._connection.push(channel, event, payload)
        self._flush()

    def reply(self, channel: int, ref: Any, status: str, response: Any) -> None:
        """See `Socket`."""
        self._connection.reply(channel, ref, status, response)
        self._flush()

    def relay(self, frame: Outgoing) -> None:
        """See `Socket`."""
        self._connection.relay(frame)
        self._flush()

    def end(self, channel: int) -> None:
        """See `Socket`."""
        self._connection.end(channel)
        self._pump()

    def crash(self, channel: int) -> None:
        """See `Socket`. A channel that breaks while it is being joined is refused."""
        if channel in self.channels:
            self._connection.crash(channel)
        else:
            self._refuse(channel, JoinRefusal(reason="Unknown Error on Channel"))
        self._pump()

    def _now(self) -> float:
        return self._services.clock.now()

    def _is_behind(self) -> bool:
        return self._connection.blocked or any(each.backlog > _FAR_BEHIND for each in self.channels.values())

    async def _catch_up(self) -> None:
        """Read no further while a join is processed or a channel has much to do: the client's TCP has to wait."""
        while self._is_behind() and self._connection.close_code is None and not self._transport.is_closing():
            self._moved.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._moved.wait(), _LOOK_AGAIN_S)

    def _pump(self) -> None:
        """Act on what the protocol asks, write what it has to say, and wake up when it is next due."""
        self._act_on_requests()
        self._flush()
        self._moved.set()
        if self._timer is not None:
            self._timer.cancel()
        deadline = self._connection.next_deadline()
        loop = asyncio.get_running_loop()
        left = None if deadline is None else self._services.real_seconds(max(0.0, deadline - self._now()))
        self._timer = None if left is None else loop.call_later(left, self._tick)

    def _tick(self) -> None:
        self._connection.tick(self._now())
        self._pump()

    def _act_on_requests(self) -> None:
        while requests := self._connection.requests():
            for request in requests:
                if isinstance(request, JoinAsked):
                    self._answer_join(request)
                elif isinstance(request, ChannelOver):
                    self._forget(request.channel, left=request.left)
                elif request.channel in self.channels:
                    self._act(self.channels[request.channel], request)

    def _act(self, channel: Channel, request: TokenGiven | Pushed) -> None:
        """An event that no feature knows is counted and ignored (realtime-facts 2.4)."""
        if isinstance(request, TokenGiven):
            channel.do(partial(self._tokens.given, channel, request.token))
            return
        handler = next((each.events[request.event] for each in self._features if request.event in each.events), None)
        if handler is not None:
            channel.do(partial(handler, channel, request))
        else:
            self._services.limits.sent(self._now())

    def _flush(self) -> None:
        if not self._connection.blocked:
            self._relay_waiting()
        frames = self._connection.frames_to_send()
        if frames and not self._transport.is_closing():
            self._transport.write(b"".join(each if isinstance(each, bytes) else text_frame(each) for each in frames))
            if self._transport.get_write_buffer_size() > self._services.tenant.max_backlog_bytes:
                self._transport.abort()
        if self._connection.close_code is not None and self._closing is None:
            self._closing = asyncio.create_task(self._socket.close(code=self._connection.close_code))

    def _relay_waiting(self) -> None:
        waiting, self._waiting = self._waiting, []
        if not waiting or self._transport.is_closing():
            return
        self._connection.relay(b"".join([each.frame for each in waiting]))
        for each in waiting:
            if each.row is not None:
                value = {**each.row, "link": self.name, "topic": each.topic, "bytes": len(each.frame)}
                self._services.recorder.record("realtime", "send", value)

    def _answer_join(self, asked: JoinAsked) -> None:
        told = {"link": self.name, "topic": asked.topic, "role": None, "expires": None, "wall": self._services.wall()}
        self._attempts[asked.channel] = told
        decision = self._decide(asked)
        if isinstance(decision, JoinRefusal):
            self._refuse(asked.channel, decision)
            return
        join, claims = decision
        told.update(role=claims.role, expires=claims.expires)
        channel = Channel(number=asked.channel, topic=asked.topic, join=join, claims=claims, socket=self)
        self._asked[channel.number] = channel
        channel.do(partial(self._admit, channel))

    def _decide(self, asked: JoinAsked) -> tuple[Join, Claims] | JoinRefusal:
        """The join and its claims, as far as payload, limits and token decide."""
        refusal = shape_refusal(asked.topic, asked.payload)
        if refusal is None and self._services.tenant.private_only:
            refusal = public_refusal(asked.payload)
        for feature in self._features:
            if refusal is None and feature.gate is not None:
                refusal = feature.gate(self)
        if refusal is not None:
            return refusal
        token = token_of(asked.payload, self._claims.token)
        claims = self._services.verify(token)
        if isinstance(claims, TokenRefusal):
            return JoinRefusal(reason=claims.at_join())
        join = read(asked.topic, asked.payload)
        return join if isinstance(join, JoinRefusal) else (join, claims)

    def _admit(self, channel: Channel) -> Awaitable[None] | None:
        answer = ask((each.admit for each in self._features), channel)
        if inspect.isawaitable(answer):
            return self._admit_later(channel, answer)
        self._conclude(channel, answer)
        return None

    async def _admit_later(self, channel: Channel, answer: Awaitable[Refusal]) -> None:
        self._conclude(channel, await answer)
        self._pump()

    def _conclude(self, channel: Channel, refusal: Refusal) -> None:
        if refusal is not None:
            self._refuse(channel.number, JoinRefusal(reason=refusal))
            return
        self.channels[channel.number] = channel
        self._tell_join(channel.number)
        self._connection.accept(channel.number, channel.join.response())
        for feature in self._features:
            if feature.follow is not None:
                channel.do(partial(feature.follow, channel))

    def _refuse(self, number: int, refusal: JoinRefusal) -> None:
        self._tell_join(number, refusal.reason)
        self._forget(number)
        tenant, now = self._services.tenant, self._now()
        delay = tenant.channel_error_backoff_s if tenant.quirks.slow_join_refusal else 0.0
        self._connection.refuse(number, refusal.reason, at=now + delay, close_code=refusal.close_code)
        self._connection.tick(now)

    def _tell_join(self, number: int, refusal: str | None = None) -> None:
        """The op `join`: see docs/history.md. Once for each join; one whose socket went meanwhile was not decided."""
        told = self._attempts.pop(number, None)
        if told is not None and self._services.recorder.listens:
            self._services.recorder.record("realtime", "join", told, type="fail" if refusal else "ok", error=refusal)

    def _forget(self, number: int, *, left: bool = False) -> None:
        self._attempts.pop(number, None)
        channel = self._asked.pop(number, None)
        self.channels.pop(number, None)
        if channel is not None:
            channel.left = left
            channel.stop()
            for feature in self._features:
                if feature.over is not None:
                    feature.over(channel)
