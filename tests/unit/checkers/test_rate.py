import pytest

from harness.checkers.rate import busiest
from tests.histories.literal import a_history, an_op


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ([], []),
        ([5.0], [5.0]),
        ([1.0, 2.0, 3.0], [1.0]),
        ([1.0, 3.0, 3.5, 3.75, 9.0], [3.0, 3.5, 3.75]),
        ([1.5, 1.75, 2.25, 2.5, 3.0], [1.5, 1.75, 2.25]),
    ],
    ids=["none", "one", "a second apart is not within it", "the most", "any second, the first of several"],
)
def test_the_busiest_second_is_found(times: list[float], expected: list[float]) -> None:
    ops = list(a_history(*(an_op("r", "join", at=at) for at in times)))

    assert [op.time for op in busiest(ops, 1.0)] == expected
