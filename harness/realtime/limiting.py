"""The feature `limits`: asks them when sockets open and channels join, and tells the history when one bites."""

from collections.abc import Mapping
from typing import Any, Final

from harness.history.recorder import Recorder
from harness.realtime.channel import Channel, Socket
from harness.realtime.feature import Feature, UpgradeRefusal
from harness.realtime.join import JoinRefusal
from harness.realtime.limits import Bite
from harness.realtime.services import Services

_GOING_AWAY: Final = 1001


class Limiting:
    """Refuses sockets and joins that are too many (realtime-facts 6.2 and 11.19)."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def feature(self) -> Feature:
        """The hooks."""
        return Feature(name="limits", connect=self._connect, gate=self._gate, follow=self._follow, closed=self._closed)

    def _connect(self) -> UpgradeRefusal | None:
        bite = self._services.limits.connect(self._services.clock.now())
        if bite is None:
            return None
        tell(self._services.recorder, bite, {})
        status, words = bite.at_connect()
        return UpgradeRefusal(status=status, words=words)

    def _gate(self, socket: Socket) -> JoinRefusal | None:
        """Too many joins close the socket as well, unless the quirk `join_storm_closes_socket` is off."""
        limits = self._services.limits
        bite = limits.join(self._services.clock.now(), socket, len(socket.channels))
        if bite is None:
            return None
        tell(self._services.recorder, bite, {"link": socket.name})
        closes = bite.limit == "max_joins_per_second" and limits.quirks.join_storm_closes_socket
        return JoinRefusal(reason=bite.at_join(), close_code=_GOING_AWAY if closes else None)

    def _follow(self, channel: Channel) -> None:
        self._services.limits.joined(self._services.clock.now(), channel.socket)

    def _closed(self, socket: Socket) -> None:
        self._services.limits.gone(socket)


def expel(recorder: Recorder, channel: Channel, bite: Bite) -> None:
    """A limit ends a channel: `system` error, phx_close, and a line in the history."""
    tell(recorder, bite, {"link": channel.socket.name, "topic": channel.topic})
    channel.expel(bite.in_channel())


def tell(recorder: Recorder, bite: Bite, where: Mapping[str, Any]) -> None:
    """The op `limit`: see docs/history.md."""
    recorder.record("realtime", "limit", bite.told(where), type="info")
