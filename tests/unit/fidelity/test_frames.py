"""What may differ between two runs is marked, everything else is kept."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from harness.fidelity.frames import Frame, Mark, canonical, chosen_ids, frames
from harness.fidelity.recording import Entry, Recording

WALL = datetime(2026, 11, 24, 2, tzinfo=UTC)
ONE, OTHER = "772e12c8-e7ae-11f1-9737-2e47e746e471", "112e12c8-e7ae-41f1-9737-2e47e746e471"


def framed(payload: Any, event: str = "x", *, known: frozenset[str] = frozenset()) -> Frame:
    text = json.dumps([None, None, "realtime:x", event, payload])
    return of(Entry(t=1.0, c="A", dir="recv", text=text), known=known)[0]


def of(*entries: Entry, known: frozenset[str] = frozenset()) -> Sequence[Frame]:
    return frames(Recording(name="one", vsn="2.0.0", wall=WALL, entries=entries), known=known)


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("2026-11-24T02:20:00.123456+00:00", "<timeT.us+00:00>"),
        ("2026-11-24 02:20:00+00", "<time +00>"),
        ("2026-11-24T02:20:00.123Z", "<timeT.msZ>"),
        ("2024-02-29T03:34:56.789012+00:00", "2024-02-29T03:34:56.789012+00:00"),
        ("Token has expired 10 seconds ago", "Token has expired <n> seconds ago"),
        ("24:00:00 is a time of day", "24:00:00 is a time of day"),
    ],
)
def test_times_of_the_run_are_marked_and_other_times_are_data(text: str, marked: str) -> None:
    assert framed({"at": text}).value["payload"] == {"at": marked}


def test_a_uuid_that_our_side_sent_is_data_and_another_is_a_mark() -> None:
    frame = framed({"a": f"process_id=eq.{ONE}", "b": OTHER}, known=frozenset({ONE}))

    assert frame.value["payload"] == {"a": f"process_id=eq.{ONE}", "b": "<uuid>"}
    assert frame.marks == [Mark(kind="uuid", value=OTHER)]


def test_presence_keys_made_by_the_server_do_not_fall_together() -> None:
    one = framed({OTHER: {"metas": [{"phx_ref": "r1", "n": 1}]}, ONE: {"metas": [{"phx_ref": "r2", "n": 2}]}})
    same_elsewhere = framed(
        {ONE: {"metas": [{"phx_ref": "q1", "n": 1}]}, OTHER: {"metas": [{"phx_ref": "q2", "n": 2}]}}
    )

    assert one.text == same_elsewhere.text
    assert len(one.value["payload"]) == 2
    assert [mark.value for mark in one.marks] == [OTHER, "r1", ONE, "r2"]


def test_binding_ids_are_marked_where_they_stand_but_not_zero() -> None:
    reply = framed({"response": {"postgres_changes": [{"id": 7}, {"id": 0}]}}, "phx_reply")
    change = framed({"ids": [7], "data": {"table": "t", "record": {"id": 7}}}, "postgres_changes")

    assert reply.value["payload"] == {"response": {"postgres_changes": [{"id": "<binding>"}, {"id": 0}]}}
    assert change.value["payload"] == {"ids": ["<binding>"], "data": {"table": "t", "record": {"id": 7}}}


def test_keys_that_postgresql_counts_are_marked_only_in_their_tables() -> None:
    change = framed({"ids": [7], "data": {"table": "t_seq", "record": {"id": 12, "n": 3}}}, "postgres_changes")

    assert change.value["payload"]["data"] == {"table": "t_seq", "record": {"id": "<t_seq.id>", "n": 3}}


def test_numbers_are_kept_as_they_are_written() -> None:
    one = of(Entry(t=1.0, c="A", dir="recv", text='[null,null,"t","e",{"n":1.50}]'))[0]
    other = of(Entry(t=1.0, c="A", dir="recv", text='[null,null,"t","e",{"n":1.5}]'))[0]

    assert one.text != other.text


def test_the_order_of_keys_and_white_space_do_not_matter() -> None:
    assert canonical({"a": 1, "b": [2]}) == canonical({"b": [2], "a": 1})


def test_both_serializers_give_the_same_fields_and_say_their_form() -> None:
    array = of(Entry(t=1.0, c="A", dir="recv", text='["1","2","realtime:x","phx_reply",{}]'))[0]
    of_object = of(
        Entry(t=1.0, c="A", dir="recv", text='{"ref":"2","event":"phx_reply","payload":{},"topic":"realtime:x"}')
    )[0]

    assert array.key == of_object.key == "phx_reply realtime:x ref 2"
    assert (array.value["form"], of_object.value["form"]) == ("array", "object")


def test_a_binary_broadcast_is_taken_apart_and_its_payload_is_kept_as_it_is() -> None:
    data = b"\x04\x0a\x03\x00\x01realtime:xevt" + b'{"id": 1}'
    frame = of(Entry(t=1.0, c="A", dir="recv", text="", bin=True, hex=data.hex()))[0]

    assert frame.value == {
        "heard": "binary",
        "topic": "realtime:x",
        "event": "evt",
        "meta": None,
        "encoding": 1,
        "payload": '{"id": 1}',
    }


def test_an_answer_carries_its_question() -> None:
    heard = of(
        Entry(t=1.0, c="pg", dir="sql", text="select 1"),
        Entry(t=2.0, c="pg", dir="sql", text="select 2"),
        Entry(t=3.0, c="pg", dir="sqlok", text="SELECT 1"),
        Entry(t=4.0, c="pg", dir="sqlerr", text="no"),
    )

    assert [frame.key for frame in heard] == ["sql #1 select 1", "sql #2 select 2"]


def test_ids_in_statements_and_frames_are_chosen_by_our_side() -> None:
    recording = Recording(
        name="one",
        vsn="2.0.0",
        wall=WALL,
        entries=(
            Entry(t=1.0, c="pg", dir="sql", text="insert", args=(ONE, None)),
            Entry(t=2.0, c="A", dir="recv", text=OTHER),
        ),
    )

    assert chosen_ids(recording) == {ONE}
