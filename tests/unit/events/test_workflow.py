"""The automaton of a process: every pair of phase and event, walked."""

from itertools import product

import pytest

from harness.errors import IllegalTransition
from harness.events.types import EVENT_TYPES, ErrorType, EventData, ProcessError
from harness.events.workflow import TERMINAL, TRANSITIONS, Phase, advance


def an_event(event_type: str) -> EventData:
    if event_type == "process_error":
        return an_error("recoverable")
    return EVENT_TYPES[event_type].model_construct()


def an_error(kind: ErrorType) -> ProcessError:
    return ProcessError(error_type=kind, step="editing", message="")


@pytest.mark.parametrize(("phase", "event_type"), list(product(Phase, EVENT_TYPES)))
def test_a_pair_leads_where_the_table_says_or_is_illegal(phase: Phase, event_type: str) -> None:
    following = TRANSITIONS[phase].get(event_type)

    if following is None:
        with pytest.raises(IllegalTransition, match=f"{event_type} is not allowed while the process is {phase}"):
            advance(phase, an_event(event_type))
    else:
        assert advance(phase, an_event(event_type)) is following


@pytest.mark.parametrize("phase", [phase for phase in Phase if "process_error" in TRANSITIONS[phase]])
@pytest.mark.parametrize(
    ("kind", "following"),
    [("recoverable", Phase.RECOVERING), ("input_timeout", Phase.RECOVERING), ("unrecoverable", Phase.FAILED)],
)
def test_only_an_unrecoverable_error_is_the_end(phase: Phase, kind: ErrorType, following: Phase) -> None:
    assert advance(phase, an_error(kind)) is following


def test_every_phase_can_be_reached_and_nothing_follows_a_terminal_one() -> None:
    reached = {Phase.NEW, Phase.FAILED} | {after for row in TRANSITIONS.values() for after in row.values()}

    assert reached == set(TRANSITIONS) == set(Phase)
    assert {phase for phase, row in TRANSITIONS.items() if not row} == set(TERMINAL)


def test_every_type_of_event_is_allowed_somewhere() -> None:
    assert {event_type for row in TRANSITIONS.values() for event_type in row} == set(EVENT_TYPES)
