"""The judgement of a step, and which load a search tries next."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from load.judging.knee import GENERATOR_LATE, GROWS, LOST, READERS_BUSY, SLOW, Course, Hold, Knee, Search, Step, judge

FINE = Course(offered=100.0, delivered=200.0, p50=0.05, p99=0.2, bound="engine (0.50 cores)")


def step(value: float, *limits: str, unknown: bool = False) -> Step:
    return Step(
        value=value,
        offered=value,
        delivered=value,
        p50=0.1,
        p99=0.2,
        p99_low=0.1,
        p99_high=0.3,
        limits=limits,
        bound="",
        unknown=unknown,
    )


def searched(
    answer: Callable[[float], Step], *, least: float = 10.0, most: float = 1000.0, whole: bool = False
) -> Knee:
    """The whole search against a system that answers so; it must come to an end."""
    search = Search(least=least, most=most, whole=whole)
    for _ in range(100):
        match search.next():
            case None:
                return search.found(varied="rate", slo=1.0)
            case Hold(value=value) | value:
                search.took(answer(value))
    raise AssertionError("it does not end")


def carries(up_to: float) -> Callable[[float], Step]:
    return lambda value: step(value) if value <= up_to else step(value, SLOW)


def generator_until(late_from: float, up_to: float) -> Callable[[float], Step]:
    def answer(value: float) -> Step:
        return step(value, GENERATOR_LATE, unknown=True) if value >= late_from else carries(up_to)(value)

    return answer


def test_a_step_within_all_limits_is_carried() -> None:
    assert judge(10.0, FINE, slo=1.0) == Step(
        value=10.0,
        offered=100.0,
        delivered=200.0,
        p50=0.05,
        p99=0.2,
        p99_low=None,
        p99_high=None,
        limits=(),
        bound="engine (0.50 cores)",
    )


@pytest.mark.parametrize(
    ("course", "limits"),
    [
        (Course(p99=1.1), (SLOW,)),
        (Course(p99=0.9, slow_at=4.0), ()),
        (Course(p99=0.9, lost_at=3.0), (LOST,)),
        (Course(p99=0.9, grows_at=5.0), (GROWS,)),
        (Course(p99=1.1, slow_at=6.0, grows_at=4.0), (GROWS, SLOW)),
        (Course(p99=1.1, slow_at=4.0, grows_at=4.0, lost_at=4.0), (LOST, SLOW, GROWS)),
        (Course(p99=1.1, slow_at=None, grows_at=4.0), (GROWS, SLOW)),
        (Course(p99=None, lost_at=0.0), (LOST,)),
        (Course(p99=0.2, unexpected=("text kept %", "order")), ("not as expected: text kept %, order",)),
        (Course(p99=1.1, unexpected=("order",), slow_at=3.0), (SLOW, "not as expected: order")),
    ],
)
def test_the_first_limit_is_the_one_that_was_reached_first(course: Course, limits: tuple[str, ...]) -> None:
    found = judge(10.0, course, slo=1.0)

    assert (found.limits, found.unknown, found.carried) == (limits, False, not limits)


def test_a_late_generator_says_nothing_of_the_system_whatever_else_was_reached() -> None:
    found = judge(10.0, Course(p99=5.0, lost_at=1.0, unknown=GENERATOR_LATE), slo=1.0)

    assert (found.limits, found.unknown) == ((GENERATOR_LATE,), True)


def test_what_readers_without_a_free_processor_saw_late_is_not_held_against_the_system() -> None:
    found = judge(10.0, Course(p99=5.0, busy=True), slo=1.0)

    assert (found.limits, found.unknown) == ((READERS_BUSY, SLOW), True)


def test_what_busy_readers_saw_in_time_is_carried() -> None:
    assert judge(10.0, Course(p99=0.1, busy=True), slo=1.0).carried


@given(knee=st.floats(min_value=10.0, max_value=900.0))
def test_the_knee_is_found_to_within_five_per_cent_and_held(knee: float) -> None:
    found = searched(carries(knee))

    assert found.knee is not None
    assert found.beyond is not None
    assert found.knee <= knee < found.beyond.value <= 1.05 * found.knee
    assert (found.first_limit, found.found, found.exit_code) == (SLOW, True, 0)
    assert found.held is not None
    assert found.held.value == pytest.approx(0.8 * found.knee)
    assert len(found.steps) <= 8 + 4


@given(knee=st.integers(min_value=2, max_value=200))
def test_writers_are_whole_and_the_last_one_too_many_is_found(knee: int) -> None:
    found = searched(carries(knee), least=2.0, most=256.0, whole=True)

    assert all(each.value == int(each.value) for each in found.steps)
    assert found.knee is not None
    assert found.beyond is not None
    assert found.knee <= knee < found.beyond.value
    assert found.beyond.value <= max(found.knee + 1, 1.05 * found.knee)


def test_steps_double_and_then_close_in() -> None:
    found = searched(carries(50.0))

    assert [each.value for each in found.steps] == [10.0, 20.0, 40.0, 80.0, 56.6, 47.6, 51.9, 49.7]
    assert (found.knee, found.beyond and found.beyond.value) == (49.7, 51.9)


def test_a_load_that_is_never_too_much_is_the_least_that_is_carried() -> None:
    found = searched(carries(5000.0), most=100.0)

    assert [each.value for each in found.steps] == [10.0, 20.0, 40.0, 80.0, 100.0]
    assert (found.knee, found.first_limit, found.found, found.exit_code) == (100.0, None, False, 2)
    assert found.held is not None


def test_the_least_load_that_is_not_carried_ends_the_search() -> None:
    found = searched(carries(1.0))

    assert [each.value for each in found.steps] == [10.0]
    assert (found.knee, found.first_limit, found.held, found.exit_code) == (None, SLOW, None, 2)


def test_a_generator_that_is_late_bounds_the_search_and_is_no_knee() -> None:
    found = searched(generator_until(100.0, up_to=5000.0))

    assert found.knee is not None
    assert 95.0 < found.knee < 100.0
    assert (found.first_limit, found.found, found.exit_code) == (GENERATOR_LATE, False, 2)


def test_a_knee_below_what_the_generator_can_do_is_found_all_the_same() -> None:
    found = searched(generator_until(70.0, up_to=50.0))

    assert (found.knee, found.first_limit, found.found) == (49.7, SLOW, True)


def test_a_step_that_says_nothing_once_is_tried_again() -> None:
    asked: list[float] = []

    def answer(value: float) -> Step:
        asked.append(value)
        return step(value, GENERATOR_LATE, unknown=True) if asked.count(value) == 1 and value > 30 else step(value)

    found = searched(answer, most=40.0)

    assert asked == [10.0, 20.0, 40.0, 40.0, 32.0, 32.0]
    assert (found.knee, found.beyond, found.held) == (40.0, None, step(32.0))


def test_a_knee_that_does_not_hold_is_told() -> None:
    found = searched(lambda value: step(value, GROWS) if 39.0 < value < 39.9 else carries(50.0)(value))

    assert found.held == step(0.8 * 49.7, GROWS)
    assert (found.knee, found.found, found.exit_code) == (49.7, True, 1)


def test_a_load_that_is_not_held_is_a_failure_wherever_the_search_ended() -> None:
    knee = Knee(varied="rate", slo=1.0, steps=(step(10.0), step(20.0, SLOW)), knee=10.0, first_limit=SLOW, held=None)

    codes = [
        Knee(varied="rate", slo=1.0, steps=steps, knee=10.0, first_limit=None, held=held).exit_code
        for steps, held in (
            (knee.steps, step(8.0)),
            (knee.steps, step(8.0, GROWS)),
            (knee.steps, step(8.0, GENERATOR_LATE, unknown=True)),
            ((step(10.0),), step(8.0, GROWS)),
            ((step(10.0),), step(8.0)),
        )
    ]

    assert (codes, knee.exit_code) == ([0, 1, 2, 1, 2], 2)
