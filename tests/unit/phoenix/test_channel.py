from itertools import product
from typing import Any

import pytest

from harness.errors import IllegalMove
from harness.phoenix.channel import CHANNEL_TABLE, Channel, ChannelMove, ChannelState, step

EVENTS = {"event": "INSERT", "schema": "public", "table": "process_events", "filter": "process_id=eq.7"}
STATE = {"event": "*", "schema": "public", "table": "generated_articles_state"}


def a_channel(*bindings: dict[str, str]) -> Channel:
    return Channel(topic="process:7", bindings=bindings)


@pytest.mark.parametrize(("state", "move"), list(product(ChannelState, ChannelMove)))
def test_every_pair_goes_where_the_table_says_or_changes_nothing(state: ChannelState, move: ChannelMove) -> None:
    channel = a_channel()
    channel.state = state

    if (state, move) in CHANNEL_TABLE:
        channel.move(move)
        assert channel.state is CHANNEL_TABLE[state, move]
    else:
        with pytest.raises(IllegalMove):
            channel.move(move)
        assert channel.state is state


def test_an_illegal_move_says_what_was_tried() -> None:
    with pytest.raises(IllegalMove, match="accepted is not allowed in state closed"):
        step(CHANNEL_TABLE, ChannelState.CLOSED, ChannelMove.ACCEPTED)


def test_the_join_payload_is_that_of_realtime_js() -> None:
    payload = a_channel(EVENTS, STATE).join_payload("jwt")

    assert payload == {
        "config": {
            "broadcast": {"ack": False, "self": False},
            "presence": {"key": "", "enabled": False},
            "postgres_changes": [EVENTS, STATE],
            "private": False,
        },
        "access_token": "jwt",
    }


def test_without_a_token_there_is_no_access_token() -> None:
    assert "access_token" not in a_channel().join_payload(None)


def test_the_same_bindings_with_ids_are_accepted() -> None:
    channel = a_channel(EVENTS, STATE)

    accepted = channel.accept([{**EVENTS, "id": 7}, {**STATE, "id": 8, "filter": None}])

    assert accepted
    assert channel.ids == (7, 8)


@pytest.mark.parametrize(
    "granted",
    [
        None,
        [],
        "xx",
        [7, 8],
        [{**EVENTS, "id": 7}],
        [{**STATE, "id": 8}, {**EVENTS, "id": 7}],
        [{**EVENTS, "id": 7, "filter": "process_id=eq.8"}, {**STATE, "id": 8}],
        [{**EVENTS, "id": 7}, {**STATE, "id": 8, "table": "other"}],
    ],
)
def test_other_bindings_than_those_asked_for_are_a_mismatch(granted: Any) -> None:
    channel = a_channel(EVENTS, STATE)

    accepted = channel.accept(granted)

    assert not accepted
    assert channel.ids == ()


@pytest.mark.parametrize("granted", [[], None])
def test_a_channel_without_bindings_needs_none_granted(granted: Any) -> None:
    assert a_channel().accept(granted)


@pytest.mark.parametrize(
    ("ids", "action", "places"),
    [
        ([7], "INSERT", (0,)),
        ([8, 7], "INSERT", (0, 1)),
        ([7], "UPDATE", ()),
        ([8], "UPDATE", (1,)),
        ([9], "INSERT", ()),
        ([], "INSERT", ()),
    ],
)
def test_a_change_is_handed_on_by_id_and_action(ids: list[int], action: str, places: tuple[int, ...]) -> None:
    channel = a_channel(EVENTS, STATE)
    channel.accept([{**EVENTS, "id": 7}, {**STATE, "id": 8}])

    assert channel.handlers(ids, action) == places


def test_a_forgetful_channel_asks_for_nothing_and_takes_any_answer_and_no_change() -> None:
    channel = a_channel(EVENTS, STATE)
    channel.accept([{**EVENTS, "id": 7}, {**STATE, "id": 8}])
    channel.forgetful = True

    payload = channel.join_payload("jwt")
    accepted = channel.accept([])

    assert payload["config"]["postgres_changes"] == []
    assert (accepted, channel.ids, channel.handlers([7, 8], "INSERT")) == (True, (), ())
