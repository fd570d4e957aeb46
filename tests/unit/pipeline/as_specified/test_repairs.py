"""What the letter does, so that it could not be left as it is."""

import asyncio
import json
from random import Random
from uuid import UUID

import pytest

from harness.events.types import ProcessCreated
from harness.history import Recorder
from harness.pipeline.as_specified import REPAIRS
from harness.pipeline.as_specified.debouncer import Debouncer, Said
from harness.pipeline.as_specified.publisher import SpecifiedPublisher
from harness.pipeline.as_specified.type_map import event_data
from tests.defects.stage import PROCESS, MemoryTables, chunk
from tests.instant import InstantClock, run

SHOWN = ("D-12", "D-20", "D-24")
"""Here; D-31 and D-32 in tests/integration/test_as_specified_tables.py, where there is a database."""


def test_every_repair_is_shown() -> None:
    assert [repair.defect for repair in REPAIRS] == [*SHOWN, "D-31", "D-32"]


def test_d12_a_debouncer_to_which_nobody_gave_a_publisher_cannot_publish() -> None:
    said = Said(event_id="e", process_id="p", intent=1, meant="heartbeat", event_type="heartbeat", event_data={})

    with pytest.raises(AttributeError, match="event_publisher"):
        run(Debouncer(InstantClock()).debounced_publish(said))


def test_d12_the_publisher_gives_itself() -> None:
    async def story() -> MemoryTables:
        clock = InstantClock()
        tables = MemoryTables(clock)
        publisher = SpecifiedPublisher(tables, recorder=Recorder(clock.now), clock=clock, rng=Random(1))
        await publisher.publish(PROCESS, chunk(0))
        return tables

    assert len(run(story()).rows) == 1


def test_d20_while_an_insert_waits_others_go_on() -> None:
    async def story() -> float:
        clock = InstantClock()
        tables = MemoryTables(clock, delays_s=[5.0])
        publisher = SpecifiedPublisher(tables, recorder=Recorder(clock.now), clock=clock, rng=Random(1))
        writing = asyncio.create_task(publisher.publish(PROCESS, chunk(0)))
        await clock.sleep(1.0)
        meanwhile = clock.now()
        await writing
        return meanwhile

    assert run(story()) == 1.0


def test_d24_what_the_letter_hands_over_is_no_json() -> None:
    created = ProcessCreated(process_id=UUID(int=1), initial_request={})

    with pytest.raises(TypeError):
        json.dumps(created.model_dump())
    assert json.dumps(event_data(created))
