"""A socket as the worker sees it: where frames go, and who is told that the worker has forgotten it."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from harness.realtime.subscription import Subscriber

RowKeys = Mapping[str, Any]
"""What the history says of a row, see `Trace`."""


class Delivery(NamedTuple):
    """A frame for a socket. `row` is what the history says of the row in it, None for rows it does not follow."""

    topic: str
    frame: bytes
    row: RowKeys | None


class Outlet(Protocol):
    """A socket as the worker sees it."""

    def deliver(self, deliveries: Sequence[Delivery]) -> None:
        """Write these frames, in order, without waiting for the reader."""
        ...

    def down(self, subscriber: Subscriber, *, at_once: bool = False) -> None:
        """The worker forgot this subscriber, who should subscribe again: at once, or after its usual delay."""
        ...
