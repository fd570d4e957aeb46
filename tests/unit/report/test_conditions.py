import pytest

from harness.report.conditions import notes, run_words

OLD = {"scenario": "two", "seed": 3, "backend": "memory"}


def test_a_run_is_named_with_all_that_its_header_tells() -> None:
    told = {**OLD, "app": "as-specified", "debounce": "off", "pace": 1.0, "time_factor": 5.0}

    assert run_words(told) == "two, seed 3, on memory, app as-specified, debounce off, pace 1, time factor 5"


def test_an_old_header_tells_less() -> None:
    assert run_words(OLD) == "two, seed 3, on memory"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, ""),
        ({"time_factor": 1.0, "pace": 1.0, "app": "http://elsewhere"}, ""),
        ({"app": "reference"}, "The application under test is our reference."),
        (
            {"app": "as-specified", "time_factor": 2.5},
            "The application under test does what the specification says, to the letter: it is the accused. "
            "Times are of the run's clock, 2.5 times as fast as real time.",
        ),
        ({"pace": 10}, "Waiting times of story and application were divided by 10."),
        ({"time_factor": "fast"}, ""),
    ],
)
def test_what_a_reader_must_know_of_app_and_clock_is_explained(settings: dict[str, object], words: str) -> None:
    assert notes({**OLD, **settings}) == words
