"""The feature `replication_ready`: tells a channel that asks for it when broadcasts from the database arrive.

realtime-facts 3.4, recording p05c.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from harness.realtime.channel import Channel
from harness.realtime.feature import Feature
from harness.realtime.services import Services

_LOOK_S: Final = 0.5
_LONGEST_S: Final = 60.0


class ReplicationReady:
    """Looks every half second, for a minute at most; then the channel is closed."""

    def __init__(self, services: Services, connected: Callable[[], bool]) -> None:
        self._services = services
        self._connected = connected
        self._waiting: dict[Channel, asyncio.Task[None]] = {}

    def feature(self) -> Feature:
        """The hooks."""
        return Feature(name="replication_ready", follow=self._follow, over=self._over)

    def _follow(self, channel: Channel) -> None:
        if not channel.join.broadcast.replication_ready:
            return
        if self._connected():
            _say(channel)
        else:
            self._waiting[channel] = asyncio.create_task(self._wait(channel), name="replication ready")

    async def _wait(self, channel: Channel) -> None:
        clock = self._services.clock
        deadline = clock.now() + _LONGEST_S
        while clock.now() < deadline:
            await clock.sleep(_LOOK_S)
            if self._connected():
                _say(channel)
                return
        channel.expel("Replication connection was not established in time")

    def _over(self, channel: Channel) -> None:
        task = self._waiting.pop(channel, None)
        if task is not None and task is not asyncio.current_task():
            task.cancel()


def _say(channel: Channel) -> None:
    channel.system("system", "ok", "Replication connection established")
