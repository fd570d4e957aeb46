"""What a load run must come to."""

from pathlib import Path

import pytest

from harness.checkers.checker import Finding, Valid, Verdict
from harness.errors import UsageError
from load.judging.figures import LAG_P99, LOST, TEXT_KEPT
from load.judging.thresholds import Bounds, thresholds_for
from load.plan import DEBOUNCES, OTHERS

FINE = Verdict(valid=Valid.YES, looked_at=1)
CONVICTED = Verdict.invalid(Finding("lost_silent"), looked_at=1)
GOOD = {"events offered": 10.0, LAG_P99: 2.0, LOST: 0.0, TEXT_KEPT: 100.0, "coalesced": 5.0, "delivery p99 ms": 90.0}
BAD = {**GOOD, LOST: 4.0, TEXT_KEPT: 60.0}


def said(policy: str, figures: dict[str, float], verdict: Verdict) -> dict[str, Valid]:
    checked = dict.fromkeys(("accounting", "content", "order"), verdict)
    return {name: claim.valid for name, claim in thresholds_for(policy).verdicts(figures, checked)}


@pytest.mark.parametrize("policy", [*DEBOUNCES, *OTHERS])
def test_every_policy_has_thresholds(policy: str) -> None:
    assert LAG_P99 in thresholds_for(policy).figures


@pytest.mark.parametrize("policy", ["off", "lossless"])
def test_a_policy_that_keeps_all_is_as_expected(policy: str) -> None:
    assert set(said(policy, GOOD, FINE).values()) == {Valid.YES}


def test_the_specification_is_as_expected_only_if_it_loses() -> None:
    assert set(said("as-specified", BAD, CONVICTED).values()) == {Valid.YES}
    assert Valid.NO in said("as-specified", GOOD, FINE).values()


@pytest.mark.parametrize("policy", ["lossless", "latest-wins"])
def test_loss_is_convicted_under_any_other_policy(policy: str) -> None:
    claims = said(policy, BAD, CONVICTED)

    assert {name for name, valid in claims.items() if valid is Valid.NO} == {
        LOST,
        TEXT_KEPT,
        "accounting",
        "content",
        "order",
    }


def test_a_late_generator_makes_the_run_unknown() -> None:
    assert said("off", {**GOOD, LAG_P99: 10.1}, FINE)[LAG_P99] is Valid.UNKNOWN
    assert said("off", {**GOOD, LAG_P99: 10.0}, FINE)[LAG_P99] is Valid.YES


def test_what_could_not_be_measured_is_unknown() -> None:
    assert Bounds(at_most=1.0).verdict("delivery p99 ms", None).valid is Valid.UNKNOWN


def test_a_file_that_names_an_unknown_checker_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "thresholds.toml"
    file.write_text('[off]\nacquitted_by = ["acounting"]\n')

    with pytest.raises(UsageError, match="acounting"):
        thresholds_for("off", file)


def test_a_file_with_a_key_that_means_nothing_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "thresholds.toml"
    file.write_text('[off.figures]\n"lost silently" = { at_mots = 0 }\n')

    with pytest.raises(UsageError, match="at_mots"):
        thresholds_for("off", file)
