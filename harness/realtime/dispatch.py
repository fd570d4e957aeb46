"""A change becomes frames: which channel gets which bytes (realtime-facts 2.2 and 4.5; recordings p01b, p02, p12)."""

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from harness.phoenix.message import Message, RawJson
from harness.phoenix.serializer import encode
from harness.realtime.frame import text_frame
from harness.realtime.subscription import Subscriber, Subscription
from harness.realtime.visibility import Output
from harness.replication.change import Action, Change


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """One frame for one channel; equal content is the same bytes object for every channel that gets it."""

    subscriber: Subscriber
    ids: tuple[int, ...]
    frame: bytes


def dispatch(change: Change, output: Output) -> Iterator[Dispatch]:
    """One frame for each channel of `output`, labelled with the ids of its bindings in reverse order of request."""
    data = RawJson(event_data(change, output))
    frames: dict[tuple[str, str, bool, tuple[int, ...]], bytes] = {}
    for subscriber, subscriptions in _by_subscriber(output.subscriptions).items():
        latest_first = sorted(subscriptions, key=lambda each: each.position, reverse=True)
        ids = tuple(each.binding_id for each in latest_first)
        key = (subscriber.topic, subscriber.vsn, subscriber.legacy, ids)
        if key not in frames:
            frames[key] = _frame(change, subscriber, ids, data)
        yield Dispatch(subscriber=subscriber, ids=ids, frame=frames[key])


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


def _by_subscriber(subscriptions: tuple[Subscription, ...]) -> dict[Subscriber, list[Subscription]]:
    grouped: defaultdict[Subscriber, list[Subscription]] = defaultdict(list)
    for subscription in subscriptions:
        grouped[subscription.subscriber].append(subscription)
    return grouped


def _frame(change: Change, subscriber: Subscriber, ids: tuple[int, ...], data: RawJson) -> bytes:
    """Fast lane: neither ref nor join_ref. A legacy channel gets the bare data under the name of the action."""
    event, payload = (
        (str(change.action), data) if subscriber.legacy else ("postgres_changes", {"data": data, "ids": list(ids)})
    )
    message = Message(topic=subscriber.topic, event=event, payload=payload)
    return text_frame(encode(message, subscriber.vsn, join_ref=False))


def _json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _milliseconds(moment: datetime) -> str:
    """UTC, cut (not rounded) to milliseconds, as the real server has it."""
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"
