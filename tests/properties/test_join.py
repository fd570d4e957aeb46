"""Every join payload is a join or a refusal, in words that can be framed."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.phoenix.message import Binary, Message
from harness.phoenix.serializer import V2, encode
from harness.realtime.join import Join, JoinRefusal, public_refusal, read, shape_refusal, token_of

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=6
)
CONFIGS = JSON | st.fixed_dictionaries(
    {},
    optional={
        "broadcast": JSON | st.fixed_dictionaries({}, optional={"self": JSON, "ack": JSON, "replay": JSON}),
        "presence": JSON | st.fixed_dictionaries({}, optional={"enabled": JSON, "key": JSON}),
        "postgres_changes": JSON | st.lists(JSON | st.dictionaries(TEXTS, JSON, max_size=3), max_size=3),
        "private": JSON,
    },
)
PAYLOADS = (
    JSON
    | st.binary(max_size=20).map(lambda data: Binary(data=data))
    | st.fixed_dictionaries({}, optional={"config": CONFIGS, "access_token": JSON, "user_token": JSON})
)


@settings(max_examples=1000)
@given(payload=PAYLOADS, name=TEXTS)
def test_every_payload_is_a_join_or_a_refusal_that_can_be_framed(payload: Any, name: str) -> None:
    topic = f"realtime:{name}"
    answer: Any = shape_refusal(topic, payload)
    if answer is None:
        assert isinstance(public_refusal(payload), JoinRefusal | None)
        answer = read(topic, payload)

    assert isinstance(token_of(payload, "socket"), str)
    response = answer.response() if isinstance(answer, Join) else {"reason": answer.reason}
    frame = encode(Message(topic=topic, event="phx_reply", payload=response), V2, join_ref=False)
    assert json.loads(frame)[4] == response
