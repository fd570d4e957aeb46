"""The frames of a batch on their way: made once for all channels that get the same bytes, collected by socket.

Between `delivering`, which knows who may see what, and the outlets. It records the hop `dispatch`.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final, NamedTuple

from harness.history import hops
from harness.history.recorder import Recorder
from harness.realtime.dispatch import Address, Envelope, addresses, event_data
from harness.realtime.outlet import Delivery, Outlet, RowKeys
from harness.realtime.registry import Registry
from harness.realtime.subscription import Subscription
from harness.realtime.visibility import Output
from harness.replication.change import Action, Change

ACTOR: Final = "realtime"
_MOST: Final = 4096
"""How many frames wait for their sockets: a socket is then written to once for several rows, and memory is bounded."""


class _Round(NamedTuple):
    """Who gets the same change: the different envelopes, and for each channel its socket and which is its envelope."""

    envelopes: Sequence[Envelope]
    stops: Sequence[tuple[Outlet, int]]
    addresses: Sequence[Address]


class Post:
    """Takes changes and posts them, in order. Make one for each batch: it lives as long as nobody comes or goes."""

    def __init__(self, registry: Registry[Outlet], recorder: Recorder) -> None:
        self._registry = registry
        self._recorder = recorder
        self._rounds: dict[tuple[Action, tuple[Subscription, ...]], _Round] = {}
        self._boxes: defaultdict[Outlet, list[Delivery]] = defaultdict(list)
        self._waiting = 0

    def add(self, change: Change, output: Output, subscriptions: tuple[Subscription, ...], row: RowKeys | None) -> None:
        """A change for those subscriptions of `output` whose channels stand."""
        key = (change.action, subscriptions)
        way = self._rounds.get(key)
        if way is None:
            way = self._rounds[key] = self._round(change.action, subscriptions)
        data = event_data(change, output).encode()
        deliveries = [Delivery(each.topic, each.seal(data), row) for each in way.envelopes]
        for outlet, number in way.stops:
            self._boxes[outlet].append(deliveries[number])
        if row is not None:
            self._tell(way, row)
        self._waiting += len(way.stops)
        if self._waiting >= _MOST:
            self.go()

    def go(self) -> None:
        """Hand over what waits: each socket gets its frames at once."""
        boxes, self._boxes, self._waiting = self._boxes, defaultdict(list), 0
        for outlet, deliveries in boxes.items():
            outlet.deliver(deliveries)

    def _round(self, action: Action, subscriptions: tuple[Subscription, ...]) -> _Round:
        standing: list[tuple[Outlet, Address]] = []
        for address in addresses(action, subscriptions):
            outlet = self._registry.outlet(address.subscriber)
            if outlet is not None:
                standing.append((outlet, address))
        envelopes = list(dict.fromkeys(address.envelope for _, address in standing))
        numbers = {envelope: number for number, envelope in enumerate(envelopes)}
        return _Round(
            envelopes=envelopes,
            stops=[(outlet, numbers[address.envelope]) for outlet, address in standing],
            addresses=[address for _, address in standing],
        )

    def _tell(self, way: _Round, row: RowKeys) -> None:
        for subscriber, envelope in way.addresses:
            value = {**row, "link": subscriber.link, "topic": envelope.topic, "ids": list(envelope.ids)}
            self._recorder.record(ACTOR, hops.DISPATCH, value)
