"""The table of a load run, and which of several verdicts is the run's."""

from collections.abc import Mapping
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from harness.checkers.checker import Finding, Valid, Verdict
from load.judging.judged import Judged
from load.plan import Plan
from load.telling.summary import comma_separated, junit_of, markdown, text

FINE = Verdict(valid=Valid.YES, looked_at=1)
WRONG = Verdict.invalid(Finding("lost silently is 3, and must be at most 0"))
UNKNOWN = Verdict.unknown("generator lag p99 ms is 12, and must be at most 10")


def a_run(claims: Mapping[str, Verdict], debounce: str = "lossless") -> Judged:
    figures = {"events offered": 1600.0, "text kept %": 33.333, "delivery p99 ms": None}
    return Judged(plan=Plan(debounce=debounce), figures=figures, checked={}, claims=claims)


@pytest.mark.parametrize(
    ("claims", "valid", "code"),
    [
        ({"a": FINE}, Valid.YES, 0),
        ({"a": FINE, "b": WRONG}, Valid.NO, 1),
        ({"a": FINE, "b": WRONG, "c": UNKNOWN}, Valid.UNKNOWN, 2),
        ({}, Valid.UNKNOWN, 2),
    ],
)
def test_a_run_is_unknown_if_anything_is_and_else_invalid_if_anything_is(
    claims: dict[str, Verdict], valid: Valid, code: int
) -> None:
    run = a_run(claims)

    assert (run.valid, run.exit_code) == (valid, code)


def test_the_table_has_a_column_a_run_and_says_what_is_not_as_expected() -> None:
    lines = text([a_run({"a": FINE}, "off"), a_run({"a": WRONG})]).splitlines()

    assert lines[2].split() == ["off", "lossless"]
    assert lines[3].split() == ["events", "offered", "1,600", "1,600"]
    assert lines[4].split() == ["text", "kept", "%", "33.3", "33.3"]
    assert lines[5].split() == ["delivery", "p99", "ms", "–", "–"]
    assert lines[-3:] == [
        "✓ off: as expected",
        "✗ lossless: not as expected",
        "  ✗ a: lost silently is 3, and must be at most 0",
    ]


def test_a_reason_has_the_name_of_its_claim_once_and_the_unknown_come_first() -> None:
    claims = {"a": WRONG, "generator lag p99 ms": UNKNOWN}

    assert text([a_run(claims)]).splitlines()[-3:] == [
        "? lossless: nothing can be said",
        "  ? generator lag p99 ms is 12, and must be at most 10",
        "  ✗ a: lost silently is 3, and must be at most 0",
    ]


def test_a_run_that_was_not_judged_has_a_column_all_the_same() -> None:
    run = Judged(plan=Plan(debounce="off"), figures={}, checked={}, claims={"course of the run": UNKNOWN})

    assert "| events offered | – | 1,600 |" in markdown([run, a_run({})])


def test_the_numbers_for_programs_are_whole() -> None:
    assert comma_separated([a_run({"a": FINE})]).splitlines() == [
        "figure,lossless",
        "events offered,1600.0",
        "text kept %,33.333",
        "delivery p99 ms,",
        "verdict,valid",
    ]


def test_several_junit_documents_become_one() -> None:
    one = '<testsuites><testsuite name="{}" tests="1"/></testsuites>'

    whole = ElementTree.fromstring(junit_of([one.format("off"), one.format("lossless")]))

    assert [suite.get("name") for suite in whole] == ["off", "lossless"]


def test_the_clocks_of_several_workers_are_beside_the_figures() -> None:
    clock = {"worker": 1, "host": "a", "process": 12, "clock_offset_s": -0.0021, "within_s": 0.00025}
    run = replace(a_run({"a": FINE}), workers=[clock])

    told = "workers: 1; their clocks to the master's: 1 (a) -2.10 ± 0.25 ms; no latency compares two clocks"
    assert text([run]).splitlines()[1] == told
    assert told in markdown([run]).splitlines()
