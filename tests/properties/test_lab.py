"""The laboratory under any input, interval and database: lossless loses nothing; every lossy policy is convicted."""

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from uuid import UUID

import pytest
from hypothesis import HealthCheck, find, given, settings
from hypothesis import strategies as st

from harness.clock import VIRTUAL_BEGIN
from harness.events.types import (
    EventData,
    Heartbeat,
    ImageGenerated,
    ProcessCompleted,
    ResearchProgress,
    SectionChunk,
    StateUpdated,
    StepCompleted,
)
from harness.lab.input import Input, Saying
from harness.lab.result import Result, measured
from harness.lab.simulation import simulate
from harness.pipeline.policies.lossless import Lossless
from harness.pipeline.policies.policy import Joined, Policy

ROUNDING_S = 1e-4


@dataclass(frozen=True)
class Spoken:
    """One saying, and how long after the one before it."""

    kind: str
    after: float
    process: int
    entity: int
    text: str


SPOKEN = st.lists(
    st.builds(
        Spoken,
        kind=st.sampled_from(["chunk", "chunk", "chunk", "again", "beat", "research", "image", "step", "state"]),
        after=st.sampled_from([0.0, 0.001, 0.01, 0.05, 0.1, 0.2, 0.5, 1.5]),
        process=st.integers(1, 2),
        entity=st.integers(0, 3),
        text=st.sampled_from(["a", "bc", "漢字", "<p>"]),
    ),
    max_size=25,
)
INTERVALS = st.floats(0.001, 3.0)
WRITES = st.sampled_from([0.0, 0.002, 0.05, 0.4])


def an_input(spoken: Sequence[Spoken]) -> Input:
    """What was spoken, and the end of each process."""
    written: dict[tuple[int, int], _Section] = defaultdict(_Section)
    at, sayings = 0.0, []
    for number, one in enumerate(spoken, start=1):
        at += one.after
        sayings.append(
            Saying(at=at, process_id=_process(one.process), data=_data(one, number, written), saved=one.kind == "state")
        )
    end = ProcessCompleted(article_id=UUID(int=0), title="t", content_sha256="s", content_chars=0)
    last = [Saying(at=at, process_id=_process(process), data=end, saved=True) for process in (1, 2)]
    return Input(name="made up", sayings=(*sayings, *last))


@dataclass
class _Section:
    attempt: int = 1
    chars: int = 0


def _process(number: int) -> str:
    return str(UUID(int=number))


def _chunk(one: Spoken, number: int, section: _Section) -> SectionChunk:
    if one.kind == "again":
        section.attempt, section.chars = section.attempt + 1, 0
    begin = section.chars
    section.chars += len(one.text)
    return SectionChunk(
        section_index=one.entity,
        section_heading="h",
        attempt=section.attempt,
        chunk_index=number,
        offset=begin,
        html_chunk=one.text,
        total_chars_generated=section.chars,
        estimated_section_length=99,
        generation_progress=0,
    )


def _data(one: Spoken, number: int, written: dict[tuple[int, int], _Section]) -> EventData:
    match one.kind:
        case "chunk" | "again":
            return _chunk(one, number, written[one.process, one.entity])
        case "beat":
            return Heartbeat(timestamp=VIRTUAL_BEGIN, active_connections=number)
        case "research":
            return ResearchProgress(query_index=one.entity + 1, total_queries=4, query=one.text)
        case "image":
            return ImageGenerated(placeholder_id=str(one.entity), image_url=one.text, gcs_path=str(number))
        case "state":
            return StateUpdated(current_step=str(number), status="running", is_waiting_for_input=False)
        case _:
            return StepCompleted(step=str(one.entity))


def tried(spoken: Sequence[Spoken], policy: str | Policy, *, interval_s: float, write_s: float) -> Result:
    trial = simulate(an_input(spoken), policy, interval_s=interval_s, write_s=write_s, seed=1)
    return measured(trial, policy="tried", interval_s=None)


@given(SPOKEN, INTERVALS, WRITES)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_lossless_is_lossless_for_any_input_any_interval_and_any_database(
    spoken: list[Spoken], interval_s: float, write_s: float
) -> None:
    trial = simulate(an_input(spoken), "lossless", interval_s=interval_s, write_s=write_s, seed=1)
    result = measured(trial, policy="lossless", interval_s=interval_s)

    assert (result.lost, result.inversions, result.convicted_by) == (0, 0, ())
    assert result.text_kept in (None, 1.0)
    assert result.published + result.coalesced == result.offered == len(spoken) + 2


@given(SPOKEN, INTERVALS)
@settings(deadline=None)
def test_over_a_fast_database_lossless_is_never_staler_than_its_interval(
    spoken: list[Spoken], interval_s: float
) -> None:
    result = tried(spoken, "lossless", interval_s=interval_s, write_s=0.0)

    assert (result.staleness_p99_s or 0.0) <= interval_s + ROUNDING_S


@given(SPOKEN, WRITES)
@settings(deadline=None)
def test_off_publishes_everything_in_order(spoken: list[Spoken], write_s: float) -> None:
    result = tried(spoken, "off", interval_s=0.2, write_s=write_s)

    assert (result.published, result.lost, result.inversions) == (len(spoken) + 2, 0, 0)


@dataclass(frozen=True)
class Forgetful:
    """A planted bug: lossless, but of two chunks that are joined the earlier one's text is gone."""

    name: str = "forgetful"

    def key(self, data: EventData) -> Hashable | None:
        return Lossless().key(data)

    def join(self, pending: EventData, later: EventData) -> Joined | None:
        joined = Lossless().join(pending, later)
        return joined if joined is None else Joined(data=later, outcome=joined.outcome)

    def barrier(self, data: EventData) -> bool:
        return True


@pytest.mark.parametrize(
    ("policy", "checker"),
    [
        ("as-specified", "accounting"),
        ("as-specified", "content"),
        ("as-specified", "order"),
        ("latest-wins", "accounting"),
        ("latest-wins", "content"),
        ("per-entity", "content"),
        ("per-entity", "order"),
        ("concatenate", "content"),
        ("concatenate", "order"),
        (Forgetful(), "content"),
    ],
    ids=lambda one: getattr(one, "name", one),
)
def test_a_lossy_policy_is_convicted(policy: str | Policy, checker: str) -> None:
    counterexample = find(
        SPOKEN, lambda spoken: checker in tried(spoken, policy, interval_s=0.2, write_s=0.002).convicted_by
    )

    assert counterexample
