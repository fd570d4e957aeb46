"""Delays of a recording that hangs on phases: one sample an act, in the section where the act stands."""

from collections.abc import Sequence
from dataclasses import replace

from harness.fidelity.comparison import Run, as_played, differences
from harness.fidelity.recording import Entry, Recording
from tests.unit.fidelity.story import change, story


def rows(delay_ms: float, *, copies: int = 1, first: int = 0, count: int = 12) -> Sequence[Entry]:
    """Twelve statements, a second apart, each followed by `copies` frames after `delay_ms`."""
    entries = [Entry(t=0.0, c="-", dir="note", text="one row a second")]
    for n in range(first, first + count):
        entries += [
            Entry(t=1000.0 * n, c="pg", dir="sql", text="insert", args=(str(n),)),
            Entry(t=1000.0 * n + 1, c="pg", dir="sqlok", text="INSERT 0 1"),
        ]
        entries += [change(1000.0 * n + delay_ms, n) for _ in range(copies)]
    return entries


def of(entries: Sequence[Entry]) -> Recording:
    return replace(story("p11_timing.v2"), entries=tuple(entries))


def compared(one: Sequence[Entry], other: Sequence[Entry]) -> list[tuple[str, str, str]]:
    script = of(one)
    found = differences(script, as_played(script), Run(recording=of(other), acted=as_played(of(other)).acted))
    return [(each.grade.value, each.what, each.about) for each in found]


def test_rows_that_all_come_later_are_distributed_otherwise() -> None:
    assert compared(rows(100.0), rows(400.0)) == [
        ("S3", "distributed otherwise", "postgres_changes in: one row a second")
    ]


def test_many_frames_of_few_acts_are_few_samples() -> None:
    assert compared(rows(100.0, copies=9, count=3), rows(400.0, copies=9, count=3)) == []


def test_an_act_of_the_play_is_found_by_its_number_in_the_script() -> None:
    script = of(rows(100.0))
    late = [replace(entry, t=entry.t + 5000) for entry in rows(100.0)]
    acted = {number: t + 5000 for number, t in as_played(script).acted.items()}

    assert differences(script, as_played(script), Run(recording=of(late), acted=acted)) == []
