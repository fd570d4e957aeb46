"""D-43: events and state rows tell the same facts on two channels, and no one says which is newer."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, Final

from harness.events.event import received
from harness.pipeline.as_specified.hook import HookState, on_event, on_state, shown
from harness.pipeline.reducer import Facts, ProcessState, reduce, snapshot
from tests.browser import INPUT, QUESTION, a_row, a_state_row

DEFECT: Final = "D-43"
PROGRESS: Final = {"completed_steps": 1, "total_steps": 8, "percentage": 12.5}
Row = Mapping[str, Any]


def a_step(sequence: int, step: str) -> Row:
    return a_row(sequence, "step_update", {"step": step, "message": "", "progress": PROGRESS})


def a_save(sequence: int, status: str, step: str, asked: str | None = None) -> Row:
    """The row as the reference saves it, and inside a column of its own as the accused does."""
    inside = {"is_waiting_for_input": asked is not None, "expected_user_input": asked}
    facts = {"status": status, "current_step": step, **inside}
    return a_state_row(sequence) | facts | {"step_execution_metadata": inside}


def as_the_accused_saves(row: Row) -> Row:
    """Its columns stay as they were made (D-42), and so does the number."""
    return {**row, "is_waiting_for_input": False, "expected_user_input": None, "last_event_sequence": 0}


EVENTS: Final = (
    a_step(1, "theme"),
    a_row(2, "user_input_required", QUESTION),
    a_row(3, "user_input_received", {"input_id": INPUT, "input_type": "SELECT_THEME", "action": "select"}),
    a_step(4, "editing"),
)
SAVES: Final = (
    a_save(1, "running", "theme"),
    a_save(2, "waiting", "theme", "SELECT_THEME"),
    a_save(3, "running", "theme"),
    a_save(4, "running", "editing"),
)
"""After each event the row that is saved with it: eight messages on two channels."""


def interleavings() -> Iterator[Sequence[tuple[str, Row]]]:
    """All orders of the eight in which each channel keeps its own."""
    total = len(EVENTS) + len(SAVES)
    for places in combinations(range(total), len(EVENTS)):
        events, saves = iter(EVENTS), iter(SAVES)
        yield [("event", next(events)) if place in places else ("save", next(saves)) for place in range(total)]


def ends(fold: Callable[[Sequence[tuple[str, Row]]], Facts]) -> set[Facts]:
    return {fold(order) for order in interleavings()}


def as_accused(order: Sequence[tuple[str, Row]]) -> Facts:
    state = HookState()
    for channel, row in order:
        state = on_event(state, row) if channel == "event" else on_state(state, as_the_accused_saves(row))
    return shown(state, last_sequence=4).facts


def as_reference(order: Sequence[tuple[str, Row]]) -> Facts:
    state = ProcessState()
    for channel, row in order:
        state = reduce(state, received(row)) if channel == "event" else snapshot(state, row)
    return state.facts


def test_the_accused_ends_where_the_two_channels_happen_to_meet() -> None:
    assert ends(as_accused) == {
        Facts(status="running", current_step="editing"),
        Facts(status="waiting", current_step="editing", is_waiting_for_input=True, expected_user_input="SELECT_THEME"),
    }


def test_the_reference_ends_in_one_state_whatever_the_order() -> None:
    assert ends(as_reference) == {Facts(status="running", current_step="editing")}
