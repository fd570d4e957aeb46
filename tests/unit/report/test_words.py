import pytest

from harness import faults
from harness.checkers import CHECKERS, Verdict
from harness.checkers.trial import Trial
from harness.history.accounting import Bin, Extra, account
from harness.history.hops import HOPS
from harness.report.words import (
    BINS,
    CLAIMS,
    EXTRAS,
    FAULTS,
    STEPS_OF_THE_LINE,
    headline,
    in_short,
    listed,
    on_trial,
    trial_words,
)
from tests.histories.clean import clean_run
from tests.histories.literal import a_history, applied, committed, emitted, started, subscribed
from tests.mutants.test_mutants import the_server_loses_a_frame


def test_every_name_has_its_words() -> None:
    assert set(BINS) == set(Bin)
    assert set(EXTRAS) == set(Extra)
    assert set(CLAIMS) == {*CHECKERS, "story"}
    assert tuple(STEPS_OF_THE_LINE) == HOPS
    assert set(FAULTS) == {*faults.FAULTS, "disconnect"}


def test_a_clean_run_in_short() -> None:
    assert in_short(account(clean_run())) == (
        "94 deliveries were owed to 2 readers: 86 came live, 8 through a fetch. None is missing or late."
    )


def test_a_loss_in_short() -> None:
    assert in_short(account(the_server_loses_a_frame(clean_run()))).endswith("Not as they should be: 1 lost silent.")


def test_what_came_too_much_is_told_in_short() -> None:
    again = a_history(
        started(), subscribed("r"), emitted(1), committed(1), applied("r", sequence=1), applied("r", sequence=1)
    )

    assert in_short(account(again)) == (
        "1 deliveries were owed to 1 reader: 1 came live. None is missing or late. What came besides: 1 duplicate."
    )


HELD = Verdict.of([], looked_at=1)
BROKEN = Verdict.invalid()
OPEN = Verdict.unknown("nothing was there")


@pytest.mark.parametrize(
    ("verdicts", "words"),
    [
        ({"a": HELD, "b": HELD}, "Every claim held."),
        ({"a": HELD, "b": BROKEN, "c": OPEN}, "A claim was broken: b."),
        ({"a": BROKEN, "b": BROKEN, "c": OPEN}, "2 of 3 claims were broken: a and b."),
        ({"a": HELD, "b": OPEN}, "It could not be judged: b."),
        ({}, "It could not be judged."),
    ],
)
def test_the_headline_names_the_claims_that_did_not_hold(verdicts: dict[str, Verdict], words: str) -> None:
    assert headline(verdicts) == words


def test_lists_are_for_people() -> None:
    names = ["a", "b", "c", "d", "e", "f"]

    assert [listed(names[:count]) for count in (1, 2, 3, 5, 6)] == [
        "a",
        "a and b",
        "a, b and c",
        "a, b, c, d and e",
        "a, b, c, d and 2 more",
    ]


def test_judges_that_were_tried_are_said_to_be_so(monkeypatch: pytest.MonkeyPatch) -> None:
    trials = {
        "good": Trial(bug="b", convicted=True, acquitted=True),
        "bad": Trial(bug="b", convicted=True, acquitted=False),
    }
    monkeypatch.setattr("harness.report.words.trial", trials.get)

    assert on_trial({"good": HELD, "story": OPEN}) == (
        "This judge was tried: convicted a run with a planted bug, acquitted the same run without it."
    )
    assert on_trial({"good": HELD, "bad": BROKEN}).startswith("Do not believe bad: ")
    assert on_trial({"story": OPEN}) == ""


def test_a_trial_is_told_in_a_sentence() -> None:
    trial = Trial(bug="an event is late", convicted=True, acquitted=False)

    assert trial_words(trial) == (
        "This judge was tried: it convicted a run in which an event is late, and did NOT acquit the same run without "
        "that."
    )
