"""One socket of the server: moves frames and timers between a WebSocket, its protocol and the worker.

Decides nothing itself: frames mean what `phoenix.server` says, joins what `join` says, tokens what `auth` says.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from aiohttp import WSMsgType, web

from harness.clock import Clock
from harness.errors import VisibilityError
from harness.history.recorder import Recorder
from harness.phoenix.server import ChannelOver, JoinAsked, Pushed, ServerConnection, TokenGiven
from harness.realtime.auth import Claims, Refusal, verify
from harness.realtime.frame import text_frame
from harness.realtime.join import Join, JoinRefusal, read, shape_refusal, short_topic, token_of
from harness.realtime.subscription import Binding, Refused, Subscriber, Wanted, understand
from harness.realtime.tenant import Tenant
from harness.realtime.worker import Delivery, Worker

_RETRY_S = (5.0, 10.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What all sockets of a server share."""

    tenant: Tenant
    worker: Worker
    clock: Clock
    rng: Random
    recorder: Recorder


@dataclass(slots=True, kw_only=True, eq=False)
class _Channel:
    """A channel that was let in. `again` asks its task to subscribe once more."""

    number: int
    subscriber: Subscriber
    join: Join
    claims: Claims
    again: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None
    timer: asyncio.TimerHandle | None = None

    def stop(self) -> None:
        if self.task is not None:
            self.task.cancel()
        if self.timer is not None:
            self.timer.cancel()


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
        claims: Claims,
        services: Services,
        socket: web.WebSocketResponse,
        transport: asyncio.Transport,
    ) -> None:
        self.name = name
        self._socket_claims = claims
        self._services = services
        self._socket = socket
        self._transport = transport
        self._connection = ServerConnection(
            vsn=vsn, now=services.clock.now(), idle_timeout_s=services.tenant.idle_timeout_s
        )
        self._channels: dict[int, _Channel] = {}
        self._waiting: list[Delivery] = []
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
        finally:
            self._connection.lost()
            self._act_on_requests()
            if self._timer is not None:
                self._timer.cancel()

    def deliver(self, deliveries: Sequence[Delivery]) -> None:
        """See `Outlet.deliver`. While a join is being processed the frames wait, as on the real server."""
        self._waiting += deliveries
        self._flush()

    def down(self, subscriber: Subscriber) -> None:
        """See `Outlet.down`."""
        for channel in self._channels.values():
            if channel.subscriber is subscriber:
                channel.again.set()

    def drain(self, code: int) -> None:
        """Say goodbye to every channel and close the socket with `code`."""
        self._connection.drain(code)
        self._flush()

    def _now(self) -> float:
        return self._services.clock.now()

    def _wall(self) -> float:
        return self._services.clock.wall().timestamp()

    def _pump(self) -> None:
        """Act on what the protocol asks, write what it has to say, and wake up when it is next due."""
        self._act_on_requests()
        self._flush()
        if self._timer is not None:
            self._timer.cancel()
        deadline = self._connection.next_deadline()
        loop = asyncio.get_running_loop()
        self._timer = None if deadline is None else loop.call_later(max(0.0, deadline - self._now()), self._tick)

    def _tick(self) -> None:
        self._connection.tick(self._now())
        self._pump()

    def _act_on_requests(self) -> None:
        while requests := self._connection.requests():
            for request in requests:
                match request:
                    case JoinAsked():
                        self._answer_join(request)
                    case TokenGiven():
                        self._take_token(request)
                    case ChannelOver():
                        self._forget(request.channel)
                    case Pushed():
                        pass  # an event that the server does not know is ignored (realtime-facts 2.4)

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
        if self._transport.is_closing():
            return
        for each in waiting:
            self._connection.relay(each.frame)
            if each.row is not None:
                value = {**each.row, "link": self.name, "topic": each.topic, "bytes": len(each.frame)}
                self._services.recorder.record("realtime", "send", value)

    def _answer_join(self, asked: JoinAsked) -> None:
        decision = self._decide(asked)
        if isinstance(decision, str):
            self._refuse(asked.channel, decision)
            return
        join, claims = decision
        subscriber = Subscriber(link=self.name, topic=asked.topic, vsn=self._connection.vsn, legacy=join.legacy)
        channel = _Channel(number=asked.channel, subscriber=subscriber, join=join, claims=claims)
        self._channels[channel.number] = channel
        if self._services.tenant.quirks.reply_before_subscription or not join.bindings:
            self._accept(channel)
        if join.bindings:
            channel.task = _start(self._keep_subscribed(channel))
        elif join.presence:
            self._push(channel, "presence_state", {})

    def _decide(self, asked: JoinAsked) -> tuple[Join, Claims] | str:
        """The join and its claims, or the reason of the refusal."""
        odd = shape_refusal(asked.topic, asked.payload)
        if odd is not None:
            return odd.reason
        token = token_of(asked.payload, self._socket_claims.token)
        claims = verify(token, self._services.tenant.jwt_secret, wall=self._wall())
        if isinstance(claims, Refusal):
            return claims.at_join()
        join = read(asked.topic, asked.payload)
        return join.reason if isinstance(join, JoinRefusal) else (join, claims)

    def _refuse(self, number: int, reason: str) -> None:
        tenant, now = self._services.tenant, self._now()
        delay = tenant.channel_error_backoff_s if tenant.quirks.slow_join_refusal else 0.0
        self._connection.refuse(number, reason, at=now + delay)
        self._connection.tick(now)

    def _accept(self, channel: _Channel) -> None:
        self._connection.accept(channel.number, channel.join.response())
        self._watch_token(channel)

    async def _keep_subscribed(self, channel: _Channel) -> None:
        """Subscribe, and again whenever `again` says so; a refusal is not tried again by itself (realtime-facts 3.4).

        On a cold worker the state of presence comes first, on a warm one after the outcome (realtime-facts 11.24).
        """
        wanted = _understand(channel.join.bindings)
        presence = channel.join.presence
        if presence and not isinstance(wanted, Refused) and not self._services.worker.warm:
            self._push(channel, "presence_state", {})
            presence = False
        while True:
            refused = wanted if isinstance(wanted, Refused) else await self._subscribe(channel, wanted)
            if not self._services.tenant.quirks.reply_before_subscription:
                self._accept(channel)
            self._push(channel, "system", _outcome(channel, refused))
            if presence:
                self._push(channel, "presence_state", {})
                presence = False
            await channel.again.wait()
            channel.again.clear()
            await self._services.clock.sleep(self._services.rng.uniform(*self._services.tenant.subscribe_retry_s))

    async def _subscribe(self, channel: _Channel, wanted: Sequence[tuple[Binding, Wanted]]) -> Refused | None:
        """Subscribe with the channel's present claims; while the database does not answer, say so and try again."""
        while True:
            try:
                return await self._services.worker.subscribe(self, channel.subscriber, wanted, channel.claims)
            except VisibilityError as error:
                self._push(channel, "system", _outcome(channel, Refused(message=str(error))))
                await self._services.clock.sleep(self._services.rng.uniform(*_RETRY_S))

    def _take_token(self, given: TokenGiven) -> None:
        """A new token: good, its claims replace the old and the channel subscribes again; bad, the channel ends.

        What is no token, an opaque key or the token that it has already changes nothing (recording p04b).
        """
        channel = self._channels[given.channel]
        if not isinstance(given.token, str) or given.token.startswith("sb_") or given.token == channel.claims.token:
            return
        claims = verify(given.token, self._services.tenant.jwt_secret, wall=self._wall())
        if isinstance(claims, Refusal):
            self._expel(channel, claims)
            return
        channel.claims = claims
        channel.again.set()
        self._watch_token(channel)

    def _watch_token(self, channel: _Channel) -> None:
        if channel.timer is not None:
            channel.timer.cancel()
        delay = channel.claims.next_check_s(self._wall(), at_most=self._services.tenant.token_check_s)
        channel.timer = asyncio.get_running_loop().call_later(delay, self._check_token, channel)

    def _check_token(self, channel: _Channel) -> None:
        refusal = channel.claims.expired(self._wall())
        if refusal is None:
            self._watch_token(channel)
            return
        self._expel(channel, refusal)
        self._pump()

    def _expel(self, channel: _Channel, refusal: Refusal) -> None:
        self._push(channel, "system", _system(channel, "system", "error", refusal.at_refresh()))
        self._connection.end(channel.number)

    def _push(self, channel: _Channel, event: str, payload: dict[str, Any]) -> None:
        self._connection.push(channel.number, event, payload)
        self._flush()

    def _forget(self, number: int) -> None:
        channel = self._channels.pop(number, None)
        if channel is not None:
            channel.stop()
            self._services.worker.unsubscribe(channel.subscriber)


def _understand(bindings: Sequence[Binding]) -> list[tuple[Binding, Wanted]] | Refused:
    """All bindings, or the refusal of the first that is not understood: one bad element spoils the channel."""
    wanted: list[tuple[Binding, Wanted]] = []
    for binding in bindings:
        understood = understand(binding.element)
        if isinstance(understood, Refused):
            return understood
        wanted.append((binding, understood))
    return wanted


def _outcome(channel: _Channel, refused: Refused | None) -> dict[str, Any]:
    if refused is None:
        return _system(channel, "postgres_changes", "ok", "Subscribed to PostgreSQL")
    return _system(channel, "postgres_changes", "error", refused.message)


def _system(channel: _Channel, extension: str, status: str, message: str) -> dict[str, Any]:
    topic = short_topic(channel.subscriber.topic)
    return {"message": message, "status": status, "extension": extension, "channel": topic}


def _start(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """A task whose failure is told to the event loop instead of being kept in it."""
    task = asyncio.create_task(work)
    task.add_done_callback(_tell)
    return task


def _tell(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        asyncio.get_running_loop().call_exception_handler({"message": "a channel broke", "exception": error})
