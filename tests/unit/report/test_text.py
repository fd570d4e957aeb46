from collections.abc import Sequence

from harness.checkers import CHECKERS, Finding, Verdict, judge
from harness.history import History
from harness.history.accounting import account
from harness.report.text import coloured, summary, wrapped
from tests.histories.clean import clean_run
from tests.histories.literal import a_history, applied, committed, emitted, inserted, started, subscribed
from tests.mutants.test_mutants import recovery_skips_the_gap, the_server_loses_a_frame

CLOCK = {"pace": 2.5, "time_factor": 5.0}
HEADER = {"scenario": "two", "seed": 3, "backend": "memory", "app": "as-specified", "debounce": "off", **CLOCK}


def told(history: History, names: Sequence[str] = tuple(CHECKERS)) -> str:
    verdicts = judge({name: CHECKERS[name]() for name in names}, history)
    return summary(HEADER, history, verdicts, account(history), report="runs/latest/report.html")


def test_a_small_run_is_told_whole() -> None:
    history = a_history(
        started(at=0.0),
        subscribed("r1"),
        emitted(1, at=1.0),
        inserted(1),
        committed(1),
        emitted(2),
        committed(2),
        applied("r1", sequence=2),
    )

    names = ["accounting", "order", "content", "convergence", "row_security"]

    assert told(history, names).splitlines() == [
        "✗ invalid  two, seed 3, on memory, app as-specified, debounce off, pace 2.5, time factor 5",
        "  A claim was broken: accounting. 2 deliveries were owed to 1 reader: 1 came live. Not as they "
        "should be: 1 lost silent.",
        "  The application under test does what the specification says, to the letter: it is the accused. Times are of "
        "the run's clock, 5 times as fast as real time. Waiting times of story and application were divided by 2.5.",
        "",
        "  ✗ accounting    invalid  1 finding in 2 looked at",
        "  ✓ order         valid    no findings in 1 looked at",
        "  ✓ content       valid    no findings in 1 looked at",
        "  ? convergence   unknown  the system did not come to rest: the history has no `settle` that ended well",
        "  ? row_security  unknown  the history has nothing that this checker looks at",
        "  These judges were tried: convicted a run with a planted bug, acquitted the same run without it.",
        "",
        "  accounting:",
        "    lost silent: r1 never applied event 1 (step_update) of article, which was committed at 1.000 s. It was "
        "last seen at commit (1.000 s) and never at apply (the reader's state has it): lost between the two.",
        "",
        "               r1  all",
        "  lost silent   1    1",
        "  delivered     1    1",
        "  owed          2    2",
        "",
        "  2 events of 1 types: step_update 2",
        "",
        "  report: runs/latest/report.html",
    ]


def test_a_clean_run_has_nothing_to_complain_of() -> None:
    text = told(clean_run())

    assert text.startswith(
        "✓ valid  two, seed 3, on memory, app as-specified, debounce off, pace 2.5, time factor 5\n"
        "  Every claim held. 94 deliveries were owed to 2 readers"
    )
    assert "None is missing or late." in text


def test_a_history_without_events_is_told() -> None:
    assert "no event was owed to anybody" in told(History())


def test_colour_changes_no_letter() -> None:
    text = told(the_server_loses_a_frame(clean_run()))

    dressed = coloured(text)

    assert dressed.plain == text
    assert {"green", "bold red"} <= {str(span.style) for span in dressed.spans}


def test_many_findings_of_one_kind_are_one_story_with_a_count() -> None:
    text = told(recovery_skips_the_gap(clean_run()), ["accounting"])

    found = [line for line in text.splitlines() if "reader-2 never applied" in line]
    assert [line.partition(" (5 ")[0] for line in found] == [
        "    lost silent: reader-2 never applied event 1 (process_created) of article, which was committed at 0.202 s. "
        "It was last seen at authorise (0.219 s) and never at dispatch (it is assigned to a socket): lost between the "
        'two. The client said "connecting" then and "live" at the end, and was told of nothing.',
        "    lost silent (6 findings): reader-2 never applied 6 events of article, 30 to 35",
    ]


def test_many_stories_are_cut_and_counted() -> None:
    verdicts = {"order": Verdict.invalid(*(Finding(f"odd_{number}") for number in range(7)))}

    text = summary(HEADER, History(), verdicts, account(History()))

    assert [line.strip() for line in text.splitlines() if "odd 4" in line] == ["odd 4: odd 4."]
    assert "odd 5" not in text
    assert "… and 2 more stories: the report has them" in text


def test_of_many_readers_the_table_has_the_sums_only() -> None:
    readers = [f"reader-{number}" for number in range(20)]
    history = a_history(started(at=0.0), *map(subscribed, readers), emitted(1, at=1.0), committed(1))

    text = told(history, ["accounting"])

    assert "\n               all\n  lost silent   20\n  owed          20\n" in text
    assert "  20 readers: the report has each by itself" in text


def test_a_narrow_terminal_breaks_no_word_and_loses_none() -> None:
    text = told(the_server_loses_a_frame(clean_run()))

    folded = wrapped(text, 80)

    assert max(map(len, folded.splitlines())) <= 80
    assert folded.split() == text.split()
    assert "\n      " in folded


def test_a_wide_terminal_changes_nothing_and_a_long_id_is_not_broken() -> None:
    text = told(clean_run())

    assert wrapped(text, 1000) == text
    assert wrapped(f"  {'x' * 90} and more", 50).splitlines() == [f"  {'x' * 90}", "    and more"]
