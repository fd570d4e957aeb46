"""Row keys from rows as text and as JSON."""

from typing import Any

import pytest

from harness.pipeline.trace import trace

EVENT = {"id": "e1", "process_id": "p1", "event_type": "heartbeat", "event_data": "{}"}
STATE = {"id": "p1", "status": "running"}


@pytest.mark.parametrize("sequence", ["12", 12])
def test_an_event_row_is_named_by_its_keys(sequence: Any) -> None:
    assert trace("process_events", "INSERT", {**EVENT, "event_sequence": sequence}) == {
        "table": "process_events",
        "action": "INSERT",
        "event_id": "e1",
        "process_id": "p1",
        "event_type": "heartbeat",
        "sequence": 12,
    }


@pytest.mark.parametrize("sequence", ["0", 0])
def test_a_state_row_is_named_by_its_process_and_sequence(sequence: Any) -> None:
    assert trace("generated_articles_state", "UPDATE", {**STATE, "last_event_sequence": sequence}) == {
        "table": "generated_articles_state",
        "action": "UPDATE",
        "process_id": "p1",
        "last_event_sequence": 0,
    }


def test_other_tables_are_not_followed() -> None:
    assert trace("article_contents", "INSERT", EVENT) is None


def test_the_old_row_of_a_delete_has_only_its_key_and_is_not_followed() -> None:
    assert trace("process_events", "DELETE", {"id": "e1"}) is None
    assert trace("process_events", "DELETE", {**EVENT, "event_sequence": None}) is None
