import pytest

from harness.history.percentile import percentile, place


@pytest.mark.parametrize(
    ("count", "share", "expected"),
    [(1, 0.5, 0), (2, 0.5, 0), (3, 0.5, 1), (4, 0.99, 3), (99, 0.99, 98), (100, 0.99, 98), (101, 0.99, 99)],
)
def test_it_is_the_smallest_that_so_many_do_not_exceed(count: int, share: float, expected: int) -> None:
    assert place(count, share) == expected


def test_it_is_a_value_that_was_measured() -> None:
    assert percentile([1.0, 2.0, 3.0, 40.0], 0.5) == 2.0
    assert percentile([1.0, 2.0, 3.0, 40.0], 0.99) == 40.0
