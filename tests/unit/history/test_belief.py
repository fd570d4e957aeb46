import pytest

from harness.history.belief import Belief, beliefs
from tests.histories.literal import a_history, an_op


def test_overlapping_gaps_become_one() -> None:
    gaps = [an_op("r", "gap", process_id="p1", after=a, before=b) for a, b in ((7, 9), (1, 4), (2, 6))]

    assert beliefs(a_history(*gaps)) == {("r", "p1"): Belief(gaps=((1, 6), (7, 9)))}


@pytest.mark.parametrize(("sequence", "told"), [(1, False), (2, True), (5, True), (6, False), (7, False), (8, True)])
def test_a_sequence_between_the_ends_of_a_gap_is_told_of(sequence: int, told: bool) -> None:
    assert Belief(gaps=((1, 6), (7, 9))).tells_of(sequence) is told


def test_neighbouring_gaps_do_not_swallow_the_event_between_them() -> None:
    gaps = [an_op("r", "gap", process_id="p1", after=a, before=b) for a, b in ((1, 3), (3, 5))]

    belief = beliefs(a_history(*gaps))["r", "p1"]

    assert [belief.tells_of(sequence) for sequence in (2, 3, 4)] == [True, False, True]


def test_the_last_status_before_the_view_counts() -> None:
    ops = [an_op("r", "status", process_id="p1", status=status) for status in ("connecting", "live")]

    assert beliefs(a_history(*ops))["r", "p1"].status == "live"


def test_a_reader_that_subscribed_again_is_listened_to_again() -> None:
    ops = [
        an_op("r", "view", process_id="p1"),
        an_op("r", "subscribe", process_id="p1"),
        an_op("r", "status", process_id="p1", status="stale"),
    ]

    assert beliefs(a_history(*ops))["r", "p1"].status == "stale"


def test_without_a_sequence_only_the_status_tells() -> None:
    assert not Belief(status="live", gaps=((0, 9),)).tells_of(None)
    assert Belief(status="stale").tells_of(None)
