"""One direction of a connection through the proxy: reads, lets the faults decide, and writes."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from heapq import heappop, heappush
from random import Random
from typing import Final

from harness.clock import Clock
from harness.faults.fault import Direction, Frame, Kind
from harness.proxy import head
from harness.proxy.standing import Standing
from harness.proxy.websocket_bytes import Gatherer, Parcel, Splitter, encode

_CHUNK: Final = 65_536
_SLICE_S: Final = 0.1
"""A slow reader takes so much at a time as it may have in so many seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What decides on a link: the faults that hold, the time, and chance."""

    link: str
    standing: Standing
    clock: Clock
    rng: Random


class Lane:
    """Carries what `reader` gives to `writer`.

    `framed` says, as soon as it is known, whether these are frames of WebSocket; else they are bytes of HTTP, of
    which faults know nothing but whether they arrive. `close` is called with the code that a fault ends both
    directions with.
    """

    def __init__(
        self,
        direction: Direction,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        rules: Rules,
        framed: "asyncio.Future[bool]",
        close: Callable[[int], None],
    ) -> None:
        self._direction = direction
        self._reader = reader
        self._writer = writer
        self._rules = rules
        self._framed = framed
        self._close = close
        self._splitter = Splitter()
        self._gatherer = Gatherer()
        self._number = 0
        self._ready = bytearray()
        self._late: list[tuple[float, int, bytes]] = []  # a heap: when it is due, which came first
        self._waking: set[asyncio.Task[None]] = set()
        self._finished = False
        self.lost = False
        """Whether bytes, or the end, were swallowed. A stream with a hole cannot be taken up again."""

    async def pump(self, group: asyncio.TaskGroup) -> None:
        """Until the end comes, which is passed on, too; raises what broke it. Frames that wait are tasks of `group`.

        While the link is silent nobody learns of an end or a break: then it never returns.
        """
        try:
            await self._carry(group)
        except (OSError, EOFError, asyncio.LimitOverrunError):
            if not self._silent():
                raise
        if self._silent() or self.lost:
            self.lost = True
            await asyncio.Event().wait()
        if self._waking:
            await asyncio.wait(self._waking)
        self.finish(self._splitter.rest())

    def finish(self, last: bytes = b"") -> None:
        """Say this, and that nothing follows. Whatever comes or waits from now on is lost."""
        if self._finished:
            return
        self._ready += last
        self._flush()
        self._finished = True
        if self._writer.can_write_eof():
            self._writer.write_eof()
        else:  # TLS has no half of an end
            self._writer.close()

    async def _carry(self, group: asyncio.TaskGroup) -> None:
        if self._direction is Direction.TO_CLIENT and not self._framed.done():
            answer = await self._reader.readuntil(head.END)
            self._bytes(answer)
            self._flush()
            self._framed.set_result(head.is_accepted(answer))
        while data := await self._read():
            if await self._framed:
                self._frames(data, group)
            else:
                self._bytes(data)
            self._flush()
            await self._writer.drain()

    async def _read(self) -> bytes:
        speed = self._speed()
        data = await self._reader.read(_CHUNK if speed is None else _slice(speed))
        await self._pay(len(data))
        return data

    async def _pay(self, size: float) -> None:
        """Wait as long as taking so many bytes lasts; no longer than the fault does."""
        while size > 0 and (speed := self._speed()) is not None:
            part = min(size, _slice(speed))
            await self._rules.clock.sleep(part / speed)
            size -= part

    def _speed(self) -> float | None:
        slow = self._direction is Direction.TO_CLIENT
        return self._rules.standing.bytes_per_s(self._rules.link) if slow else None

    def _silent(self) -> bool:
        return self._rules.standing.silent(self._rules.link)

    def _bytes(self, data: bytes) -> None:
        if self._silent():
            self.lost = True
        if not self.lost:
            self._ready += data

    def _frames(self, data: bytes, group: asyncio.TaskGroup) -> None:
        for frame in self._splitter.feed(data):
            parcel = self._gatherer.add(frame, whole=self._rules.standing.holds(self._rules.link))
            if parcel is not None:
                self._number += parcel.begins
                self._decide(parcel, group)

    def _decide(self, parcel: Parcel, group: asyncio.TaskGroup) -> None:
        if parcel.loose or not self._rules.standing.holds(self._rules.link):
            self._ready += parcel.raw
            return
        fate = self._rules.standing.fate(self._shown(parcel), self._rules.rng)
        match fate.kind:
            case Kind.PASS:
                self._ready += parcel.raw
            case Kind.DUPLICATE:
                self._ready += parcel.raw * (1 + fate.copies)
            case Kind.REPLACE:
                self._ready += encode(parcel.opcode, fate.payload, key=parcel.key)
            case Kind.DELAY:
                self._wait(parcel.raw, fate.seconds, group)
            case Kind.CLOSE:
                self._close(fate.code)
            case Kind.CUT:
                raise ConnectionAbortedError
            case Kind.DROP:
                pass

    def _shown(self, parcel: Parcel) -> Frame:
        return Frame(
            link=self._rules.link,
            direction=self._direction,
            opcode=parcel.opcode,
            payload=parcel.payload,
            number=self._number,
        )

    def _wait(self, raw: bytes, seconds: float, group: asyncio.TaskGroup) -> None:
        heappush(self._late, (self._rules.clock.now() + seconds, self._number, raw))
        waking = group.create_task(self._wake(seconds), name=f"tunnel {self._rules.link}, a frame")
        self._waking.add(waking)
        waking.add_done_callback(self._waking.discard)

    async def _wake(self, seconds: float) -> None:
        """There are as many of these as frames that wait: each lets go the one that is due first."""
        await self._rules.clock.sleep(seconds)
        self._ready += heappop(self._late)[2]
        self._flush()

    def _flush(self) -> None:
        if self._ready and not self._finished and not self._writer.is_closing():
            self._writer.write(bytes(self._ready))
        self._ready.clear()


def _slice(speed: float) -> int:
    return max(1, min(_CHUNK, int(speed * _SLICE_S)))
