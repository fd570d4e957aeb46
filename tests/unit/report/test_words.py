from harness.checkers import CHECKERS
from harness.history.accounting import Bin, Extra, account
from harness.history.hops import HOPS
from harness.report.words import BINS, CLAIMS, EXTRAS, STEPS_OF_THE_LINE, in_short
from tests.histories.clean import clean_run
from tests.mutants.test_mutants import the_server_loses_a_frame


def test_every_name_has_its_words() -> None:
    assert set(BINS) == set(Bin)
    assert set(EXTRAS) == set(Extra)
    assert set(CLAIMS) == {*CHECKERS, "story"}
    assert tuple(STEPS_OF_THE_LINE) == HOPS


def test_a_clean_run_in_short() -> None:
    assert in_short(account(clean_run())) == (
        "94 deliveries were owed to 2 readers: 86 came live, 8 through a fetch. "
        "Nothing is missing, late or out of order."
    )


def test_a_loss_in_short() -> None:
    assert in_short(account(the_server_loses_a_frame(clean_run()))).endswith("Not as they should be: 1 lost silent.")
