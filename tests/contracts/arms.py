"""The arms of the client contracts: our native client and both official ones, unmodified."""

import asyncio
import importlib.util
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from random import Random
from typing import Final

import asyncpg
import pytest

from harness.clients.client import Binding, ChangeReceived, ChannelClosed, Client, ClientEvent, SystemNotice
from harness.clients.native import NativeClient
from harness.clients.realtime_js import MODULES, OfficialJsClient, find_node
from harness.clients.realtime_py import OfficialPyClient
from harness.clock import SystemClock
from harness.errors import ClientMissing
from harness.phoenix.connection import Timing

ARMS: Final = ("native", "py", "js")
PATIENCE_S: Final = 10.0
RETRY_S: Final = 0.05
"""How long those who can be told so wait before they reconnect; realtime-py does not wait at all."""
MARK: Final = Binding(event="INSERT", schema="public", table="marks")
"""What every listener asks for, too."""


async def require(arm: str) -> None:
    """Skip where the client of an arm is not installed, or fail where every arm must run (HARNESS_NO_SKIP=1)."""
    if arm == "py" and importlib.util.find_spec("realtime") is None:
        _missing("the official Python client is not installed")
    if arm == "js":
        try:
            await find_node(MODULES)
        except ClientMissing as error:
            _missing(str(error))


def _missing(reason: str) -> None:
    if os.environ.get("HARNESS_NO_SKIP") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


async def a_client(arm: str, url: str, *, apikey: str, token: str, link: str = "reader") -> Client:
    """A client that is not connected yet."""
    await require(arm)
    if arm == "py":
        return OfficialPyClient(url, apikey=apikey, token=token, link=link)
    if arm == "js":
        return OfficialJsClient(url, apikey=apikey, token=token, link=link, reconnect_s=RETRY_S)
    timing = Timing(reconnect_delays_s=(RETRY_S,), rejoin_delays_s=(RETRY_S,))
    clock, rng = SystemClock(), Random(1)
    return NativeClient(url, apikey=apikey, token=token, link=link, clock=clock, rng=rng, timing=timing)


async def the_next(client: Client) -> ClientEvent:
    async with asyncio.timeout(PATIENCE_S):
        return await client.next_event()


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """One topic of a client that other tests share: what is told of another topic is passed over."""

    client: Client
    topic: str

    @property
    def ready(self) -> SystemNotice:
        return SystemNotice(
            topic=self.topic, extension="postgres_changes", status="ok", message="Subscribed to PostgreSQL"
        )

    async def next(self) -> ClientEvent:
        """What is told of the topic or of the socket; of a change only what is the same every time."""
        event = await the_next(self.client)
        while getattr(event, "topic", self.topic) != self.topic:
            event = await the_next(self.client)
        return (
            replace(event, commit_timestamp=None, ids=(), handlers=(), bytes=0)
            if isinstance(event, ChangeReceived)
            else event
        )

    async def until(self, last: ClientEvent) -> list[ClientEvent]:
        """What is told up to and including `last`."""
        async with asyncio.timeout(PATIENCE_S):
            events = [await self.next()]
            while events[-1] != last:
                events.append(await self.next())
        return events

    async def until_mark(self, number: int) -> list[ClientEvent]:
        """What is told before a mark (see `mark`)."""
        told = ChangeReceived(
            topic=self.topic,
            schema="public",
            table="marks",
            action="INSERT",
            commit_timestamp=None,
            record={"id": number},
        )
        return (await self.until(told))[:-1]


async def mark(sql: asyncpg.Connection) -> int:
    """Write a mark: nothing that was committed before can be told after it."""
    number: int = await sql.fetchval("insert into marks default values returning id")
    return number


@asynccontextmanager
async def listening(client: Client, topic: str, *bindings: Binding) -> AsyncIterator[Listener]:
    """Somebody who is subscribed to these bindings and to marks, and leaves in the end."""
    listener = Listener(client=client, topic=topic)
    await client.subscribe(topic, [*bindings, MARK])
    try:
        await listener.until(listener.ready)
        yield listener
    finally:
        await client.unsubscribe(topic)
        await listener.until(ChannelClosed(topic=topic))
