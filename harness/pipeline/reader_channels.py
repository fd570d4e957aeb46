"""The two channels of a reader: joined, joined afresh when lost, and reported to recovery.

Between client and subscriber: what the client says of sockets and channels ends here, changes go on.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from random import Random

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
from harness.clock import Clock
from harness.errors import ClientError, ClientMissing
from harness.pipeline.reader_log import ReaderLog
from harness.pipeline.recovery import Recovery, backoff
from harness.pipeline.topics import events_topic, state_topic


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
    a refusal to the Python one, and after a system error the channel is joined but deaf (11 no. 9).
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
    ) -> None:
        self._client = client
        self._channels = channels
        self._recovery = recovery
        self._clock = clock
        self._rng = rng
        self._log = log
        self._token = token
        self._open = False
        self._ready: set[str] = set()
        self._renewing: set[str] = set()  # lost, and the fresh join not answered yet
        self._renewals: Counter[str] = Counter()

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
        return True

    async def join(self) -> None:
        """Ask for both channels."""
        for topic in self._channels:
            await self._client.subscribe(topic, [self._channels[topic]])

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
            case Refused():
                self._renewing.discard(event.topic)
                self._log.record("join", {"topic": event.topic}, type="fail", error=event.reason)
                self._renew(event.topic, event.reason, tasks, leave=True)
            case SystemNotice():
                self._on_system(event, tasks)
            case ChannelClosed():
                self._log.channel(event.topic, event="phx_close", expected=event.topic in self._renewing)
                self._renew(event.topic, "phx_close", tasks, leave=False)
            case ChannelErrored():
                self._log.channel(event.topic, event="phx_error", reason=event.reason)
                self._lose(event.topic, event.reason or "phx_error")
        return None

    async def close(self) -> None:
        """End the client. No more `handle` after this."""
        await self._client.close()
        if self._open:
            self._open = False
            self._log.record("close", {"code": 1000, "reason": "", "by": "client"})

    def _on_closed(self, event: Closed, tasks: asyncio.TaskGroup) -> None:
        self._open = False
        self._ready.clear()
        self._log.record("close", {"code": event.code, "reason": event.reason, "by": event.by})
        self._recovery.disconnected(f"the socket closed with {event.code}")
        if self._token is not None:
            tasks.create_task(self._renew_token())

    def _on_system(self, notice: SystemNotice, tasks: asyncio.TaskGroup) -> None:
        if notice.ready:
            self._log.record("ready", {"topic": notice.topic})
            self._renewals[notice.topic] = 0
            self._ready.add(notice.topic)
            if self._ready >= self._channels.keys():
                self._recovery.ready(self._clock.now())
            return
        self._log.system(notice)
        if notice.extension == "postgres_changes":
            self._renew(notice.topic, notice.message, tasks, leave=True)

    def _lose(self, topic: str, reason: str) -> None:
        self._ready.discard(topic)
        self._recovery.disconnected(reason)

    def _renew(self, topic: str, reason: str, tasks: asyncio.TaskGroup, *, leave: bool) -> None:
        self._lose(topic, reason)
        if topic not in self._renewing:
            self._renewing.add(topic)
            tasks.create_task(self._join_afresh(topic, leave=leave))

    async def _join_afresh(self, topic: str, *, leave: bool) -> None:
        """Leaving first takes the channel from the client, which might rejoin on its own and fight with us (D-66)."""
        while True:
            try:
                if leave:
                    await self._client.unsubscribe(topic)
                await self._clock.sleep(backoff(self._renewals[topic], self._rng, base=1.0))
                self._renewals[topic] += 1
                await self._offer_token()
                return await self._client.subscribe(topic, [self._channels[topic]])
            except ClientError as error:
                self._log.record("join", {"topic": topic}, type="fail", error=str(error))

    async def _offer_token(self) -> None:
        if self._token is not None:
            await self._client.set_token(self._token())

    async def _renew_token(self) -> None:
        """So that the client's own rejoin, after its reconnect, carries a token that is valid then."""
        try:
            await self._offer_token()
        except ClientError as error:
            self._log.record("open", {}, type="fail", error=f"token not taken: {error}")
