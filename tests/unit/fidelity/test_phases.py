"""Recordings that hang on phases: counts within their slack, the same texts, the same distributions."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from harness.fidelity.frames import Frame, frames
from harness.fidelity.phases import Delay, compare_delays, compare_phases, hangs_on_phases, kolmogorov_smirnov
from harness.fidelity.recording import Entry, Recording


def heard(*messages: tuple[str, Any]) -> Sequence[Frame]:
    entries = tuple(
        Entry(t=10.0 * i, c="A", dir="recv", text=json.dumps([None, None, "realtime:x", event, payload]))
        for i, (event, payload) in enumerate(messages)
    )
    recording = Recording(name="one", vsn="2.0.0", wall=datetime(2026, 11, 24, tzinfo=UTC), entries=entries)
    return frames(recording, known=frozenset())


def rows(*numbers: int) -> list[tuple[str, Any]]:
    return [
        ("postgres_changes", {"data": {"table": "t", "type": "INSERT", "record": {"n": n}}, "ids": [7]})
        for n in numbers
    ]


def test_only_the_recordings_that_the_readme_lists_hang_on_phases() -> None:
    assert hangs_on_phases("p09_limits.v2")
    assert not hangs_on_phases("p12_rls.v1")


def test_other_rows_in_the_same_number_are_no_difference() -> None:
    assert compare_phases("p11_timing.v2", heard(*rows(1, 2, 3)), heard(*rows(4, 5, 6))) == []


def test_fewer_rows_are_missing_data_where_there_is_no_slack() -> None:
    found = compare_phases("p11_timing.v2", heard(*rows(1, 2, 3)), heard(*rows(1, 2)))

    assert [(each.grade.value, each.what, each.expected, each.got) for each in found] == [
        ("S1", "came less often", "3 times", "2 times")
    ]


def test_a_count_within_its_slack_is_no_difference_and_one_beyond_is() -> None:
    expected = heard(*rows(*range(10)))

    assert compare_phases("p16_poison.v2", expected, heard(*rows(*range(7)))) == []
    assert len(compare_phases("p16_poison.v2", expected, heard(*rows(*range(6))))) == 1


def test_a_kind_that_never_came_is_missing_whatever_the_slack() -> None:
    found = compare_phases("p16_poison.v2", heard(*rows(1), ("system", {"message": "no"})), heard(*rows(1)))

    assert [(each.grade.value, each.what, each.about) for each in found] == [("S1", "missing", "system realtime:x")]


def test_other_words_are_a_difference_of_words() -> None:
    found = compare_phases(
        "p09_limits.v2", heard(("system", {"message": "one"})), heard(("system", {"message": "two"}))
    )

    assert [(each.grade.value, each.what) for each in found] == [("S2", "payload.message differs")]


def delays(*milliseconds: float) -> list[Delay]:
    return [Delay(section="idle", kind="postgres_changes", ms=ms) for ms in milliseconds]


def test_delays_that_are_distributed_alike_are_no_difference() -> None:
    expected, got = delays(*range(0, 500, 16)), delays(*range(9, 515, 17))

    assert list(compare_delays(expected, got)) == []


def test_delays_that_are_distributed_otherwise_are_a_difference_of_timing() -> None:
    found = list(compare_delays(delays(*range(0, 500, 16)), delays(*range(2, 34))))

    assert [(each.grade.value, each.what, each.about) for each in found] == [
        ("S3", "distributed otherwise", "postgres_changes in: idle")
    ]


def test_a_shift_by_less_than_the_leeway_counts_for_nothing() -> None:
    assert kolmogorov_smirnov([1.0, 2.0, 3.0], [31.0, 32.0, 33.0], 60.0) == 0.0
    assert kolmogorov_smirnov([1.0, 2.0, 3.0], [131.0, 132.0, 133.0], 60.0) == 1.0


def test_too_few_delays_tell_nothing() -> None:
    assert list(compare_delays(delays(1, 2, 3), delays(900, 901, 902))) == []
