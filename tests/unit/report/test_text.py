from collections.abc import Sequence

from harness.checkers import CHECKERS, judge
from harness.history import History
from harness.history.accounting import account
from harness.report.text import coloured, summary
from tests.histories.clean import clean_run
from tests.histories.literal import a_history, applied, committed, emitted, inserted, started, subscribed
from tests.mutants.test_mutants import recovery_skips_the_gap, the_server_loses_a_frame

HEADER = {"scenario": "two", "seed": 3, "backend": "memory", "pace": 2.5}


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
        "✗ invalid  two, seed 3, on memory, pace 2.5",
        "  A claim was broken. 2 deliveries were owed to 1 reader: 1 came live. Not as they should be: 1 lost silent.",
        "",
        "  ✗ accounting    invalid  1 finding in 2 looked at",
        "  ✓ order         valid    no findings in 1 looked at",
        "  ✓ content       valid    no findings in 1 looked at",
        "  ? convergence   unknown  the system did not come to rest: the history has no `settle` that ended well",
        "  ? row_security  unknown  the history has nothing that this checker looks at",
        "",
        "  accounting:",
        "    lost silent: r1 never applied event 1 (step_update) of article, which was committed at 1.000 s. It was "
        "last seen at commit (1.000 s) and never at apply: lost between the two.",
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
        "✓ valid  two, seed 3, on memory, pace 2.5\n  Every claim held. 94 deliveries were owed to 2 readers"
    )
    assert "Nothing is missing, late or out of order." in text


def test_a_history_without_events_is_told() -> None:
    assert "no event was owed to anybody" in told(History())


def test_colour_changes_no_letter() -> None:
    text = told(the_server_loses_a_frame(clean_run()))

    dressed = coloured(text)

    assert dressed.plain == text
    assert {"green", "bold red"} <= {str(span.style) for span in dressed.spans}


def test_many_findings_are_cut_and_counted() -> None:
    text = told(recovery_skips_the_gap(clean_run()))

    assert "… and 2 more" in text
