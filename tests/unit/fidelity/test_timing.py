"""Frames are measured from what led to them."""

import json
from datetime import UTC, datetime
from typing import Any

from harness.fidelity.recording import Entry, Recording
from harness.fidelity.timing import causes


def of(*entries: Entry) -> dict[int, int]:
    return dict(causes(Recording(name="one", vsn="2.0.0", wall=datetime(2026, 11, 24, tzinfo=UTC), entries=entries)))


def message(t: float, direction: str, client: str, ref: str | None, event: str, payload: Any = None) -> Entry:
    text = json.dumps(["1", ref, "realtime:x", event, payload or {}])
    return Entry(t=t, c=client, dir=direction, text=text)


def test_a_reply_is_measured_from_the_message_with_its_ref() -> None:
    found = of(
        message(0, "send", "A", "1", "phx_join"),
        message(1, "send", "A", "2", "broadcast"),
        message(5000, "recv", "A", "1", "phx_reply"),
    )

    assert found == {0: 0}


def test_a_system_message_is_measured_from_the_last_message_on_its_topic() -> None:
    found = of(
        message(0, "send", "A", "1", "phx_join"),
        message(1, "send", "B", "1", "phx_join"),
        message(2000, "recv", "A", None, "system"),
    )

    assert found == {0: 0}


def test_a_row_is_measured_from_the_statement_that_wrote_it() -> None:
    found = of(
        Entry(t=0, c="pg", dir="sql", text="insert", args=("41",)),
        Entry(t=20, c="pg", dir="sql", text="insert", args=("42",)),
        message(400, "recv", "A", None, "postgres_changes", {"data": {"record": {"n": 41}}}),
        message(401, "recv", "A", None, "postgres_changes", {"data": {"record": {"n": 42}}}),
        message(402, "recv", "A", None, "postgres_changes", {"data": {"old_record": {"id": 1}}}),
    )

    assert found == {0: 0, 1: 1, 2: 1}


def test_a_broadcast_is_measured_from_whatever_was_done_last() -> None:
    found = of(message(0, "send", "A", "1", "broadcast"), message(1, "recv", "B", None, "broadcast"))

    assert found == {0: 0}


def test_a_close_by_the_server_is_measured_from_the_last_act_on_its_socket() -> None:
    found = of(
        message(0, "send", "A", "1", "phx_join"),
        message(5, "send", "B", "1", "phx_join"),
        Entry(t=66000, c="A", dir="close", code=1000, by="server"),
    )

    assert found == {0: 0}
