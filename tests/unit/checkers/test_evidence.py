from harness.checkers.evidence import in_order
from tests.histories.literal import a_history, an_op


def test_ops_are_told_once_each_and_in_their_order() -> None:
    first, second = a_history(an_op("a", "view", sections=[]), an_op("b", "view", sections=[]))

    assert in_order(second, None, first, second) == (first, second)
    assert in_order(None) == ()
