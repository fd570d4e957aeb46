"""What one generation under load says, and when."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from harness.events.event import text_hash
from harness.events.types import Heartbeat, SectionChunk
from harness.events.workflow import Phase, advance
from load.offering.schedule import Due, generation

PROCESS = "6f1b1c1e-5d57-4d1f-9a55-0f6f3a1c2b10"
BEGINS = datetime(2026, 1, 1, tzinfo=UTC)


def dues(rate: float = 20.0, seconds: float = 20.0, seed: str = "x", shape: str = "plateau") -> list[Due]:
    return list(generation(PROCESS, Random(seed), rate=rate, seconds=seconds, begins=BEGINS, shape=shape)[0])


def test_the_same_seed_says_the_same_at_the_same_times() -> None:
    assert dues(seed="1") == dues(seed="1")
    assert dues(seed="1") != dues(seed="2")


@pytest.mark.parametrize(("rate", "seconds"), [(20.0, 20.0), (20.0, 3.0), (2.0, 60.0), (40.0, 11.0), (20.0, 6.25)])
def test_as_many_events_are_offered_as_rate_and_length_say(rate: float, seconds: float) -> None:
    assert len(dues(rate, seconds)) == rate * seconds


@pytest.mark.parametrize("seconds", [1.0, 3.0, 20.0, 61.0])
def test_the_automaton_allows_every_event_and_the_last_one_ends_the_process(seconds: float) -> None:
    phase = Phase.NEW

    for due in dues(seconds=seconds):
        phase = advance(phase, due.data)

    assert phase is Phase.COMPLETED


def test_times_never_go_back_and_fill_the_length() -> None:
    times = [due.at for due in dues()]

    assert times == sorted(times)
    assert times[0] >= 0.0
    assert times[-1] == pytest.approx(20.0, rel=0.1)


def test_the_chunks_of_a_section_are_its_text() -> None:
    said, sources = generation(PROCESS, Random("x"), rate=20.0, seconds=10.0, begins=BEGINS)

    for source in sources:
        chunks = [
            due for due in said if isinstance(due.data, SectionChunk) and due.data.section_index == source.section_index
        ]
        text = "".join(due.data.html_chunk for due in chunks if isinstance(due.data, SectionChunk))
        assert (text_hash(text), len(text)) == (source.sha256, source.chars)
        assert sum(due.chars for due in chunks) == source.chars
        assert chunks[0].at == source.at


@pytest.mark.parametrize(("shape", "mean"), [("plateau", 1.0), ("ramp", 0.7625), ("steps", 0.6), ("spike", 1.4)])
def test_as_many_events_are_offered_as_the_area_under_the_rate(shape: str, mean: float) -> None:
    assert len(dues(rate=20.0, seconds=40.0, shape=shape)) == round(20.0 * 40.0 * mean)


def test_a_shape_moves_the_events_of_an_even_schedule_and_changes_none() -> None:
    even, spike = dues(rate=14.0, seconds=20.0), dues(rate=10.0, seconds=20.0, shape="spike")

    def said(due: Due) -> object:
        return type(due.data) if isinstance(due.data, Heartbeat) else due.data

    assert [said(due) for due in spike] == [said(due) for due in even]
    assert [due.at for due in spike] != [due.at for due in even]


def test_a_heartbeat_tells_the_time_at_which_it_is_due() -> None:
    beats = [(due.at, due.data.timestamp) for due in dues(shape="ramp") if isinstance(due.data, Heartbeat)]

    assert beats
    assert all(timestamp == BEGINS + timedelta(seconds=at) for at, timestamp in beats)
