"""Who is present: metas, refs, keys and what a diff says."""

import base64
from random import Random
from typing import Any
from uuid import UUID

import pytest

from harness.realtime.broadcast import Room
from harness.realtime.presence import Call, Diff, Presences, call_of, key_text, made_key, made_ref

ROOM = Room("realtime:pres", False)


def entered(**keys: str) -> Presences[str]:
    presences = Presences[str]()
    for member, key in keys.items():
        presences.enter(member, ROOM, key)
    return presences


def test_a_track_is_a_join_with_a_ref() -> None:
    presences = entered(a="u1")

    diff = presences.track("a", {"name": "a"}, ref="r1")

    assert diff == Diff(room=ROOM, joins={"u1": {"metas": [{"phx_ref": "r1", "name": "a"}]}}, leaves={})
    assert presences.state(ROOM) == diff.joins


def test_another_payload_names_the_ref_before_it() -> None:
    presences = entered(a="u1")
    presences.track("a", {"n": 1}, ref="r1")
    presences.track("a", {"n": 2}, ref="r2")

    diff = presences.track("a", {"n": 3}, ref="r3")

    assert diff.payload() == {
        "joins": {"u1": {"metas": [{"phx_ref": "r3", "phx_ref_prev": "r2", "n": 3}]}},
        "leaves": {"u1": {"metas": [{"phx_ref": "r2", "phx_ref_prev": "r1", "n": 2}]}},
    }


def test_two_channels_under_one_key_are_two_metas_in_the_order_of_their_joins() -> None:
    presences = entered(a="u1", b="u1")
    presences.track("b", {}, ref="r1")

    diff = presences.track("a", {}, ref="r2")

    assert diff.payload() == {"joins": {"u1": {"metas": [{"phx_ref": "r2"}]}}, "leaves": {}}
    assert presences.state(ROOM) == {"u1": {"metas": [{"phx_ref": "r2"}, {"phx_ref": "r1"}]}}


@pytest.mark.parametrize(
    ("tracked", "given", "same"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        ({"a": 1}, {"a": 1.0}, False),
        ({"a": 1}, {"a": True}, False),
        ({}, {}, True),
    ],
)
def test_the_same_payload_is_the_same_value_of_the_same_type(
    tracked: dict[str, Any], given: dict[str, Any], same: bool
) -> None:
    presences = entered(a="u1")
    presences.track("a", tracked, ref="r1")

    assert presences.tracks("a", given) is same


def test_after_an_untrack_the_same_payload_is_new_and_has_no_ref_before_it() -> None:
    presences = entered(a="u1")
    presences.track("a", {"n": 1}, ref="r1")
    gone = presences.untrack("a")

    assert gone == Diff(room=ROOM, joins={}, leaves={"u1": {"metas": [{"phx_ref": "r1", "n": 1}]}})
    assert not presences.tracks("a", {"n": 1})
    assert presences.track("a", {"n": 1}, ref="r2").joins == {"u1": {"metas": [{"phx_ref": "r2", "n": 1}]}}


def test_who_is_not_tracked_leaves_without_a_word() -> None:
    presences = entered(a="u1", b="u2")

    assert (presences.untrack("a"), presences.leave("a"), presences.leave("nobody")) == (None, None, None)
    assert presences.members(ROOM) == ("b",)


def test_who_is_over_leaves_and_hears_nothing_more() -> None:
    presences = entered(a="u1", b="u2")
    presences.track("a", {}, ref="r1")

    diff = presences.leave("a")

    assert diff == Diff(room=ROOM, joins={}, leaves={"u1": {"metas": [{"phx_ref": "r1"}]}})
    assert (presences.members(ROOM), presences.state(ROOM)) == (("b",), {})


def test_rooms_are_apart_by_topic_and_by_privacy() -> None:
    presences = entered(a="u1")
    presences.enter("b", Room("realtime:pres", True), "u1")
    presences.track("a", {}, ref="r1")

    assert presences.state(Room("realtime:pres", True)) == {}
    assert presences.members(ROOM) == ("a",)


def test_when_all_is_lost_only_the_tracked_are_named_and_nobody_is_present() -> None:
    presences = entered(a="u1", b="u2")
    presences.track("a", {}, ref="r1")

    assert (presences.lose_all(), presences.state(ROOM), presences.leave("a")) == (("a",), {}, None)


@pytest.mark.parametrize(
    ("payload", "call"),
    [
        ({"event": "track", "payload": {}}, Call.TRACK),
        ({"event": "TrAcK"}, Call.TRACK),
        ({"event": "UNTRACK"}, Call.UNTRACK),
        ({"event": "nope"}, Call.UNKNOWN),
        ({"foo": 1}, Call.NOTHING),
        ([], Call.NOTHING),
        (None, Call.NOTHING),
        ({"event": 5}, Call.BROKEN),
        ({"event": None}, Call.BROKEN),
    ],
)
def test_what_a_push_asks_for(payload: Any, call: Call) -> None:
    assert call_of(payload) is call


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("u1", "u1"),
        (5, "5"),
        (True, "true"),
        (False, "false"),
        (1.5, "1.5"),
        (100000.0, "1.0e5"),
        (0.00001, "1.0e-5"),
        (123456.0, "123456.0"),
        (["l"], "l"),
        (["a", ["b", 99]], "abc"),
        ([], ""),
        ({"k": 1}, None),
        ([None], None),
        ([["a"], [{}]], None),
    ],
)
def test_how_a_key_is_spelled(key: Any, text: str | None) -> None:
    assert key_text(key) == text


def test_a_made_key_is_a_uuid_of_version_1_that_tells_the_time() -> None:
    key = UUID(made_key(1795487190.5, Random(1)))

    seconds = (key.time - 0x01B21DD213814000) / 1e7

    assert (key.version, round(seconds, 3)) == (1, 1795487190.5)
    assert made_key(1795487190.5, Random(2)) != str(key)


def test_a_made_ref_is_sixteen_letters_that_begin_with_the_time() -> None:
    ref = made_ref(1795487190.5, Random(1))

    assert len(ref) == 16
    assert int.from_bytes(base64.urlsafe_b64decode(ref)[:8], "big") == 1795487190500000000
