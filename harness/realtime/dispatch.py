"""A change becomes frames: which channel gets which bytes (realtime-facts 2.2 and 4.5; recordings p01b, p02, p12)."""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from operator import attrgetter
from typing import Final, NamedTuple

from harness.phoenix.message import Message, RawJson
from harness.phoenix.serializer import encode
from harness.realtime.frame import text_frame_around
from harness.realtime.subscription import Subscriber, Subscription
from harness.realtime.visibility import Output
from harness.replication.change import Action, Change

_EVENT: Final = "postgres_changes"
_HOLE: Final = "\0"
"""Where the data goes: JSON text never has that character itself."""

_position: Final = attrgetter("position")


class Envelope(NamedTuple):
    """What stands around the data of an event, for all channels that get the same bytes."""

    topic: str
    ids: tuple[int, ...]
    before: bytes
    after: bytes

    def seal(self, data: bytes) -> bytes:
        """The frame with this data in it."""
        return text_frame_around(self.before, data, self.after)


class Address(NamedTuple):
    """A channel that gets a frame, and in which envelope."""

    subscriber: Subscriber
    envelope: Envelope


def addresses(action: Action, subscriptions: Sequence[Subscription]) -> Iterator[Address]:
    """One for each channel, labelled with the ids of its bindings in reverse order of request."""
    for subscriber, own in _by_subscriber(subscriptions).items():
        own.sort(key=_position, reverse=True)
        ids = tuple([each.binding_id for each in own])
        event = str(action) if subscriber.legacy else _EVENT
        before, after = _around(subscriber.topic, subscriber.vsn, event, ids)
        yield Address(subscriber, Envelope(subscriber.topic, ids, before, after))


def event_data(change: Change, output: Output) -> str:
    """The `data` object of an event as JSON text."""
    when = "null" if output.timeless else _json(_milliseconds(change.commit_timestamp))
    record = "" if change.action is Action.DELETE else f'"record":{output.record},'
    old_record = "" if change.action is Action.INSERT else f',"old_record":{output.old_record}'
    return (
        f'{{"table":{_json(change.relation.table)},"type":"{change.action}",{record}"columns":{output.columns},'
        f'"errors":{f"[{_json(output.error)}]" if output.error is not None else "null"},'
        f'"schema":{_json(change.relation.schema)},"commit_timestamp":{when}{old_record}}}'
    )


def _by_subscriber(subscriptions: Sequence[Subscription]) -> dict[Subscriber, list[Subscription]]:
    grouped: defaultdict[Subscriber, list[Subscription]] = defaultdict(list)
    for subscription in subscriptions:
        grouped[subscription.subscriber].append(subscription)
    return grouped


@lru_cache(maxsize=1 << 14)
def _around(topic: str, vsn: str, event: str, ids: tuple[int, ...]) -> tuple[bytes, bytes]:
    """What stands before and after the data. Fast lane: neither ref nor join_ref.

    A legacy channel gets the bare data under the name of the action.
    """
    data = RawJson(_HOLE)
    payload = {"data": data, "ids": list(ids)} if event == _EVENT else data
    text = encode(Message(topic=topic, event=event, payload=payload), vsn, join_ref=False)
    before, after = text.encode().split(_HOLE.encode())
    return before, after


def _json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _milliseconds(moment: datetime) -> str:
    """UTC, cut (not rounded) to milliseconds, as the real server has it."""
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"
