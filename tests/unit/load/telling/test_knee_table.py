"""A search as text."""

import csv

from load.judging.knee import GENERATOR_LATE, GROWS, SLOW, Knee, Step
from load.telling.knee_table import agreement, comma_separated, difference, exit_code, line, markdown, sentence, text


def step(value: float, *limits: str, unknown: bool = False) -> Step:
    return Step(
        value=value,
        offered=4 * value,
        delivered=8 * value,
        p50=0.05,
        p99=0.2,
        p99_low=0.15,
        p99_high=0.3,
        limits=limits,
        bound="engine (0.80 cores)",
        unknown=unknown,
    )


def knee(*steps: Step, at: float | None, limit: str | None, held: Step | None = None, varied: str = "rate") -> Knee:
    return Knee(varied=varied, slo=1.0, steps=steps, knee=at, first_limit=limit, held=held)


FOUND = knee(step(50), step(52, GROWS, SLOW), at=50, limit=GROWS, held=step(40))
BOUNDED = knee(step(50), step(52, GENERATOR_LATE, unknown=True), at=50, limit=GENERATOR_LATE, held=step(40))
OPEN = knee(step(50), at=50, limit=None, held=step(40), varied="writers")


def test_each_step_is_a_line_and_the_hold_the_last() -> None:
    lines = text(FOUND).splitlines()

    assert [" ".join(each.split()) for each in lines] == [
        "step load offered/s deliveries/s p50 ms p99 ms 95 % of p99 busiest",
        "1 50 200.0 400 50 200 150–300 engine (0.80 cores) carried",
        "2 52 208.0 416 50 200 150–300 engine (0.80 cores) not carried: backlog grows, delivery p99 over the SLO",
        "held 40 160.0 320 50 200 150–300 engine (0.80 cores) carried",
        "",
        sentence(FOUND),
    ]


def test_a_knee_is_told_with_what_came_first_beyond_it() -> None:
    assert sentence(FOUND) == (
        "The knee is 50 events/s of each writer; the first limit beyond it, at 52: backlog grows. "
        "Held at 40 (80 %): carried."
    )


def test_what_the_generator_bounds_is_not_told_as_a_knee_of_the_system() -> None:
    assert sentence(BOUNDED) == (
        "The knee is at least 50 events/s of each writer; beyond it the load generator is the limit (generator late), "
        "no knee of the system was found. Held at 40 (80 %): carried."
    )


def test_what_was_not_the_generator_is_not_told_as_its_limit() -> None:
    found = knee(step(50), step(52, "it was not judged", unknown=True), at=50, limit="it was not judged")

    assert sentence(found) == (
        "The knee is at least 50 events/s of each writer; beyond it nothing can be said (it was not judged), "
        "no knee of the system was found."
    )


def test_what_ended_without_a_limit_says_so() -> None:
    assert sentence(OPEN) == (
        "The knee is at least 50 writers: the search ended there and found no limit. Held at 40 (80 %): carried."
    )


def test_no_knee_and_no_hold_are_told() -> None:
    none = knee(step(10, SLOW), at=None, limit=SLOW)
    broken = knee(step(50), step(52, SLOW), at=50, limit=SLOW, held=step(40, GROWS))
    doubtful = knee(step(50), step(52, SLOW), at=50, limit=SLOW, held=step(40, GENERATOR_LATE, unknown=True))

    assert sentence(none).endswith("not even 10 events/s of each writer could be said to be carried (" + SLOW + ").")
    assert sentence(broken).endswith("Held at 40 (80 %): NOT carried (backlog grows).")
    assert sentence(doubtful).endswith("Held at 40 (80 %): nothing can be said (generator late).")


def test_a_step_without_deliveries_has_no_times() -> None:
    nothing = Step(
        value=5.0, offered=0.0, delivered=0.0, p50=None, p99=None, p99_low=None, p99_high=None,
        limits=("it was not judged",), bound="", unknown=True,
    )  # fmt: skip

    assert line(nothing) == ("5: 0.0/s offered, 0/s delivered, p50 – ms, p99 – ms (–), unknown: it was not judged")


def test_the_file_for_ci_has_all_digits() -> None:
    rows = list(csv.DictReader(comma_separated(FOUND).splitlines()))

    assert rows[1] == {
        "step": "2",
        "value": "52",
        "offered": "208",
        "delivered": "416",
        "p50": "0.05",
        "p99": "0.2",
        "p99_low": "0.15",
        "p99_high": "0.3",
        "bound": "engine (0.80 cores)",
        "verdict": "not carried",
        "limits": "backlog grows; delivery p99 over the SLO",
    }
    assert [row["step"] for row in rows] == ["1", "2", "held"]


def test_the_page_for_ci_has_the_same_table() -> None:
    assert "| 1 | 50 | 200.0 | 400 | 50 | 200 | 150–300 | engine (0.80 cores) | carried |" in markdown(FOUND)


def test_two_searches_agree_within_a_fifth() -> None:
    near = knee(step(55), step(57, SLOW), at=55, limit=SLOW, held=step(44))
    far = knee(step(65), step(67, SLOW), at=65, limit=SLOW, held=step(52))

    assert difference([FOUND, near]) == 55 / 50 - 1
    assert agreement([FOUND, near]) == "2 searches on fresh stacks differ by 10.0 %."
    assert "cannot be said" in agreement([FOUND, far])
    assert agreement([FOUND, BOUNDED]).startswith("Not every search found a knee")
    assert [exit_code(each) for each in ([FOUND], [FOUND, near], [FOUND, far], [FOUND, BOUNDED], [OPEN])] == [
        0, 0, 2, 2, 2,
    ]  # fmt: skip


def test_one_knee_that_is_not_held_fails_all() -> None:
    broken = knee(step(50), step(52, SLOW), at=50, limit=SLOW, held=step(40, GROWS))

    assert (exit_code([broken]), exit_code([FOUND, broken]), exit_code([BOUNDED, broken])) == (1, 1, 1)
