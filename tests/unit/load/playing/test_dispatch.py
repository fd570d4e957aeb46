"""Locust's users go where their share is played."""

from load.playing.dispatch import Dispatch, ramp

COUNTS = {"a": {"Writer": 2, "Reader": 4}, "b": {"Writer": 1, "Reader": 0}}


def test_users_that_may_all_come_at_once_do() -> None:
    assert ramp(COUNTS, 100.0) == [COUNTS]


def test_users_come_at_about_the_rate_and_in_the_end_all_are_there() -> None:
    steps = ramp(COUNTS, 3.5)

    assert steps == [{"a": {"Writer": 1, "Reader": 2}, "b": {"Writer": 1, "Reader": 0}}, COUNTS]


def test_nobody_is_a_dispatch_too() -> None:
    assert ramp({"a": {"Writer": 0}}, 1.0) == [{"a": {"Writer": 0}}]


def test_there_is_a_second_between_steps_and_it_says_that_it_is_busy() -> None:
    slept: list[float] = []
    dispatch = Dispatch(lambda: COUNTS, sleep=slept.append)
    dispatch.new_dispatch(7, 3.5)

    first, busy = next(dispatch), dispatch.dispatch_in_progress
    rest = list(dispatch)

    assert (first["a"]["Reader"], busy, rest, slept) == (2, True, [COUNTS], [1.0])
    assert not dispatch.dispatch_in_progress


def test_who_comes_or_goes_changes_nothing() -> None:
    dispatch = Dispatch(lambda: COUNTS, sleep=lambda _: None)

    dispatch.add_worker(object())
    dispatch.remove_worker(object())
    dispatch.new_dispatch(1, 100.0)

    assert list(dispatch) == [COUNTS]


def test_each_dispatch_asks_anew() -> None:
    counts = dict(COUNTS)
    dispatch = Dispatch(lambda: counts, sleep=lambda _: None)
    dispatch.new_dispatch(7, 100.0)
    list(dispatch)
    del counts["b"]

    dispatch.new_dispatch(7, 100.0)

    assert list(dispatch) == [{"a": COUNTS["a"]}]
