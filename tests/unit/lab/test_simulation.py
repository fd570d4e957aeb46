"""An input said to each publisher in simulated time; the figures of load-practice 4.3."""

import pytest

from harness.errors import UsageError
from harness.events.types import SectionChunk
from harness.lab.article import article
from harness.lab.input import Input, Saying
from harness.lab.result import measured
from harness.lab.simulation import POLICY_NAMES, simulate
from harness.pipeline.policies import POLICIES

PROCESS = "00000000-0000-4000-8000-000000000001"


def a_stream(*, chunks: int, per_s: float) -> Input:
    """One section in chunks of ten characters, in an even beat."""
    return Input(
        name="a stream",
        sayings=[
            Saying(
                at=number / per_s,
                process_id=PROCESS,
                data=SectionChunk(
                    section_index=0,
                    section_heading="h",
                    chunk_index=number,
                    offset=10 * number,
                    html_chunk=f"{number:010}",
                    total_chars_generated=10 * number + 10,
                    estimated_section_length=10 * chunks,
                    generation_progress=0,
                ),
            )
            for number in range(chunks)
        ],
    )


@pytest.mark.parametrize(("policy", "events", "kept"), [("as-specified", 11, 0.11), ("concatenate", 11, 1.0)])
def test_a_hundred_chunks_at_fifty_a_second_as_load_practice_tells_of_them(
    policy: str, events: int, kept: float
) -> None:
    trial = simulate(a_stream(chunks=100, per_s=50), policy, interval_s=0.2, write_s=0.0005, seed=1)

    result = measured(trial, policy=policy, interval_s=0.2)

    assert (result.published, result.text_kept) == (events, kept)


def test_there_is_a_line_for_every_policy_and_no_other() -> None:
    assert set(POLICY_NAMES) == {*POLICIES, "as-specified"}


def test_the_same_arguments_give_the_same_trial() -> None:
    trials = [simulate(article(seed=3), "lossless", interval_s=0.1, write_s=0.01, seed=3) for _ in range(2)]

    assert tuple(trials[0].history) == tuple(trials[1].history)
    assert trials[0].rows == trials[1].rows


def test_another_seed_gives_other_write_times() -> None:
    given = a_stream(chunks=3, per_s=1)

    times = [simulate(given, "off", interval_s=0.2, write_s=0.01, seed=seed).rows[0].at for seed in (1, 2)]

    assert times[0] != times[1]


def test_a_slow_database_makes_the_application_late_and_nothing_is_lost_for_it() -> None:
    trial = simulate(a_stream(chunks=20, per_s=20), "off", interval_s=0.2, write_s=0.5, seed=1)

    result = measured(trial, policy="off", interval_s=None)

    assert (result.published, result.lost) == (20, 0)
    assert result.staleness_p99_s is not None
    assert result.staleness_p99_s > 5.0


def test_a_policy_that_there_is_not_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match="no debounce policy 'best'"):
        simulate(a_stream(chunks=1, per_s=1), "best", interval_s=0.2, write_s=0.0, seed=1)
