"""The files of tests/histories show what their names say. `python -m tests.histories.write` makes them anew."""

from pathlib import Path

import pytest

from harness.checkers import CHECKERS, Valid, judge
from harness.errors import CorruptHistory, NewerHistory
from harness.history.accounting import Bin, account
from harness.history.store import read

HISTORIES = Path(__file__).parents[2] / "histories"


@pytest.mark.parametrize(
    ("name", "convicting"),
    [
        ("clean", set()),
        ("lost_silently", {"accounting", "cursor_safety", "workflow"}),
        ("inverted", {"order", "cursor_safety", "workflow"}),
        ("truncated", {"content", "payload", "value_fidelity"}),
    ],
)
def test_a_recorded_history_is_judged_as_its_name_says(name: str, convicting: set[str]) -> None:
    _, history = read(HISTORIES / f"{name}.jsonl")

    verdicts = judge({name: checker() for name, checker in CHECKERS.items()}, history)

    assert {name for name, verdict in verdicts.items() if verdict.valid is Valid.NO} == convicting
    assert Valid.UNKNOWN not in {verdict.valid for verdict in verdicts.values()}


def test_the_lost_event_is_placed_between_two_hops() -> None:
    accounts = account(read(HISTORIES / "lost_silently.jsonl")[1])

    (lost,) = [entry for entry in accounts.entries if entry.bin is Bin.LOST_SILENT]

    assert accounts.stretch(lost) == ("send", "receive")


def test_a_killed_run_is_refused_with_what_is_intact() -> None:
    with pytest.raises(CorruptHistory, match="the line is cut off") as caught:
        read(HISTORIES / "cut.jsonl")

    assert (caught.value.line, caught.value.intact) == (42, 40)


def test_a_newer_format_is_refused() -> None:
    with pytest.raises(NewerHistory):
        read(HISTORIES / "newer_format.jsonl")
