"""What each frame fault does with a frame and with connections: pure, so that it can be said in a table."""

import json
from collections import Counter
from random import Random
from typing import Any

import pytest

from harness.errors import UsageError
from harness.faults import (
    FAULTS,
    BlackHole,
    Cut,
    Delay,
    Drop,
    Duplicate,
    IdleClose,
    LastSubscriberWins,
    Offline,
    Reorder,
    ReplyReordered,
    SlowReader,
)
from harness.faults.fault import EVERY, Admission, Direction, Fate, Frame, FrameFault, Kind, WorldFault
from harness.faults.nemesis import name_of
from tests.unit.faults.frames import CLOSE, PING, a_change, a_frame, a_message, everything, fate_of

EACH: list[FrameFault] = [
    BlackHole(link="reader"),
    Cut(link="reader"),
    Delay(link="reader", seconds=1.0),
    Drop(link="reader"),
    Duplicate(link="reader"),
    IdleClose(link="reader"),
    LastSubscriberWins(links=("reader", "other")),
    Offline(link="reader"),
    Reorder(link="reader", within=1.0),
    ReplyReordered(link="reader"),
    SlowReader(link="reader", bytes_per_s=10.0),
]
PLAIN = (Admission.PASS, Fate.PASS, None)
HEARTBEAT = a_message("phx_reply", "phoenix", {"status": "ok", "response": {}})
FILTERED = {"event": "*", "schema": "public", "table": "t", "filter": "id=eq.7"}
WHOLE = {"event": "INSERT", "schema": "public", "table": "u", "id": 2}


def kinds(fault: FrameFault, frame: Frame, times: int = 1000) -> Counter[Kind]:
    rng = Random(1)
    return Counter(fault.fate(frame, rng).kind for _ in range(times))


def a_join_reply(*bindings: Any, **frame: Any) -> Frame:
    return a_message("phx_reply", payload={"status": "ok", "response": {"postgres_changes": list(bindings)}}, **frame)


@pytest.mark.parametrize("fault", EACH, ids=name_of)
def test_a_frame_fault_is_one_and_is_found_by_its_name(fault: FrameFault) -> None:
    assert isinstance(fault, FrameFault)
    assert not isinstance(fault, WorldFault)
    assert FAULTS[name_of(fault)] is type(fault)
    assert (fault.at, fault.lasts) == (0.0, None)


def test_every_fault_is_known_by_the_name_of_its_file() -> None:
    assert {kind.__module__ for kind in FAULTS.values()} == {f"harness.faults.{name}" for name in FAULTS}


def test_a_fault_is_told_with_what_it_was_made_of() -> None:
    assert Drop(link="a", at=2.0, lasts=3.0, event="x") == Drop(link="a", at=2.0, lasts=3.0, event="x")
    assert LastSubscriberWins(links=("a", "b")).link == EVERY


# -- connections


@pytest.mark.parametrize("fault", EACH, ids=name_of)
def test_connections_are_broken_refused_ignored_or_slowed_by_those_that_say_so(fault: FrameFault) -> None:
    special = {
        "black_hole": (Admission.SILENT, Fate.PASS, None),
        "cut": (Admission.PASS, Fate.CUT, None),
        "idle_close": (Admission.PASS, Fate.close(1000), None),
        "offline": (Admission.REFUSE, Fate.CUT, None),
        "slow_reader": (Admission.PASS, Fate.PASS, 10.0),
    }

    assert (fault.admission, fault.onset, fault.bytes_per_s) == special.get(name_of(fault), PLAIN)


@pytest.mark.parametrize(
    "fault", [fault for fault in EACH if fault.onset != Fate.PASS or fault.bytes_per_s], ids=name_of
)
def test_frames_pass_where_a_fault_is_about_connections(fault: FrameFault) -> None:
    assert {fate_of(fault, frame) for frame in everything()} == {Fate.PASS}


@pytest.mark.parametrize("speed", [0.0, -1.0])
def test_a_reader_that_takes_nothing_is_not_slow(speed: float) -> None:
    with pytest.raises(UsageError, match="more than 0 bytes"):
        SlowReader(link="reader", bytes_per_s=speed)


# -- frames


def test_a_black_hole_drops_whatever_comes() -> None:
    assert {fate_of(BlackHole(link="reader"), frame) for frame in everything()} == {Fate.DROP}


def test_a_delay_is_the_same_for_all_frames_of_its_direction() -> None:
    fault = Delay(link="reader", seconds=2.0)
    fates = {frame.direction: set[Fate]() for frame in everything()}

    for frame in everything():
        fates[frame.direction].add(fate_of(fault, frame))

    assert fates == {Direction.TO_CLIENT: {Fate.delay(2.0)}, Direction.TO_SERVER: {Fate.PASS}}


def test_a_delay_without_direction_is_for_both() -> None:
    fault = Delay(link="reader", seconds=2.0, direction=None)

    assert {fate_of(fault, frame) for frame in everything()} == {Fate.delay(2.0)}


def test_jitter_comes_on_top() -> None:
    fault, rng = Delay(link="reader", seconds=2.0, jitter=1.0), Random(1)

    seconds = [fault.fate(a_change(), rng).seconds for _ in range(1000)]

    assert 2.0 <= min(seconds) < 2.1 < 2.9 < max(seconds) <= 3.0


@pytest.mark.parametrize(
    ("fault", "dropped"),
    [
        (Drop(link="reader"), ["reply", "heartbeat", "change", "binary", "rubbish"]),
        (Drop(link="reader", direction=Direction.TO_SERVER), ["join"]),
        (Drop(link="reader", event="postgres_changes"), ["change"]),
        (Drop(link="reader", topic="realtime:t"), ["reply", "change"]),
        (Drop(link="reader", event="phx_reply", topic="phoenix"), ["heartbeat"]),
        (Drop(link="reader", numbers=(3, 4)), ["heartbeat", "change"]),
    ],
)
def test_only_the_messages_that_are_meant_are_dropped(fault: Drop, dropped: list[str]) -> None:
    frames = {
        "join": a_message("phx_join", direction=Direction.TO_SERVER),
        "reply": a_message("phx_reply", number=2),
        "heartbeat": a_message("phx_reply", "phoenix", number=3),
        "change": a_change(number=4),
        "binary": a_frame(b"\x04", opcode=2, number=5),
        "rubbish": a_frame(b"no JSON", number=6),
        "ping": a_frame(opcode=PING, number=3),
        "close": a_frame(opcode=CLOSE, number=4),
    }

    assert [name for name, frame in frames.items() if fate_of(fault, frame) == Fate.DROP] == dropped


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Drop(link="reader", probability=0.2), Kind.DROP),
        (Duplicate(link="reader", probability=0.2), Kind.DUPLICATE),
        (Reorder(link="reader", probability=0.2, within=1.0), Kind.DELAY),
    ],
)
def test_a_probability_is_the_share_that_is_hit(fault: FrameFault, kind: Kind) -> None:
    hit = kinds(fault, a_change())

    assert hit.keys() == {kind, Kind.PASS}
    assert hit[kind] == pytest.approx(200, abs=40)


@pytest.mark.parametrize(
    ("fault", "kind"), [(Drop(link="reader"), Kind.DROP), (Duplicate(link="reader"), Kind.DUPLICATE)]
)
def test_a_probability_of_one_spares_none_and_of_zero_all(fault: Any, kind: Kind) -> None:
    none = type(fault)(link="reader", probability=0.0)

    assert kinds(fault, a_change()) == {kind: 1000}
    assert kinds(none, a_change()) == {Kind.PASS: 1000}


def test_row_changes_are_duplicated_and_nothing_else() -> None:
    fates = {fate_of(Duplicate(link="reader", copies=2), frame) for frame in everything() if not frame.is_change()}

    assert fate_of(Duplicate(link="reader", copies=2), a_change()) == Fate.duplicate(2)
    assert fates == {Fate.PASS}


def test_all_messages_to_the_client_are_duplicated_when_no_event_is_named() -> None:
    fault = Duplicate(link="reader", event=None)

    hit = [frame for frame in everything() if fate_of(fault, frame) == Fate.duplicate()]

    assert {frame.direction for frame in hit} == {Direction.TO_CLIENT}
    assert {frame.opcode for frame in everything()} - {frame.opcode for frame in hit} == {PING, CLOSE}


def test_row_changes_are_held_back_for_at_most_that_long_and_nothing_else_is() -> None:
    fault, rng = Reorder(link="reader", probability=1.0, within=3.0), Random(1)

    seconds = [fault.fate(a_change(), rng).seconds for _ in range(1000)]

    assert 0.0 <= min(seconds) < 0.3 < 2.7 < max(seconds) <= 3.0
    assert {fault.fate(frame, rng) for frame in everything() if not frame.is_change()} == {Fate.PASS}


def test_the_last_subscriber_takes_the_rows_of_all() -> None:
    fault = LastSubscriberWins(links=("a", "b", "c"))

    heard = [link for link in "abcd" if fate_of(fault, a_change(link=link)) == Fate.PASS]

    assert heard == ["c", "d"]
    assert fate_of(fault, a_change(link="a")) == Fate.DROP
    assert fate_of(fault, HEARTBEAT) == Fate.PASS
    assert fate_of(fault, a_message("phx_reply", link="a")) == Fate.PASS


def test_two_bindings_come_back_in_reverse() -> None:
    fate = fate_of(ReplyReordered(link="reader"), a_join_reply({**FILTERED, "id": 1}, WHOLE))

    expected = a_join_reply(WHOLE, {**FILTERED, "id": 1})
    assert fate.kind is Kind.REPLACE
    assert json.loads(fate.payload) == json.loads(expected.payload)


@pytest.mark.parametrize(
    ("asked", "told"),
    [({"filter": "id=eq.7"}, {"filter": "id = eq.7"}), ({"filter": None}, {"filter": ""}), ({}, {"filter": ""})],
)
def test_one_binding_comes_back_with_another_filter(asked: dict[str, Any], told: dict[str, Any]) -> None:
    fate = fate_of(ReplyReordered(link="reader"), a_join_reply({"id": 1, **asked}))

    assert json.loads(fate.payload) == json.loads(a_join_reply({"id": 1, **told}).payload)


def test_a_reply_in_the_older_framing_keeps_it() -> None:
    def reply(*bindings: Any) -> dict[str, Any]:
        payload = {"status": "ok", "response": {"postgres_changes": list(bindings)}}
        return {"ref": "1", "event": "phx_reply", "payload": payload, "topic": "realtime:日本"}

    fate = fate_of(ReplyReordered(link="reader"), a_frame(json.dumps(reply(FILTERED, WHOLE)).encode()))

    assert json.loads(fate.payload) == reply(WHOLE, FILTERED)


@pytest.mark.parametrize(
    "frame",
    [
        *everything(),
        HEARTBEAT,
        a_join_reply(),
        a_join_reply(WHOLE, direction=Direction.TO_SERVER),
        a_message("phx_reply", payload={"status": "error", "response": {"reason": "x"}}),
        a_message("phx_reply", payload={"status": "error", "response": "payload_size_exceeded"}),
        a_message("phx_reply", payload="x"),
        a_message("system", payload={"response": {"postgres_changes": [WHOLE]}}),
        a_message("phx_reply", payload={"response": {"postgres_changes": "x"}}),
    ],
)
def test_what_is_no_reply_with_bindings_passes(frame: Frame) -> None:
    assert fate_of(ReplyReordered(link="reader"), frame) == Fate.PASS


def test_a_binding_that_is_none_is_left_as_it_is() -> None:
    fate = fate_of(ReplyReordered(link="reader"), a_join_reply("x"))

    assert json.loads(fate.payload) == json.loads(a_join_reply("x").payload)
