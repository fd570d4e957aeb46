import pytest

from harness.checkers import CHECKERS, Finding, Valid, judge
from harness.report.explain import Circumstances, explain
from tests.histories.clean import clean_run
from tests.histories.literal import a_history, an_op
from tests.mutants.mutant import Mutant
from tests.mutants.test_mutants import MUTANTS, recovery_skips_the_gap

NOWHERE = Circumstances(processes={}, windows=(), said={})


def test_a_loss_names_the_fault_the_stretch_and_what_the_client_believed() -> None:
    history = recovery_skips_the_gap(clean_run())
    finding = CHECKERS["accounting"]().check(history).findings[-1]

    text = explain(finding, Circumstances.of(history))

    assert "reader-2 never applied event" in text
    assert "lost between the two" in text
    assert "the fault disconnect held on reader-2 from 14.12 to" in text
    assert "reader-2 was offline from 14.12 to" in text
    assert 'The client said "offline" then and "live" at the end, and was told of nothing.' in text


@pytest.mark.parametrize("mutant", [one for one in MUTANTS if one.says is Valid.NO], ids=lambda mutant: mutant.bug)
def test_every_finding_of_our_checkers_has_words_of_its_own(mutant: Mutant) -> None:
    history = mutant.change(clean_run())
    findings = [
        finding
        for verdict in judge({name: checker() for name, checker in CHECKERS.items()}, history).values()
        for finding in verdict.findings
    ]

    texts = [explain(finding, Circumstances.of(history)) for finding in findings]

    assert texts
    assert not [text for text in texts if "(reader: " in text]


def test_another_finding_is_told_by_its_data() -> None:
    op = an_op("r", "apply", at=2.0)

    assert explain(Finding("came_twice", (op,), {"reader": "r"}), NOWHERE) == "came twice at 2.000 s (reader: r)."
    assert explain(Finding("odd"), NOWHERE) == "odd."


def test_a_long_value_is_shortened() -> None:
    assert len(explain(Finding("odd", detail={"value": "x" * 500}), NOWHERE)) < 120


def test_what_a_client_said_is_found_by_time() -> None:
    said = [an_op("r", "status", at=at, status=status) for at, status in ((1.0, "live"), (3.0, "stale"))]
    circumstances = Circumstances.of(a_history(*said, an_op("r", "view", at=9.0)))

    assert [circumstances.status("r", time) for time in (0.5, 1.0, 2.9, 3.5)] == ["", "live", "live", "stale"]


def test_an_article_that_differs_is_told_by_its_hashes() -> None:
    detail = {"reader": "r", "process_id": "p1", "written": "a" * 64, "shown": "b" * 64}

    assert explain(Finding("article_differs", detail=detail), NOWHERE) == (
        "The finished article of p1 has sha256 aaaaaaaaaaaa… in the database; r shows bbbbbbbbbbbb…."
    )


def test_a_loss_after_the_last_observed_hop_has_no_stretch() -> None:
    op = an_op("r", "deliver", at=2.0)
    detail = {
        "reader": "r", "process_id": "p1", "event_type": "heartbeat", "sequence": 3, "last_hop": "deliver",
        "next_hop": None,
    }  # fmt: skip

    assert explain(Finding("lost_silent", (op,), detail), NOWHERE) == (
        "r never applied event 3 (heartbeat) of p1, which was committed at 2.000 s. "
        "It was last seen at deliver (2.000 s)."
    )
