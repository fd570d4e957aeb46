"""A channel outside any socket: what it says is kept."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.phoenix.server import Outgoing
from harness.realtime.auth import Claims
from harness.realtime.channel import Channel
from harness.realtime.join import Join
from harness.realtime.subscription import Subscriber
from harness.realtime.worker import Delivery

CLAIMS = Claims(role="anon", expires=2_000_000_000, text="{}", token="t")


@dataclass(kw_only=True, eq=False)
class Heard:
    """A socket that keeps what it is told; a channel that ends or crashes is over at once."""

    name: str = "reader"
    vsn: str = "2.0.0"
    headers: Mapping[str, str] = field(default_factory=dict)
    channels: dict[int, Channel] = field(default_factory=dict)
    said: list[Any] = field(default_factory=list)

    def push(self, channel: int, event: str, payload: Any) -> None:
        self.said.append((event, payload))

    def reply(self, channel: int, ref: Any, status: str, response: Any) -> None:
        self.said.append((ref, status, response))

    def relay(self, frame: Outgoing) -> None:
        self.said.append(frame)

    def end(self, channel: int) -> None:
        self.said.append("end")
        self.channels[channel].stop()

    def crash(self, channel: int) -> None:
        self.said.append("crash")
        self.channels[channel].stop()

    def deliver(self, deliveries: Sequence[Delivery]) -> None: ...
    def down(self, subscriber: Subscriber, *, at_once: bool = False) -> None: ...


def a_channel(socket: Heard, *, join: Join | None = None, claims: Claims = CLAIMS) -> Channel:
    """Channel 1 of a socket."""
    channel = Channel(number=1, topic="realtime:room", join=join or Join(), claims=claims, socket=socket)
    socket.channels[1] = channel
    return channel


def said_by_system(status: str, message: str, *, extension: str = "system") -> Any:
    """A `system` message of that channel."""
    return ("system", {"message": message, "status": status, "extension": extension, "channel": "room"})


async def turns(count: int = 20) -> None:
    """So many turns of the event loop: everything that need not wait for a time is done."""
    loop = asyncio.get_running_loop()
    for _ in range(count):
        turn = loop.create_future()
        loop.call_soon(turn.set_result, None)
        await turn
