"""What the log keeps, finds and exports."""

import json
from datetime import timedelta
from uuid import UUID

from harness.events.event import ProcessEvent
from harness.events.types import EventData, Heartbeat, StepCompleted
from harness.pipeline.event_log import EventLog
from tests.instant import BEGIN

BEAT = Heartbeat(timestamp=BEGIN)
STEP = StepCompleted(step="編集")


def an_event(number: int, data: EventData = BEAT, *, process: int = 1) -> ProcessEvent:
    return ProcessEvent(
        id=UUID(int=number), process_id=UUID(int=process), intent=0, emitted_at=BEGIN, data=data, sequence=number
    )


def a_log(*events: ProcessEvent, capacity: int = 1000) -> EventLog:
    log = EventLog(capacity=capacity)
    for event in events:
        log.add(event, received_at=BEGIN + timedelta(seconds=1))
    return log


def test_the_history_is_told_newest_first_and_by_process_and_type() -> None:
    log = a_log(an_event(1), an_event(2, STEP), an_event(3, STEP, process=2))

    def sequences(process_id: str | None = None, event_type: str | None = None) -> list[int | None]:
        found = log.history(process_id=process_id, event_type=event_type)
        return [entry.event.sequence for entry in found]

    assert sequences() == [3, 2, 1]
    assert sequences(event_type="step_completed") == [3, 2]
    assert sequences(str(UUID(int=1))) == [2, 1]
    assert sequences(str(UUID(int=1)), "step_completed") == [2]


def test_the_oldest_goes_and_is_counted() -> None:
    log = a_log(*(an_event(number) for number in range(1, 6)), capacity=3)

    assert [entry.event.sequence for entry in log.history()] == [5, 4, 3]
    assert (len(log), log.forgotten) == (3, 2)


def test_the_export_has_the_whole_envelope() -> None:
    exported = json.loads(a_log(an_event(7, STEP)).export())

    assert exported == {
        "forgotten": 0,
        "events": [
            {
                "id": str(UUID(int=7)),
                "process_id": str(UUID(int=1)),
                "event_type": "step_completed",
                "event_sequence": 7,
                "event_category": "process",
                "event_priority": 3,
                "event_source": "generation_flow_manager",
                "published_at": "2026-01-01T00:00:00+00:00",
                "received_at": "2026-01-01T00:00:01+00:00",
                "event_data": {"step": "編集", "result": {}},
            }
        ],
    }


def test_clearing_begins_anew() -> None:
    log = a_log(an_event(1), an_event(2), capacity=1)

    log.clear()

    assert (log.history(), len(log), log.forgotten) == ((), 0, 0)
