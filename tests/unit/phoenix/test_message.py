"""The decoded five-tuple, and the payloads that are no plain JSON."""

from dataclasses import FrozenInstanceError

import pytest

from harness.phoenix.message import Binary, Message, RawJson, UserBroadcast


def test_a_message_is_a_value() -> None:
    message = Message(topic="realtime:x", event="phx_join", payload={"a": 1}, ref="1", join_ref="1")

    assert message == Message(topic="realtime:x", event="phx_join", payload={"a": 1}, ref="1", join_ref="1")
    with pytest.raises(FrozenInstanceError):
        message.topic = "realtime:y"  # type: ignore[misc]


@pytest.mark.parametrize("ref", [None, 1, "1", {"any": ["json"]}])
def test_refs_are_whatever_the_peer_sent(ref: object) -> None:
    message = Message(topic=7, event=None, payload=[], ref=ref)

    assert (message.topic, message.event, message.ref, message.join_ref) == (7, None, ref, None)


def test_raw_json_is_decoded_when_somebody_asks() -> None:
    assert RawJson('{"body": "木の家", "n": 1.50}').value() == {"body": "木の家", "n": 1.5}


def test_bytes_stay_out_of_what_is_printed() -> None:
    assert "secret" not in repr(UserBroadcast(user_event="x", encoding=0, data=b"secret"))
    assert "secret" not in repr(Binary(data=b"secret"))
