"""An embedded stack with its world, somebody who writes and somebody who listens: what faults are tried on."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from harness.backends.embedded import Embedded
from harness.backends.options import Cadence, StackOptions
from harness.clock import Clock, ScaledClock, SystemClock
from harness.events.event import ProcessEvent
from harness.events.types import Heartbeat
from harness.faults.fault import Machine, World, WorldFault
from harness.history import Op, Recorder
from harness.tokens import DEVELOPMENT_SECRET, mint, user_id

CLOCK = SystemClock()
PATIENCE_S = 15.0


@dataclass(kw_only=True)
class Stack:
    """`backend` lives on `clock`; waiting here is in real seconds."""

    backend: Embedded
    world: World
    clock: Clock
    recorder: Recorder
    machines: dict[str, Machine]
    rng: Random
    process: str = ""
    intent: int = 0

    @asynccontextmanager
    async def holding(self, fault: WorldFault) -> AsyncIterator[None]:
        """The fault holds inside."""
        await fault.begin(self.world)
        try:
            yield
        finally:
            await fault.end(self.world)

    async def new_process(self) -> None:
        """What is written and heard from now on belongs to another process."""
        self.process, self.intent = str(UUID(int=self.rng.getrandbits(128), version=4)), 0
        await self.backend.store.create_process(
            self.process, user_id=str(user_id("alice")), initial_request={}, at=self.clock.wall()
        )

    def event(self) -> ProcessEvent:
        """The next event; it is written by `backend.store.insert_event`."""
        self.intent += 1
        return ProcessEvent(
            id=UUID(int=self.rng.getrandbits(128), version=4),
            process_id=UUID(self.process),
            intent=self.intent,
            emitted_at=self.clock.wall(),
            data=Heartbeat(timestamp=self.clock.wall()),
        )

    async def write(self) -> int:
        """Write an event; its sequence."""
        return await self.backend.store.insert_event(self.event())

    @asynccontextmanager
    async def reader(self, *, role: str = "authenticated", ready: bool = True) -> AsyncIterator["Reader"]:
        """A socket of alice's with one channel, on the events of the process."""
        environment = self.backend.environment
        token = mint(DEVELOPMENT_SECRET, role=role, wall=self.clock.wall(), sub=user_id("alice"))
        url = f"{environment.realtime_url}/websocket?apikey={token}&vsn=2.0.0"
        async with connect(url, ping_interval=None) as socket:
            reader = Reader(socket=socket, process=self.process)
            beating = asyncio.create_task(reader.beat())
            try:
                await reader.join()
                if ready:
                    await reader.until_ready()
                yield reader
            finally:
                beating.cancel()

    async def until(self, what: Callable[[], Awaitable[object]]) -> None:
        """Wait until it is so."""
        async with asyncio.timeout(PATIENCE_S):
            while not await what():
                await CLOCK.sleep(0.005)

    async def until_op(self, since: int, said: Callable[[Op], bool]) -> None:
        """Wait until the history has such an op at or after an index."""

        async def found() -> bool:
            return any(said(op) for op in self.recorder.ops()[since:])

        await self.until(found)

    async def write_until_heard(self, reader: "Reader") -> None:
        """Write until something arrives that was written from now on."""
        before = len(reader.heard)
        async with asyncio.timeout(PATIENCE_S):
            while len(reader.heard) == before:
                await self.write()
                await CLOCK.sleep(0.02)
                await reader.catch_up()

    async def until_polled(self) -> None:
        """Wait until the server has the slot that changes are read from, and it stands."""
        await self.until(
            lambda: self.world.sql(
                "select from pg_replication_slots s join pg_stat_activity a on a.pid = s.active_pid"
                r" where slot_name like 'supabase\_realtime\_rep%' and application_name like 'realtime%'"
                " and confirmed_flush_lsn is not null"
            )
        )


@dataclass(kw_only=True)
class Reader:
    """Keeps what it heard: sequences of rows, statuses of `system` messages."""

    socket: ClientConnection
    process: str
    heard: list[int] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    async def beat(self) -> None:
        """Keep the server from closing the socket for its silence."""
        with suppress(ConnectionClosed):
            while True:
                await self.socket.send(json.dumps([None, "alive", "phoenix", "heartbeat", {}]))
                await CLOCK.sleep(1.0)

    async def join(self) -> None:
        """Join and be answered; not yet subscribed."""
        element = {
            "event": "INSERT",
            "schema": "public",
            "table": "process_events",
            "filter": f"process_id=eq.{self.process}",
        }
        join = ["1", "1", "realtime:events", "phx_join", {"config": {"postgres_changes": [element]}}]
        await self.socket.send(json.dumps(join))
        await self._read_until(lambda message: message[3] == "phx_reply" and message[1] == "1")

    async def until_ready(self) -> None:
        """Wait for the next "Subscribed to PostgreSQL"."""
        await self._read_until(lambda message: message[3] == "system" and message[4]["status"] == "ok")

    async def until_told(self) -> str:
        """Wait for the next `system` error; its words."""
        message = await self._read_until(lambda message: message[3] == "system" and message[4]["status"] == "error")
        words: str = message[4]["message"]
        return words

    async def until_heard(self, sequence: int) -> None:
        """Wait until a row has arrived."""
        while sequence not in self.heard:
            await self._read_until(lambda message: message[3] == "postgres_changes")

    async def catch_up(self) -> None:
        """Read what the server has sent until now."""
        await self.socket.send(json.dumps([None, "beat", "phoenix", "heartbeat", {}]))
        await self._read_until(lambda message: message[1] == "beat")

    async def until_closed(self) -> int | None:
        """Wait until the server closes the socket; its code."""
        try:
            await self._read_until(lambda _: False)
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd is not None else None
        raise AssertionError("unreachable")

    async def _read_until(self, wanted: Callable[[Any], bool]) -> Any:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                message = json.loads(await self.socket.recv())
                if message[3] == "postgres_changes":
                    self.heard.append(message[4]["data"]["record"]["event_sequence"])
                elif message[3] == "system":
                    self.said.append(message[4]["status"])
                if wanted(message):
                    return message


@asynccontextmanager
async def a_fault_stack(*, cadence: Cadence, factor: float = 1.0) -> AsyncIterator[Stack]:
    """A stack of its own, on a clock that is `factor` times as fast."""
    clock: Clock = CLOCK if factor == 1.0 else ScaledClock(CLOCK, factor)
    recorder = Recorder(clock.now)
    rng = Random(7)
    options = StackOptions(jwt_secret=DEVELOPMENT_SECRET, cadence=cadence)
    backend = Embedded(options, recorder=recorder, clock=clock, rng=Random(1), started=clock.wall())
    await backend.start()
    try:
        machines: dict[str, Machine] = {}
        world = backend.world(machines=machines, links=False, rng=Random(2))
        yield Stack(backend=backend, world=world, clock=clock, recorder=recorder, machines=machines, rng=rng)
    finally:
        await backend.stop()
