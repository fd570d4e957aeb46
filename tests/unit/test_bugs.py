"""`harness bugs`: what is convicted and acquitted, and how it is told; the runs themselves are scripted."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness import bugs
from harness.backends.options import StackOptions
from harness.batch import RunRequest
from harness.bug import Bug, Entry
from harness.bugs import BugsRequest, Row
from harness.checkers import Accounting, Order
from harness.checkers.checker import Valid, Verdict
from harness.errors import PortTaken, UnknownBug
from harness.history import History
from harness.history.accounting import account
from harness.judgement import Judgement
from harness.outcome import Failure, Outcome
from harness.scenario import Scenario
from harness.tokens import DEVELOPMENT_SECRET

YES, NO, OPEN = Valid.YES, Valid.NO, Valid.UNKNOWN
DOWN = Failure(what="b07, seed 1", error=PortTaken("127.0.0.1", 5000))
SCENARIO = Scenario(
    story=lambda rng: [], checkers=[Accounting(), Order()], name="b07_mine", title="The page stands still."
)
BUG = Bug(id="B7", users_say="gone", reports=("realtime#1", "recording p02"), convicted_by=("accounting", "order"))
ENTRY = Entry(bug=BUG, scenario=SCENARIO)


def judged(accounting: Valid, order: Valid = NO) -> Judgement:
    verdicts = {
        "accounting": Verdict(valid=accounting, reason="why" if accounting is OPEN else ""),
        "order": Verdict(valid=order),
    }
    return Judgement(
        header={}, history=History(), verdicts=verdicts, accounts=account(History()), folder=Path("runs/b07_mine/1")
    )


def a_row(accused: Outcome, reference: Outcome) -> Row:
    return Row(entry=ENTRY, seed=1, time_factor=10.0, accused=accused, reference=reference, seconds=3.14)


CLEAN = judged(YES, YES)


@pytest.mark.parametrize(
    ("accused", "reference", "convicted", "acquitted", "code"),
    [
        (judged(NO), CLEAN, True, True, 0),
        (judged(YES), CLEAN, False, True, 1),
        (judged(OPEN), CLEAN, False, True, 2),
        (judged(YES, OPEN), CLEAN, False, True, 1),
        (judged(NO), judged(NO), True, False, 1),
        (judged(NO), judged(YES, OPEN), True, False, 2),
        (judged(OPEN), judged(NO), False, False, 1),
        (judged(YES), judged(OPEN, OPEN), False, False, 1),
        (DOWN, CLEAN, False, True, 2),
        (judged(NO), DOWN, True, False, 2),
    ],
)
def test_a_class_is_as_expected_if_each_named_checker_convicts_the_accused_and_all_acquit_the_reference(
    accused: Outcome, reference: Outcome, convicted: bool, acquitted: bool, code: int
) -> None:
    row = a_row(accused, reference)

    assert (row.convicted, row.acquitted, row.code) == (convicted, acquitted, code)


def test_what_one_checker_convicts_and_another_cannot_judge_is_unknown() -> None:
    assert a_row(judged(NO, OPEN), CLEAN).code == 2


def test_the_document_of_a_class_says_all_that_is_known() -> None:
    document = a_row(judged(NO), CLEAN).document()

    assert document == {
        "id": "B7",
        "title": "The page stands still.",
        "users_say": "gone",
        "reports": [
            {"name": "realtime#1", "url": "https://github.com/supabase/realtime/issues/1"},
            {"name": "recording p02", "url": None},
        ],
        "scenario": "b07_mine",
        "accused": "as-specified",
        "convicted_by": ["accounting", "order"],
        "convicted": True,
        "acquitted": True,
        "code": 0,
        "seed": 1,
        "time_factor": 10.0,
        "seconds": 3.1,
        "runs": {
            "accused": {
                "valid": "invalid",
                "checkers": {"accounting": "invalid", "order": "invalid"},
                "folder": "runs/b07_mine/1",
            },
            "reference": {
                "valid": "valid",
                "checkers": {"accounting": "valid", "order": "valid"},
                "folder": "runs/b07_mine/1",
            },
        },
        "complaints": [],
    }
    assert json.loads(json.dumps(document)) == document


def test_what_is_not_as_expected_is_complained_of_with_where_to_look() -> None:
    document = a_row(judged(OPEN), DOWN).document()

    assert document["complaints"] == [
        "accused: accounting unknown (why), order invalid; runs/b07_mine/1/report.html",
        f"reference: {DOWN.error}",
    ]
    assert document["runs"]["reference"]["error"] == str(DOWN.error)


Asked = tuple[Scenario, int, RunRequest, StackOptions]


class Scripted:
    """`perform`, that gives these outcomes in turn and keeps what it was asked."""

    def __init__(self, *outcomes: Outcome) -> None:
        self.outcomes = list(outcomes)
        self.asked: list[Asked] = []

    async def __call__(self, scenario: Scenario, seed: int, request: RunRequest, options: StackOptions) -> Outcome:
        self.asked.append((scenario, seed, request, options))
        return self.outcomes.pop(0)


def a_request(*names: str, as_json: bool = False, time_factor: float | None = None) -> BugsRequest:
    run = RunRequest(
        scenarios=(),
        seeds=(7,),
        repeat=1,
        jobs=2,
        client="native",
        runs=Path("runs"),
        js_modules=None,
        as_json=as_json,
    )
    return BugsRequest(names=names, run=run, time_factor=time_factor)


OPTIONS = StackOptions(jwt_secret=DEVELOPMENT_SECRET, app="reference", cadence="real", limits="selfhost")


def played(
    monkeypatch: pytest.MonkeyPatch, request: BugsRequest, *outcomes: Outcome, entry: Entry = ENTRY
) -> tuple[int, Sequence[Asked]]:
    """The exit code for one class whose two runs come to these outcomes, and what was asked for."""
    perform = Scripted(*outcomes)
    monkeypatch.setattr(bugs, "perform", perform)
    monkeypatch.setattr(bugs, "catalogue", lambda names: [entry])
    return asyncio.run(bugs.bugs(request, OPTIONS)), perform.asked


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [((judged(NO), CLEAN), 0), ((judged(YES), CLEAN), 1), ((judged(NO), DOWN), 2)],
)
def test_the_exit_code_says_whether_all_is_as_expected(
    monkeypatch: pytest.MonkeyPatch, outcomes: tuple[Outcome, ...], code: int
) -> None:
    assert played(monkeypatch, a_request("B7"), *outcomes)[0] == code


def test_the_same_scenario_is_run_with_the_accused_and_with_the_reference_under_the_conditions_of_the_bug(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    entry = replace(ENTRY, bug=replace(BUG, cadence="real", limits="free", time_factor=15.0))

    _, asked = played(monkeypatch, a_request("B7"), judged(NO), CLEAN, entry=entry)

    assert [(scenario.name, seed, options.app) for scenario, seed, _, options in asked] == [
        ("b07_mine", 7, "as-specified"),
        ("b07_mine", 7, "reference"),
    ]
    assert {(options.cadence, options.limits) for _, _, _, options in asked} == {("real", "free")}
    assert {request.time_factor for _, _, request, _ in asked} == {15.0}


def test_a_time_factor_that_is_given_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    _, asked = played(monkeypatch, a_request("B7", time_factor=1.0), judged(NO), CLEAN)

    assert {request.time_factor for _, _, request, _ in asked} == {1.0}


def test_a_behaviour_is_run_with_the_reference_under_the_name_of_its_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    behaviour = Scenario(story=lambda rng: [], checkers=[Order()])
    entry = replace(ENTRY, bug=replace(BUG, accused="realtime-py#213", behaviour=behaviour, convicted_by=("order",)))

    _, asked = played(monkeypatch, a_request("B7"), judged(NO), CLEAN, entry=entry)

    (accused, _, _, first), (innocent, _, _, second) = asked
    assert (accused.checkers, accused.name, accused.title) == ([Order()], "b07_mine", "The page stands still.")
    assert (first.app, second.app, innocent) == ("reference", "reference", SCENARIO)


def test_one_class_is_told_to_people_or_to_programs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    played(monkeypatch, a_request("B7"), judged(NO), CLEAN)
    for_people = capsys.readouterr().out
    played(monkeypatch, a_request("B7", as_json=True), judged(NO), CLEAN)
    for_programs: Mapping[str, Any] = json.loads(capsys.readouterr().out)

    assert "convicted by accounting, order" in for_people
    assert "1 of 1 as expected" in for_people
    assert (for_programs["as_expected"], for_programs["of"]) == (1, 1)
    assert [one["id"] for one in for_programs["bugs"]] == ["B7"]


def test_what_is_not_as_expected_is_told_once_more_at_the_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    played(monkeypatch, a_request("B7"), CLEAN, CLEAN)

    end = capsys.readouterr().out.partition("0 of 1 as expected")[2].splitlines()

    assert end[1].startswith("✗ B7 ")
    assert end[2].startswith("      accused: ")


def test_a_class_that_there_is_not_is_refused_before_anything_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bugs, "perform", Scripted())

    with pytest.raises(UnknownBug):
        asyncio.run(bugs.bugs(a_request("B99"), OPTIONS))
