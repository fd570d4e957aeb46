from harness.checkers import Finding, Order, Valid, Verdict
from tests.histories.literal import a_history, an_op, applied, committed, emitted, row


def test_a_swapped_pair_is_convicted() -> None:
    history = a_history(applied("reader", sequence=2), applied("reader", sequence=1))

    assert Order().check(history) == Verdict.invalid(Finding("inverted", history[0:2]))


def test_a_lost_event_is_not_an_inversion() -> None:
    history = a_history(applied("reader", sequence=1), applied("reader", sequence=3))

    assert Order().check(history).valid is Valid.YES


def test_a_history_without_applied_events_is_unknown() -> None:
    assert Order().check(a_history()).valid is Valid.UNKNOWN


def test_an_event_applied_again_at_once_is_no_inversion() -> None:
    history = a_history(applied("reader", sequence=1), applied("reader", sequence=1))

    assert Order().check(history).valid is Valid.YES


def test_readers_and_processes_are_judged_apart() -> None:
    history = a_history(applied("a", sequence=2), applied("b", sequence=1), applied("a", sequence=1, process="p2"))

    assert Order().check(history).valid is Valid.YES


def test_an_order_that_the_application_did_not_mean_is_convicted() -> None:
    history = a_history(
        emitted(1, intent=2), emitted(2, intent=1), applied("reader", sequence=1), applied("reader", sequence=2)
    )

    assert Order().check(history) == Verdict.invalid(Finding("against_intent", history[2:4]))


def test_an_order_that_is_not_that_of_the_commits_is_convicted() -> None:
    history = a_history(committed(2), committed(1), applied("reader", sequence=1), applied("reader", sequence=2))

    assert Order().check(history) == Verdict.invalid(Finding("against_commit", history[2:4]))


def test_commits_without_lsn_have_no_order() -> None:
    history = a_history(
        committed(2, lsn=""), committed(1, lsn=""), applied("reader", sequence=1), applied("reader", sequence=2)
    )

    assert Order().check(history).valid is Valid.YES


def test_a_later_change_of_an_events_row_has_no_say_in_the_order() -> None:
    acknowledged = an_op("witness", "commit", lsn="0/9", **{**row(1), "action": "UPDATE"})
    history = a_history(
        committed(1), committed(2), acknowledged, applied("reader", sequence=1), applied("reader", sequence=2)
    )

    assert Order().check(history).valid is Valid.YES


def test_a_page_that_is_mounted_anew_begins_anew() -> None:
    anew = an_op("reader", "remount", process_id="p1")
    history = a_history(applied("reader", sequence=2), anew, applied("reader", sequence=1, via="fetch"))

    assert Order().check(history).valid is Valid.YES


def test_an_event_that_nobody_meant_does_not_hide_a_swapped_pair() -> None:
    history = a_history(
        *(emitted(1, intent=3), emitted(3, intent=1)),
        *(applied("reader", sequence=sequence) for sequence in (1, 2, 3)),
    )

    assert Order().check(history) == Verdict.invalid(Finding("against_intent", (history[2], history[4])))


def test_nor_does_one_whose_commit_has_no_place() -> None:
    history = a_history(
        *(committed(3), committed(2, lsn=""), committed(1)),
        *(applied("reader", sequence=sequence) for sequence in (1, 2, 3)),
    )

    assert Order().check(history) == Verdict.invalid(Finding("against_commit", (history[3], history[5])))
