"""The envelope of an event, before and after it has a number, and hashes that survive every parser."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from harness.errors import InvalidEvent, UnknownEventType
from harness.events.event import ProcessEvent, content_hash, received, text_hash
from harness.events.types import Heartbeat, StepCompleted

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ROW: dict[str, Any] = {
    "id": str(UUID(int=1)),
    "process_id": str(UUID(int=2)),
    "event_type": "heartbeat",
    "event_data": {"timestamp": "2026-01-01T00:00:00Z"},
    "event_sequence": 5,
    "published_at": "2026-01-01T00:00:00+00:00",
    "created_at": "2026-01-01T00:00:01+00:00",
}


def an_event(**result: Any) -> ProcessEvent:
    data = StepCompleted(step="editing", result=result)
    return ProcessEvent(id=UUID(int=1), process_id=UUID(int=2), intent=1, emitted_at=NOW, data=data)


def test_an_event_has_no_number_until_the_database_gives_it_one() -> None:
    assert (an_event().sequence, an_event().event_type) == (None, "step_completed")


def test_characters_that_jsonb_cannot_hold_are_stripped_at_any_depth() -> None:
    event = an_event(**{"a\x00": "b\x00c", "list": ["\x00", {"deep\x00": "\x00x"}], "number": 1, "nothing": None})

    assert event.event_data() == {
        "step": "editing",
        "result": {"a": "bc", "list": ["", {"deep": "x"}], "number": 1, "nothing": None},
    }


def test_a_row_is_an_event_again() -> None:
    assert received(ROW) == ProcessEvent(
        id=UUID(int=1),
        process_id=UUID(int=2),
        intent=0,
        emitted_at=NOW,
        data=Heartbeat(timestamp=NOW),
        sequence=5,
    )


def test_a_row_that_was_never_stamped_has_the_time_of_its_creation() -> None:
    assert received({**ROW, "published_at": None}).emitted_at == datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changed", "error"),
    [({"event_type": "no_such"}, UnknownEventType), ({"event_data": {}}, InvalidEvent), ({"id": "x"}, ValueError)],
)
def test_a_row_that_is_no_event_is_refused(changed: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        received({**ROW, **changed})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({"a": 1.0}, {"a": 1}),
        ({"a": [1.0, {"b": 2.0}]}, {"a": [1, {"b": 2}]}),
        ({"a": (1, 2)}, {"a": [1, 2]}),
    ],
)
def test_the_same_data_has_the_same_hash_whoever_parsed_it(one: Any, other: Any) -> None:
    assert content_hash(one) == content_hash(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [({"a": 1}, {"a": 1.5}), ({"a": 1}, {"a": "1"}), ({"a": None}, {}), ({"a": True}, {"a": 1}), ([1, 2], [2, 1])],
)
def test_other_data_has_another_hash(one: Any, other: Any) -> None:
    assert content_hash(one) != content_hash(other)


def test_what_is_no_json_has_no_hash() -> None:
    with pytest.raises(ValueError, match="Out of range float"):
        content_hash({"a": float("nan")})


def test_a_text_is_hashed_as_its_bytes() -> None:
    assert text_hash("木") == "9213ab05890bafa22324bd6267fe40254230768128e2ecc24db48198379e1f16"
