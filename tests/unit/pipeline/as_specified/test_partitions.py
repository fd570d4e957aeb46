"""Two months, by their names and bounds, from any month on."""

import re
from collections.abc import Callable
from datetime import date

import pytest

from harness.pipeline.as_specified.partitions import as_written, repaired

MONTH = re.compile(r'"(\w+)"\.process_events_(\d+_\d+) partition.*\n.*from \(\'(\S+)\'\) to \(\'(\S+)\'\)')


def test_the_months_of_the_specification_are_the_first_of_2025() -> None:
    assert MONTH.findall(as_written()) == [
        ("public", "2025_01", "2025-01-01", "2025-02-01"),
        ("public", "2025_02", "2025-02-01", "2025-03-01"),
    ]


@pytest.mark.parametrize(
    ("first", "names"),
    [(date(2026, 6, 1), ["2026_06", "2026_07"]), (date(2026, 12, 1), ["2026_12", "2027_01"])],
    ids=["june", "december"],
)
def test_any_two_months_can_be_made(first: date, names: list[str]) -> None:
    assert [name for _, name, _, _ in MONTH.findall(repaired("parts", first=first))] == names


@pytest.mark.parametrize("make", [as_written, repaired], ids=["as_written", "repaired"])
def test_no_placeholder_is_left(make: Callable[[str], str]) -> None:
    assert not re.search(r"\{\w", make("parts"))


def test_the_repair_puts_the_time_into_both_keys_and_leaves_the_rest() -> None:
    removed = set(as_written().splitlines()) - set(repaired().splitlines())
    added = set(repaired().splitlines()) - set(as_written().splitlines())

    assert {line for line in removed if not line.startswith("--")} == {
        "  id uuid primary key default gen_random_uuid(),",
        "  created_at timestamptz default now(),",
        "  archived boolean default false",
    }
    assert {line for line in added if not line.startswith("--")} == {
        "  id uuid not null default gen_random_uuid(),",
        "  created_at timestamptz not null default now(),",
        "  archived boolean default false,",
        "  primary key (id, created_at),",
        "  constraint unique_process_sequence unique (process_id, event_sequence, created_at)",
    }
