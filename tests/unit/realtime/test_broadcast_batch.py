"""Bodies of the batch endpoint, and what is wrong with them, in the recorded words (p05, p09b)."""

from typing import Any

import pytest

from harness.realtime.broadcast_batch import BatchErrors, BatchMessage, read_batch

GOOD = {"topic": "room1", "event": "http", "payload": {"h": 1}}


def any_size(_: Any) -> bool:
    return True


def errors(body: dict[str, Any]) -> Any:
    read = read_batch(body, any_size)
    assert isinstance(read, BatchErrors)
    return read.body()["errors"]["messages"]


def test_messages_are_read_in_order() -> None:
    body = {"messages": [{**GOOD, "private": True}, {**GOOD, "topic": "other", "private": None}]}

    assert read_batch(body, any_size) == (
        BatchMessage(topic="room1", event="http", payload={"h": 1}, private=True),
        BatchMessage(topic="other", event="http", payload={"h": 1}),
    )


@pytest.mark.parametrize("body", [{}, {"messages": []}, {"messages": None}, {"messages": {}}])
def test_an_empty_batch_is_blank(body: dict[str, Any]) -> None:
    assert errors(body) == ["can't be blank"]


@pytest.mark.parametrize("messages", ["x", 5, False, [1], [GOOD, "x"]])
def test_what_is_no_list_of_objects_is_invalid(messages: Any) -> None:
    assert errors({"messages": messages}) == ["is invalid"]


def test_an_object_of_messages_is_taken_as_a_list() -> None:
    assert read_batch({"messages": {"0": GOOD}}, any_size) == (
        BatchMessage(topic="room1", event="http", payload={"h": 1}),
    )


def test_missing_fields_are_blank() -> None:
    assert errors({"messages": [{"topic": "room1"}]}) == [{"event": ["can't be blank"], "payload": ["can't be blank"]}]


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("payload", "str", "is invalid"),
        ("payload", [1], "is invalid"),
        ("payload", None, "can't be blank"),
        ("topic", "  ", "can't be blank"),
        ("topic", 5, "is invalid"),
        ("event", "", "can't be blank"),
        ("private", "maybe", "is invalid"),
        ("private", 1, "is invalid"),
    ],
)
def test_each_field_has_its_word(field: str, value: Any, error: str) -> None:
    assert errors({"messages": [{**GOOD, field: value}]}) == [{field: [error]}]


@pytest.mark.parametrize(("given", "private"), [("true", True), ("1", True), ("false", False), ("0", False)])
def test_privacy_may_be_a_word(given: str, private: bool) -> None:
    read = read_batch({"messages": [{**GOOD, "private": given}]}, any_size)

    assert read == (BatchMessage(topic="room1", event="http", payload={"h": 1}, private=private),)


def test_a_payload_that_is_too_big_is_told() -> None:
    read = read_batch({"messages": [GOOD]}, lambda payload: payload != {"h": 1})

    assert read == BatchErrors(messages=[{"payload": ["Payload size exceeds tenant limit"]}])


def test_one_bad_message_spoils_the_batch() -> None:
    assert errors({"messages": [GOOD, {**GOOD, "payload": 1}]}) == [{}, {"payload": ["is invalid"]}]
