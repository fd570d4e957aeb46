import pytest

from harness.checkers import CHECKERS, Checker, Finding, Order, Valid, Verdict, compose, judge
from harness.history import History
from tests.histories.literal import a_history, applied

VALID = Verdict.of([], looked_at=1)
INVALID = Verdict.invalid(Finding("inverted"))
UNKNOWN = Verdict.unknown("nothing")


class Broken:
    def check(self, history: History) -> Verdict:
        raise KeyError("sequence")


def test_a_checker_that_crashes_is_unknown_and_says_why() -> None:
    assert judge({"broken": Broken()}, a_history()) == {
        "broken": Verdict.unknown("the checker crashed: KeyError: 'sequence'")
    }


def test_the_others_are_judged_all_the_same() -> None:
    verdicts = judge({"broken": Broken(), "order": Order()}, a_history(applied("r", sequence=1)))

    assert verdicts["order"].valid is Valid.YES


@pytest.mark.parametrize("name", CHECKERS)
def test_no_checker_acquits_an_empty_history(name: str) -> None:
    checker: Checker = CHECKERS[name]()

    assert checker.check(a_history()).valid is Valid.UNKNOWN


@pytest.mark.parametrize("name", CHECKERS)
def test_a_checker_is_found_under_the_name_of_its_file(name: str) -> None:
    assert CHECKERS[name].__module__ == f"harness.checkers.{name}"


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ([VALID, VALID], Valid.YES),
        ([VALID, UNKNOWN], Valid.UNKNOWN),
        ([UNKNOWN, INVALID], Valid.NO),
        ([], Valid.UNKNOWN),
    ],
)
def test_the_worst_verdict_counts(verdicts: list[Verdict], expected: Valid) -> None:
    assert compose(verdicts) is expected
