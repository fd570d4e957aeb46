"""The specification's log of events: newest first, and the oldest gone first."""

import json
from datetime import UTC, datetime

from harness.pipeline.as_specified.event_debugger import RealtimeDebugger

AT = datetime(2025, 1, 31, 12, 0, 0, 5000, tzinfo=UTC)


def a_log(*ids: str, size: int = 1000) -> RealtimeDebugger:
    log = RealtimeDebugger(max_log_size=size)
    for number, id in enumerate(ids):
        event = {"id": id, "process_id": "pq"[number % 2], "event_type": "step_update", "event_data": {"step": "茶"}}
        log.log_event(event, received_at=AT)
    return log


def test_the_newest_comes_first_and_says_when_it_came() -> None:
    newest = a_log("1", "2").event_history()[0]

    assert (newest["id"], newest["received_at"]) == ("2", "2025-01-31T12:00:00.005Z")


def test_what_came_first_is_lost_first() -> None:
    assert [event["id"] for event in a_log("1", "2", "3", size=2).event_history()] == ["3", "2"]


def test_a_thousand_are_kept() -> None:
    log = a_log(*map(str, range(1001)))

    assert [event["id"] for event in log.event_history()][-1] == "1"
    assert len(log.event_history()) == 1000


def test_the_history_of_one_process_and_one_type() -> None:
    log = a_log("1", "2", "3")

    assert [event["id"] for event in log.event_history(process_id="p")] == ["3", "1"]
    assert [event["id"] for event in log.event_history(process_id="p", event_type="heartbeat")] == []
    assert len(log.event_history(event_type="step_update")) == 3


def test_the_export_is_json_with_two_spaces() -> None:
    log = a_log("1")

    assert json.loads(log.export_event_log()) == list(log.event_history())
    assert '\n  {\n    "id": "1",' in log.export_event_log()
    assert "茶" in log.export_event_log()


def test_a_cleared_log_is_empty() -> None:
    log = a_log("1")

    log.clear_log()

    assert (log.event_history(), log.export_event_log()) == ((), "[]")
