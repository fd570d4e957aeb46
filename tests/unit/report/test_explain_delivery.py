from typing import Any

import pytest

from harness.checkers import CHECKERS, Finding, judge
from harness.checkers.trials_delivery import DELIVERY
from harness.report.explain import Circumstances, explain
from harness.report.explain_delivery import TELLERS
from tests.histories.literal import a_history, an_op, committed, emitted

EVENT = {"reader": "r", "process_id": "p1", "event_id": "e3", "event_type": "heartbeat", "sequence": 3}
BINDING = {"event": "INSERT", "table": "process_events", "filter": "process_id=eq.p1"}
ROW = {"reader": "r", "handler": 1, "binding": BINDING, "table": "process_events", "action": "INSERT", "row": "e3"}
NOWHERE = Circumstances(processes={"p1": "article"}, windows=(), said={})


def told(what: str, detail: dict[str, Any], *times: float) -> str:
    ops = tuple(an_op("r", "apply", at=at) for at in times)
    return explain(Finding(what, ops, detail), NOWHERE)


@pytest.mark.parametrize(
    ("what", "more", "times", "words"),
    [
        ("applied_twice", {}, (1.0, 2.0), "r applied event 3 (heartbeat) of article at 1.000 s and again at 2.000 s."),
        (
            "same_event_again",
            {"other_event_id": "e2", "other_sequence": 2},
            (1.0, 2.0),
            "r applied event 3 (heartbeat) of article, which is event 2 once more: the same data under another id "
            "(e3 and e2), so that no client can tell them apart.",
        ),
        (
            "lost_before_ready",
            {"topic": "t", "joined_at": 1.0, "committed_at": 2.0, "ready_at": 3.0},
            (1.0,),
            "r never applied event 3 (heartbeat) of article. Its join of t was answered at 1.000 s, the event was "
            "committed at 2.000 s, and it was ready at 3.000 s: what is committed between the two is not delivered, "
            "and the reader did not fetch it.",
        ),
        (
            "lost_before_ready",
            {"topic": "t", "joined_at": 1.0, "committed_at": 2.0, "ready_at": None},
            (1.0,),
            "r never applied event 3 (heartbeat) of article. Its join of t was answered at 1.000 s, the event was "
            "committed at 2.000 s, and it never became ready: what is committed between the two is not delivered, "
            "and the reader did not fetch it.",
        ),
        (
            "not_recovered",
            {"lost_at": 1.0, "back_at": 4.0, "applied_at": 12.5},
            (1.0,),
            "r was cut off at 1.000 s and online again at 4.000 s, and applied only at 12.500 s event 3 (heartbeat) "
            "of article, which was committed by then.",
        ),
        (
            "not_recovered",
            {"lost_at": 1.0, "back_at": 4.0, "applied_at": None},
            (1.0,),
            "r was cut off at 1.000 s and online again at 4.000 s, and never applied event 3 (heartbeat) of article, "
            "which was committed by then.",
        ),
        (
            "applied_again",
            {"lost_at": 2.0, "had_it_before": True},
            (1.0, 4.0),
            "r was cut off at 2.000 s; coming back it applied event 3 (heartbeat) of article at 4.000 s, which it had "
            "before that (1.000 s).",
        ),
        (
            "applied_again",
            {"lost_at": 2.0, "had_it_before": False},
            (3.0, 4.0),
            "r was cut off at 2.000 s; coming back it applied event 3 (heartbeat) of article at 4.000 s, which it had "
            "fetched already (3.000 s).",
        ),
        (
            "never_back",
            {"lost_at": 2.0},
            (2.0,),
            "r lost its connection at 2.000 s and was never online again, though nothing kept it.",
        ),
        (
            "cursor_passed",
            {"cursor": 9, "committed_by_then": True},
            (1.0,),
            "The cursor of r was at 9 and so beyond event 3 (heartbeat) of article, but it had not applied it: a "
            "reader that asks since 9 never gets it.",
        ),
        (
            "cursor_passed",
            {"cursor": 9, "committed_by_then": False},
            (1.0,),
            "The cursor of r was at 9 and so beyond event 3 (heartbeat) of article, but it was not even committed "
            "yet: a reader that asks since 9 never gets it.",
        ),
        (
            "lost_at_callback",
            {},
            (2.0,),
            "The client of r had the frame of event 3 (heartbeat) of article at 2.000 s and never delivered it: lost "
            "at the callback.",
        ),
        (
            "not_taken",
            {},
            (2.0,),
            "The server sent event 3 (heartbeat) of article to r at 2.000 s, on a socket that stayed open; no channel "
            "of its client took it.",
        ),
        (
            "truncated",
            {},
            (1.0, 2.0),
            "r applied event 3 (heartbeat) of article at 2.000 s without all of the data that was emitted at 1.000 s, "
            "and took it for whole.",
        ),
        (
            "part_missing",
            {"missing": ["event_data"], "errors": ["Error 413"]},
            (2.0,),
            "r received event 3 (heartbeat) of article at 2.000 s without event_data and with the error "
            '"Error 413", and did not notice: it announced no gap and asked for nothing.',
        ),
        (
            "shown_in_part",
            {"event_id": None, "missing": ["article_context"], "errors": []},
            (2.0,),
            "r received a state row at 2.000 s without article_context, and shows what it says.",
        ),
        (
            "value_differs",
            {"column": "n", "came": 1, "read_back": "1"},
            (2.0,),
            "r received n of event 3 (heartbeat) of article as 1; read back it is '1'.",
        ),
        (
            "not_allowed",
            {"phase": "paused"},
            (2.0,),
            "r applied event 3 (heartbeat) of article at 2.000 s while the process was paused: the automaton does "
            "not allow that.",
        ),
        (
            "after_terminal",
            {"reader": "", "sequence": None, "phase": "completed"},
            (2.0,),
            "The application said an event (heartbeat) of article at 2.000 s, after the process had completed: "
            "nothing may follow that.",
        ),
        (
            "shown_too_old",
            {"waited": 7.25, "committed_at": 1.0, "applied_at": 8.25},
            (1.0,),
            "r said that it was live and did not have event 3 (heartbeat) of article for 7.2 s: it was committed at "
            "1.000 s, and the reader applied it at 8.250 s.",
        ),
        (
            "wrong_topic",
            {"table": "process_events", "topic": "process_state:p1", "why": "table"},
            (1.0,),
            "A row of process_events of article came to r on the topic process_state:p1, which is for another table.",
        ),
    ],
)
def test_a_finding_about_an_event_tells_its_story(
    what: str, more: dict[str, Any], times: tuple[float, ...], words: str
) -> None:
    assert told(what, {**EVENT, **more}, *times) == words


@pytest.mark.parametrize(
    ("what", "words"),
    [
        (
            "misrouted",
            "r had its handler 1 (INSERT on process_events where process_id=eq.p1) called for the INSERT of row e3 of "
            "process_events, which does not meet it.",
        ),
        (
            "not_handed",
            "r got the INSERT of row e3 of process_events and did not hand it to its handler 1 (INSERT on "
            "process_events where process_id=eq.p1), which it meets.",
        ),
        (
            "never_came",
            "s got the INSERT of row e3 of process_events at 2.000 s; it never came to r, who has the same rights and "
            "whose handler 1 (INSERT on process_events where process_id=eq.p1) it meets.",
        ),
    ],
)
def test_a_finding_about_a_handler_names_it(what: str, words: str) -> None:
    assert told(what, {**ROW, "got_it": "s"}, 2.0) == words


def test_who_never_came_back_is_quoted() -> None:
    closed = an_op("r", "close", at=2.0)
    said = an_op("r", "status", at=2.5, process_id="p1", status="live")
    finding = Finding("never_back", (closed,), {"reader": "r", "process_id": "p1", "lost_at": 2.0})

    text = explain(finding, Circumstances.of(a_history(closed, said, an_op("r", "view", at=9.0))))

    assert text.endswith('At that time: r was offline from 2.00 to 9.00 s. The client said "live".')


def test_every_finding_of_these_checkers_has_words() -> None:
    histories = [case.guilty for case in DELIVERY.values()] + [a_history(emitted(1), committed(1))]
    checkers = {name: CHECKERS[name]() for name in DELIVERY}
    kinds = {
        finding.what for run in histories for verdict in judge(checkers, run).values() for finding in verdict.findings
    }

    known = {"lost_silent", "inverted", "event_changed", "not_converged", "forbidden"}
    assert kinds - known <= set(TELLERS)
