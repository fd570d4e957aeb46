import pytest

from harness.checkers import CHECKERS, Finding, Order, Verdict
from harness.checkers.trial import Case, Trial, applied, published, try_out, watched
from harness.checkers.trials import TRIALS, trial
from harness.history import History

CASE = Case(bug="it is late", common=watched(), wrong=(applied(9.0, 1),), right=(applied(1.0, 1),))


class Convicts:
    def check(self, history: History) -> Verdict:
        return Verdict.invalid(Finding("guilty"))


class Acquits:
    def check(self, history: History) -> Verdict:
        return Verdict.of((), looked_at=1)


class Crashes:
    def check(self, history: History) -> Verdict:
        raise KeyError("sequence")


@pytest.mark.parametrize("name", CHECKERS)
def test_every_checker_passes_its_trial(name: str) -> None:
    tried = trial(name)

    assert tried == Trial(bug=TRIALS[name].bug, convicted=True, acquitted=True)
    assert tried.passed


def test_what_is_no_checker_has_no_trial() -> None:
    assert trial("story") is None
    assert set(TRIALS) <= set(CHECKERS)


def test_who_convicts_everybody_has_failed() -> None:
    tried = try_out("convicts", Convicts(), CASE)

    assert tried == Trial(bug="it is late", convicted=True, acquitted=False)
    assert not tried.passed


def test_who_acquits_everybody_has_failed() -> None:
    assert try_out("acquits", Acquits(), CASE) == Trial(bug="it is late", convicted=False, acquitted=True)


def test_who_crashes_has_failed() -> None:
    assert not try_out("crashes", Crashes(), CASE).passed


def test_who_finds_nothing_to_look_at_has_failed() -> None:
    nothing = Case(bug="nothing", common=watched())

    assert try_out("order", Order(), nothing) == Trial(bug="nothing", convicted=False, acquitted=False)


def test_a_case_is_told_in_the_order_of_its_times() -> None:
    run = Case(bug="", common=(applied(3.0, 1), *published(1.0, 1))).guilty

    assert [(op.index, op.f) for op in run] == [(0, "emit"), (1, "insert"), (2, "commit"), (3, "apply")]


def test_the_two_versions_differ() -> None:
    assert [name for name, case in TRIALS.items() if case.guilty[:] == case.innocent[:]] == []
