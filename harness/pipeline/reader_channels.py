"""The two channels of a reader: joined, joined afresh when lost, and reported to recovery.

Between client and subscriber: what the client says of sockets and channels ends here, changes go on.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Final

from harness.clients.client import (
    Binding,
    ChangeReceived,
    ChannelClosed,
    ChannelErrored,
    Client,
    ClientEvent,
    Closed,
    Joined,
    Opened,
    Refused,
    SystemNotice,
)
from harness.clock import Clock, within
from harness.errors import ClientError, ClientMissing
from harness.pipeline.reader_log import ReaderLog
from harness.pipeline.recovery import Recovery, backoff
from harness.pipeline.topics import events_topic, state_topic

READY_S: Final = 30.0
"""How long a joined channel may wait for the word that its changes flow: the real server takes up to 10 s."""

UNTOLD: Final = "joined, and never told that changes flow"

LEAVE_S: Final = 15.0
"""How long the end of a channel that was left is waited for. Clients give up waiting for the server after 10 s."""


def bindings(process_id: str, schema: str) -> dict[str, Binding]:
    """Topic → what the specification has it ask for."""
    return {
        events_topic(process_id): Binding(
            event="INSERT", schema=schema, table="process_events", filter=f"process_id=eq.{process_id}"
        ),
        state_topic(process_id): Binding(
            event="UPDATE", schema=schema, table="generated_articles_state", filter=f"id=eq.{process_id}"
        ),
    }


class ReaderChannels:
    """Connected means both channels ready: recovery hears of each loss, and of ready only when all are (D-53).

    The client reconnects its socket by itself. A channel that was refused or closed is joined afresh from here,
    with growing pauses and for ever: phx_close is final to the official JavaScript client (realtime-facts 7.1),
    a refusal to the Python one, and after a system error the channel is joined but deaf (11 no. 9). So is one that is
    not told within `READY_S` that its changes flow: its client may have asked for none (realtime-py#213).

    Nothing is joined, and `token` is not asked, before the user is signed in: a channel that anybody joined is
    shown nothing (B6). From then on `token` is asked before each join that is made here.
    """

    def __init__(
        self,
        client: Client,
        channels: dict[str, Binding],
        recovery: Recovery,
        *,
        clock: Clock,
        rng: Random,
        log: ReaderLog,
        token: Callable[[], str] | None = None,
        signed_in: bool = True,
    ) -> None:
        self._client = client
        self._channels = channels
        self._recovery = recovery
        self._clock = clock
        self._rng = rng
        self._log = log
        self._token = token
        self._signed_in = signed_in
        self._connected = False
        self._open = False
        self._held: set[str] = set()  # joined, or asked for
        self._ready: set[str] = set()
        self._renewing: set[str] = set()  # lost, and the fresh join not answered yet
        self._renewals: Counter[str] = Counter()
        self._leaves: dict[str, asyncio.Event] = {}
        self._joins: Counter[str] = Counter()
        self._awaited: dict[str, int] = {}  # joined, and not told yet that changes flow: which join it was

    @property
    def held(self) -> int:
        """How many channels it is in, or has asked for."""
        return len(self._held)

    @property
    def renewing(self) -> int:
        """How many channels it is about to join afresh."""
        return len(self._renewing)

    async def connect(self) -> bool:
        """Whether the server took the socket; a refusal is told. Raises `ClientMissing`, which no retry can cure."""
        try:
            await self._offer_token()
            await self._client.connect()
        except ClientMissing:
            raise
        except ClientError as error:
            self._log.record("open", {}, type="fail", error=str(error))
            self._recovery.disconnected(str(error))
            return False
        self._connected = True
        return True

    async def join(self) -> None:
        """Ask for both channels, if the user is signed in."""
        if self._signed_in:
            for topic in self._channels:
                await self._ask(topic)

    async def sign_in(self, token: str, tasks: asyncio.TaskGroup) -> None:
        """Use this token from now on: join with it, afresh where another one has joined."""
        await self._client.set_token(token)
        if self._signed_in:
            self.rejoin("signed in", tasks)
            return
        self._signed_in = True
        if self._connected:
            await self.join()

    def rejoin(self, reason: str, tasks: asyncio.TaskGroup) -> None:
        """Leave both channels and join them afresh. Until they are ready again, they are lost."""
        for topic in self._channels:
            self._renew(topic, reason, tasks, leave=True)

    def handle(self, event: ClientEvent, tasks: asyncio.TaskGroup) -> ChangeReceived | None:
        """Take in what the client says; gives a change back. What takes time is started in `tasks`."""
        match event:
            case ChangeReceived():
                return event
            case Opened():
                self._open = True
                self._log.record("open", {})
                self._recovery.connecting()
            case Closed():
                self._on_closed(event, tasks)
            case Joined():
                self._renewing.discard(event.topic)
                self._log.record("join", {"topic": event.topic})
                self._recovery.joined()
                self._joins[event.topic] += 1
                join = self._awaited[event.topic] = self._joins[event.topic]
                tasks.create_task(self._expect_ready(event.topic, join, tasks))
            case Refused():
                self._renewing.discard(event.topic)
                self._log.record("join", {"topic": event.topic}, type="fail", error=event.reason)
                self._renew(event.topic, event.reason, tasks, leave=True)
            case SystemNotice():
                self._on_system(event, tasks)
            case ChannelClosed():
                self._on_channel_closed(event.topic, tasks)
            case ChannelErrored():
                self._log.channel(event.topic, event="phx_error", reason=event.reason)
                self._lose(event.topic, event.reason or "phx_error")
        return None

    async def close(self) -> None:
        """End the client. No more `handle` after this."""
        await self._client.close()
        self._held.clear()
        self._renewing.clear()
        if self._open:
            self._open = False
            self._log.record("close", {"code": 1000, "reason": "", "by": "client"})

    def _on_closed(self, event: Closed, tasks: asyncio.TaskGroup) -> None:
        self._open = False
        self._ready.clear()
        self._awaited.clear()
        self._log.record("close", {"code": event.code, "reason": event.reason, "by": event.by})
        self._recovery.disconnected(f"the socket closed with {event.code}")
        if self._token is not None:
            tasks.create_task(self._renew_token())

    def _on_channel_closed(self, topic: str, tasks: asyncio.TaskGroup) -> None:
        self._held.discard(topic)
        if topic in self._leaves:
            self._leaves[topic].set()
        self._log.channel(topic, event="phx_close", expected=topic in self._renewing)
        self._renew(topic, "phx_close", tasks, leave=False)

    def _on_system(self, notice: SystemNotice, tasks: asyncio.TaskGroup) -> None:
        if notice.ready:
            self._log.record("ready", {"topic": notice.topic})
            self._renewals[notice.topic] = 0
            self._awaited.pop(notice.topic, None)
            self._ready.add(notice.topic)
            if self._ready >= self._channels.keys():
                self._recovery.ready(self._clock.now())
            return
        self._log.system(notice)
        if notice.extension == "postgres_changes":
            self._renew(notice.topic, notice.message, tasks, leave=True)

    async def _expect_ready(self, topic: str, join: int, tasks: asyncio.TaskGroup) -> None:
        await self._clock.sleep(READY_S)
        if self._awaited.get(topic) == join:
            self._renew(topic, UNTOLD, tasks, leave=True)

    def _lose(self, topic: str, reason: str) -> None:
        self._ready.discard(topic)
        self._awaited.pop(topic, None)
        self._recovery.disconnected(reason)

    def _renew(self, topic: str, reason: str, tasks: asyncio.TaskGroup, *, leave: bool) -> None:
        self._lose(topic, reason)
        if topic not in self._renewing:
            self._renewing.add(topic)
            tasks.create_task(self._join_afresh(topic, leave=leave))

    async def _join_afresh(self, topic: str, *, leave: bool) -> None:
        """Leaving first takes the channel from the client, which might rejoin on its own and fight with us (D-66)."""
        if leave:
            await self._leave(topic)
        while True:
            try:
                await self._clock.sleep(backoff(self._renewals[topic], self._rng, base=1.0))
                self._renewals[topic] += 1
                await self._offer_token()
                return await self._ask(topic)
            except ClientError as error:
                self._log.record("join", {"topic": topic}, type="fail", error=str(error))

    async def _leave(self, topic: str) -> None:
        """Leave, and wait until the channel is over: who joins sooner may have the new channel closed (B16)."""
        left = self._leaves[topic] = asyncio.Event()
        try:
            await self._client.unsubscribe(topic)
            async with within(self._clock, LEAVE_S):
                await left.wait()
        except (ClientError, TimeoutError) as error:
            # The client has no such channel any more, or keeps the end to itself: either way it is to be joined.
            words = str(error) or f"the client did not say within {LEAVE_S:g} s that the channel is over"
            self._log.record("join", {"topic": topic}, type="fail", error=words)
        finally:
            del self._leaves[topic]

    async def _ask(self, topic: str) -> None:
        self._log.record("join", {"topic": topic}, type="invoke")
        self._held.add(topic)
        await self._client.subscribe(topic, [self._channels[topic]])

    async def _offer_token(self) -> None:
        if self._token is not None and self._signed_in:
            await self._client.set_token(self._token())

    async def _renew_token(self) -> None:
        """So that the client's own rejoin, after its reconnect, carries a token that is valid then."""
        try:
            await self._offer_token()
        except ClientError as error:
            self._log.record("open", {}, type="fail", error=f"token not taken: {error}")
