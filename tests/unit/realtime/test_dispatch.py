import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from harness.realtime.auth import Claims
from harness.realtime.dispatch import Address, Envelope, addresses, event_data
from harness.realtime.frame import text_frame
from harness.realtime.subscription import Subscriber, Subscription
from harness.realtime.visibility import Output
from harness.replication.change import Action, Change, Relation
from harness.replication.lsn import Lsn

COLUMNS = '[{"name": "id", "type": "int4"}]'
INSERTED = (
    '{"table":"t","type":"INSERT","record":{"id": 1},"columns":[{"name": "id", "type": "int4"}],"errors":null,'
    '"schema":"public","commit_timestamp":"2026-11-24T02:20:52.880Z"}'
)


def a_change(action: Action = Action.INSERT, moment: datetime | None = None) -> Change:
    return Change(
        lsn=Lsn(1),
        position=0,
        commit_timestamp=moment or datetime(2026, 11, 24, 2, 20, 52, 880_999, tzinfo=UTC),
        relation=Relation(oid=1, schema="public", table="t", columns=()),
        action=action,
        record=None,
    )


def a_subscriber(topic: str = "realtime:x", vsn: str = "2.0.0", *, legacy: bool = False) -> Subscriber:
    return Subscriber(link="l", topic=topic, vsn=vsn, legacy=legacy)


def a_subscription(subscriber: Subscriber, binding_id: int, position: int = 0) -> Subscription:
    return Subscription(
        subscriber=subscriber,
        row=binding_id,
        binding_id=binding_id,
        position=position,
        relation=1,
        action="*",
        claims=Claims(role="anon", expires=1, text="{}", token="t"),
    )


def an_output(*subscriptions: Subscription) -> Output:
    return Output(subscriptions=subscriptions, columns=COLUMNS, record='{"id": 1}')


def test_an_event_names_its_ids_in_reverse_order_of_request() -> None:
    subscriber = a_subscriber()
    bindings = [
        a_subscription(subscriber, 11, 0),
        a_subscription(subscriber, 13, 2),
        a_subscription(subscriber, 12, 1),
    ]

    (address,) = addresses(Action.INSERT, bindings)

    assert (address.subscriber, address.envelope.topic, address.envelope.ids) == (
        subscriber,
        "realtime:x",
        (13, 12, 11),
    )
    text = f'[null,null,"realtime:x","postgres_changes",{{"data":{INSERTED},"ids":[13,12,11]}}]'
    assert address.envelope.seal(INSERTED.encode()) == text_frame(text)


def test_channels_that_get_the_same_bytes_have_equal_envelopes() -> None:
    first, second, other = a_subscriber(), a_subscriber(), a_subscriber(vsn="1.0.0")

    found = list(addresses(Action.INSERT, [a_subscription(each, 11) for each in (first, second, other)]))

    assert [each.subscriber for each in found] == [first, second, other]
    assert found[0].envelope == found[1].envelope != found[2].envelope
    assert json.loads(found[2].envelope.seal(INSERTED.encode())[4:]) == {
        "topic": "realtime:x",
        "event": "postgres_changes",
        "payload": {"data": json.loads(INSERTED), "ids": [11]},
        "ref": None,
    }


def test_a_legacy_channel_gets_the_bare_data_under_the_name_of_the_action() -> None:
    subscriber = a_subscriber("realtime:public:t", legacy=True)

    found = list(addresses(Action.INSERT, [a_subscription(subscriber, 11)]))

    before, after = b'[null,null,"realtime:public:t","INSERT",', b"]"
    assert found == [Address(subscriber, Envelope("realtime:public:t", (11,), before, after))]


@pytest.mark.parametrize(
    ("action", "output", "data"),
    [
        (
            Action.UPDATE,
            Output(subscriptions=(), columns=COLUMNS, record='{"id": 1}', old_record='{"id": 2}'),
            '{"table":"t","type":"UPDATE","record":{"id": 1},"columns":[{"name": "id", "type": "int4"}],"errors":null,'
            '"schema":"public","commit_timestamp":"2026-11-24T02:20:52.880Z","old_record":{"id": 2}}',
        ),
        (
            Action.DELETE,
            Output(subscriptions=(), columns=COLUMNS, old_record='{"id": 2}'),
            '{"table":"t","type":"DELETE","columns":[{"name": "id", "type": "int4"}],"errors":null,'
            '"schema":"public","commit_timestamp":"2026-11-24T02:20:52.880Z","old_record":{"id": 2}}',
        ),
        (
            Action.INSERT,
            Output(subscriptions=(), error="Error 401: Unauthorized", timeless=True),
            '{"table":"t","type":"INSERT","record":{},"columns":[],"errors":["Error 401: Unauthorized"],'
            '"schema":"public","commit_timestamp":null}',
        ),
        (
            Action.UPDATE,
            Output(subscriptions=(), error="Error 400: Bad Request, no primary key", timeless=True),
            '{"table":"t","type":"UPDATE","record":{},"columns":[],"errors":["Error 400: Bad Request, no primary key"],'
            '"schema":"public","commit_timestamp":null,"old_record":{}}',
        ),
        (
            Action.INSERT,
            Output(subscriptions=(), columns=COLUMNS, record='{"id": 1}', error="Error 413: Payload Too Large"),
            '{"table":"t","type":"INSERT","record":{"id": 1},"columns":[{"name": "id", "type": "int4"}],'
            '"errors":["Error 413: Payload Too Large"],"schema":"public",'
            '"commit_timestamp":"2026-11-24T02:20:52.880Z"}',
        ),
    ],
)
def test_each_action_has_its_keys(action: Action, output: Output, data: str) -> None:
    assert event_data(a_change(action), output) == data


def test_the_time_of_the_commit_is_utc_and_cut_to_milliseconds() -> None:
    moment = datetime(2026, 11, 24, 11, 0, 0, 7_999, tzinfo=timezone(timedelta(hours=9)))

    assert '"commit_timestamp":"2026-11-24T02:00:00.007Z"' in event_data(a_change(moment=moment), an_output())
