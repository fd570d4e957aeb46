"""What a trial measured, and the mix that a plan makes of it."""

from dataclasses import replace

import pytest

from harness.clock import VIRTUAL_BEGIN
from harness.events.types import Heartbeat, ProcessError, StateUpdated, StepCompleted
from harness.lab.input import Input, Saying
from harness.lab.mix import ENVELOPE_BYTES, Mix, mix
from harness.lab.result import Result, measured, peak_per_s
from harness.lab.simulation import simulate

PROCESS, OTHER = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"
BEAT = Heartbeat(timestamp=VIRTUAL_BEGIN)
STATE = StateUpdated(current_step="editing", status="running", is_waiting_for_input=False)
ERROR = ProcessError(error_type="unrecoverable", step="editing", message="m")


def said(*sayings: Saying) -> Input:
    return Input(name="said", sayings=sayings)


def test_a_replaced_heartbeat_is_coalesced_and_as_old_as_what_came_in_its_place() -> None:
    beats = said(*(Saying(at=at, process_id=PROCESS, data=BEAT) for at in (0.0, 0.05, 0.15)))
    trial = simulate(beats, "lossless", interval_s=0.2, write_s=0.0, seed=1)

    result = measured(trial, policy="lossless", interval_s=0.2)

    assert (result.staleness_p50_s, result.staleness_p99_s) == pytest.approx((0.05, 0.15), abs=1e-4)
    assert replace(result, staleness_p50_s=None, staleness_p99_s=None) == Result(
        policy="lossless",
        interval_s=0.2,
        offered=3,
        published=2,
        coalesced=1,
        lost=0,
        events_per_s=2 / 5,
        peak_per_s=2 / 5,
        bytes=2 * len('{"timestamp":"2026-01-01T00:00:00Z","active_connections":null}'),
        text_kept=None,
        inversions=0,
        staleness_p50_s=None,
        staleness_p99_s=None,
        convicted_by=(),
    )


def test_a_replaced_transition_is_lost_and_has_no_age() -> None:
    steps = said(*(Saying(at=at, process_id=PROCESS, data=StepCompleted(step=str(at))) for at in (0.0, 0.05, 0.15)))
    trial = simulate(steps, "latest-wins", interval_s=0.2, write_s=0.0, seed=1)

    result = measured(trial, policy="latest-wins", interval_s=0.2)

    assert (result.published, result.coalesced, result.lost, result.convicted_by) == (2, 0, 1, ("accounting",))
    assert result.staleness_p99_s == pytest.approx(0.05, abs=1e-4)


@pytest.mark.parametrize(("times", "peak"), [([], 0.0), ([1.0], 0.2), ([0.0, 4.0, 4.9, 5.0, 30.0], 0.6)])
def test_the_peak_is_the_busiest_five_seconds(times: list[float], peak: float) -> None:
    assert peak_per_s(times) == peak


def test_a_saved_state_is_two_changes_and_the_busiest_process_counts() -> None:
    given = said(
        Saying(at=0.0, process_id=PROCESS, data=STATE, saved=True),
        Saying(at=0.0, process_id=OTHER, data=BEAT),
        Saying(at=6.0, process_id=PROCESS, data=ERROR, saved=True),
        Saying(at=10.0, process_id=OTHER, data=BEAT),
    )
    trial = simulate(given, "off", interval_s=0.2, write_s=0.0, seed=1)

    found = mix(trial)

    assert found == Mix(name="said", busiest_per_s=2 / 5, mean_per_s=4 / 8, duration_s=8.0, row_bytes=found.row_bytes)
    assert (found.row_bytes or 0) > ENVELOPE_BYTES
