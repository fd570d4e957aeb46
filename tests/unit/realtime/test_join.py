from typing import Any

import pytest

from harness.phoenix.message import Binary
from harness.realtime.join import BroadcastOptions, Join, JoinRefusal, public_refusal, read, shape_refusal, token_of
from harness.realtime.subscription import binding

KEYWORDS = (
    "UnknownErrorOnChannel: the Access module supports only keyword lists (with atom keys), got: "
    '"broadcast"\n\nIf you want to search lists of tuples, use List.keyfind/3'
)
CLAUSE = "UnknownErrorOnChannel: no function clause matching in Access.get/3"


def test_elements_come_back_in_order_with_their_ids() -> None:
    elements = [{"event": "*", "schema": "public", "table": "t"}, {"event": "INSERT", "table": "u"}]

    join = read("realtime:x", {"config": {"postgres_changes": elements}})

    assert isinstance(join, Join)
    assert join.response() == {"postgres_changes": [{**each, "id": binding(each).id} for each in elements]}


@pytest.mark.parametrize(
    "config",
    [
        None,
        {},
        {"foo": 1},
        {"postgres_changes": None},
        {"postgres_changes": "x"},
        {"postgres_changes": {"event": "*"}},
        {"postgres_changes": [None]},
        {"presence": "x"},
        {"broadcast": {"self": "yes"}},
        {"private": "maybe"},
    ],
)
def test_parts_that_are_not_valid_are_ignored(config: Any) -> None:
    assert read("realtime:m", {"config": config}) == Join()


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ([], KEYWORDS),
        ("x", CLAUSE),
        ({"broadcast": "x"}, CLAUSE),
        ({"postgres_changes": ["x"]}, 'UnknownErrorOnChannel: expected a map, got:\n\n    "x"\n'),
    ],
)
def test_parts_on_which_the_real_server_stumbles_are_refused(config: Any, reason: str) -> None:
    assert read("realtime:m", {"config": config}) == JoinRefusal(reason=reason)


@pytest.mark.parametrize(
    ("payload", "printed"),
    [
        ([1], "[1]"),
        (None, "nil"),
        ("x", '"x"'),
        (Binary(data=b"{}"), '{:binary, "{}"}'),
        (Binary(data=b""), '{:binary, ""}'),
        (Binary(data=b"\x00\xff"), "{:binary, <<0, 255>>}"),
    ],
)
def test_a_payload_that_is_no_object_is_refused(payload: Any, printed: str) -> None:
    assert shape_refusal("realtime:m", payload) == JoinRefusal(
        reason=f"UnknownErrorOnChannel: expected params to be a :map, got: `{printed}`"
    )


def test_a_topic_needs_a_name() -> None:
    assert shape_refusal("realtime:", {}) == JoinRefusal(reason="TopicNameRequired: You must provide a topic name")
    assert shape_refusal("realtime:x", {}) is None


@pytest.mark.parametrize("enabled", [True, "true", "TRUE"])
def test_presence_may_be_switched_on_with_a_string(enabled: Any) -> None:
    assert read("realtime:x", {"config": {"presence": {"enabled": enabled, "key": 5}}}) == Join(
        presence=True, presence_key=5
    )


def test_private_and_the_options_of_broadcast_are_read() -> None:
    broadcast = {"self": True, "ack": "TRUE", "replay": {"since": 1}, "replication_ready": "no"}

    join = read("realtime:x", {"config": {"private": "True", "broadcast": broadcast}})

    options = BroadcastOptions(own=True, ack=True, replay=({"since": 1},))
    assert join == Join(private=True, broadcast=options)


@pytest.mark.parametrize("config", [{}, {"private": False}, {"private": "yes"}, [], None])
def test_a_tenant_of_private_channels_refuses_public_ones(config: Any) -> None:
    reason = "PrivateOnly: This project only allows private channels"

    assert public_refusal({"config": config}) == JoinRefusal(reason=reason)


def test_a_tenant_of_private_channels_lets_private_ones_in() -> None:
    assert public_refusal({"config": {"private": "true"}}) is None


@pytest.mark.parametrize(
    ("topic", "element"),
    [
        ("realtime:test3", {"schema": "test3"}),
        ("realtime:public:t", {"schema": "public", "table": "t"}),
        ("realtime:public:t:a=eq.1:2", {"schema": "public", "table": "t", "filter": "a=eq.1:2"}),
    ],
)
def test_without_config_the_topic_is_the_binding(topic: str, element: dict[str, str]) -> None:
    assert read(topic, {"user_token": "t"}) == Join(bindings=(binding(element),), legacy=True)


@pytest.mark.parametrize(
    ("payload", "token"),
    [
        ({}, "socket"),
        ({"access_token": "own"}, "own"),
        ({"access_token": ""}, ""),
        ({"access_token": None}, "socket"),
        ({"access_token": 5}, "socket"),
        ({"access_token": "sb_publishable_abc"}, "socket"),
        ({"access_token": "own", "user_token": "older"}, "older"),
        ([1], "socket"),
    ],
)
def test_a_channel_has_its_own_token_or_the_sockets(payload: Any, token: str) -> None:
    assert token_of(payload, "socket") == token
