"""A recorded run said again: types, places and times are those of its emits."""

from collections.abc import Mapping
from typing import Any

import pytest

from harness.errors import UnknownEventType, UsageError
from harness.events.types import EVENT_TYPES, ResearchProgress, SectionChunk
from harness.history import History, Op, Value
from harness.lab.recorded import recorded
from harness.lab.result import measured
from harness.lab.simulation import simulate


def emitted(*values: Mapping[str, Any]) -> History:
    return History(
        Op(index=index, time=5.0 + index, actor="app", f="emit", type="ok", value=Value({"process_id": "p1", **value}))
        for index, value in enumerate(values)
    )


def test_times_are_told_from_the_first_event_and_by_when_it_was_due() -> None:
    given = recorded(emitted({"event_type": "heartbeat"}, {"event_type": "heartbeat", "due": 8.5}), name="h")

    assert [one.at for one in given.sayings] == [0.0, 3.5]


def test_each_chunk_is_one_character_where_the_text_of_its_attempt_goes_on() -> None:
    chunk = {"event_type": "section_chunk", "section_index": 2}
    given = recorded(
        emitted(
            {**chunk, "attempt": 1, "chunk_index": 0},
            {**chunk, "attempt": 1, "chunk_index": 1},
            {**chunk, "attempt": 2, "chunk_index": 0},
        ),
        name="h",
    )

    chunks = [one.data for one in given.sayings if isinstance(one.data, SectionChunk)]
    assert [(one.section_index, one.attempt, one.chunk_index, one.offset) for one in chunks] == [
        (2, 1, 0, 0),
        (2, 1, 1, 1),
        (2, 2, 0, 0),
    ]
    assert len({one.html_chunk for one in chunks}) == 3
    assert not given.texts


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_every_event_type_can_be_said_again(event_type: str) -> None:
    given = recorded(emitted({"event_type": event_type}), name="h")

    assert [type(one.data) for one in given.sayings] == [EVENT_TYPES[event_type]]


def test_what_it_is_about_is_not_known_and_so_never_the_same() -> None:
    given = recorded(emitted({"event_type": "research_progress"}, {"event_type": "research_progress"}), name="h")

    told = [one.data for one in given.sayings]
    assert len({one.entity() for one in told if isinstance(one, ResearchProgress)}) == 2


def test_what_ends_a_process_and_what_tells_of_its_state_is_saved_with_it() -> None:
    given = recorded(
        emitted(
            {"event_type": "process_error", "error_type": "recoverable"},
            {"event_type": "state_updated", "status": "error"},
            {"event_type": "process_error", "error_type": "unrecoverable"},
        ),
        name="h",
    )

    assert [one.saved for one in given.sayings] == [False, True, True]


def test_a_recorded_loss_is_counted_in_chunks_and_there_are_no_bytes() -> None:
    chunks = [{"event_type": "section_chunk", "section_index": 0, "due": number / 20} for number in range(40)]
    trial = simulate(recorded(emitted(*chunks), name="h"), "latest-wins", interval_s=0.2, write_s=0.0, seed=1)

    result = measured(trial, policy="latest-wins", interval_s=0.2)

    assert (result.offered, result.published, result.bytes) == (40, result.offered - result.lost, None)
    assert result.text_kept == result.published / 40


def test_a_history_that_tells_of_no_event_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match="h tells of no emitted event"):
        recorded(History(), name="h")


def test_an_event_type_that_we_do_not_know_is_refused() -> None:
    with pytest.raises(UnknownEventType):
        recorded(emitted({"event_type": "tea_served"}), name="h")
