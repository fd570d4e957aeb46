from typing import Any

import pytest

from harness.checkers import (
    Canary,
    Checker,
    ErrorsSurfaced,
    Finding,
    Latency,
    RateBound,
    Resources,
    RetryStorm,
    Status,
    Tokens,
)
from harness.history import History, Op
from harness.report.explain import Circumstances, explain
from harness.report.explain_connection import TELLERS
from tests.histories.literal import a_history, an_op, applied, committed, emitted, inserted, started, subscribed
from tests.unit.checkers import test_rate_bound

TOPIC = "process_events:p1"
WATCHED = (started(at=0.0), subscribed("reader"))
LIVE = an_op("reader", "status", at=1.0, process_id="p1", status="live")
END = an_op("story", "settle", at=100.0)


def told(checker: Checker, *ops: Op) -> list[str]:
    history: History = a_history(*ops)
    return [explain(finding, Circumstances.of(history)) for finding in checker.check(history).findings]


def test_a_zombie_is_told_with_its_last_sign_of_life_and_the_fault() -> None:
    fault = an_op("nemesis", "fault", at=3.0, type="invoke", fault="cdc_crash")
    heard = an_op("reader", "receive", at=2.0)

    assert told(Canary(), *WATCHED, LIVE, heard, fault, committed(7, at=4.0), END) == [
        "reader said that it was live, and heard nothing for 60 s after event 7 (step_update) of article was "
        "committed at 4.000 s; it had last heard anything at 2.000 s. At that time: the fault cdc_crash held "
        "from 3.00 to 100.00 s."
    ]
    assert "it had never heard anything." in told(Canary(), *WATCHED, LIVE, committed(7, at=4.0), END)[0]


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (an_op("reader", "close", at=5.0, by="server"), "while its socket was closed;"),
        (
            an_op("reader", "system", at=5.0, type="fail", error="gone", topic=TOPIC, extension="phoenix"),
            "while its channel process_events:p1 was lost: gone;",
        ),
        (
            an_op("nemesis", "fault", at=5.0, type="invoke", fault="black_hole", link="reader"),
            "while black hole held on its link;",
        ),
    ],
)
def test_an_untrue_status_is_told_with_its_reason(cause: Op, words: str) -> None:
    (text,) = told(Status(), LIVE, cause, END)

    assert text.startswith("reader said that it was live for 95.00 s, from 5.000 s on, ")
    assert words in text
    assert "it had 60 s to notice." in text


def test_a_false_close_is_told_with_what_came_before() -> None:
    close = an_op("reader", "close", at=9.0, by="client", reason="heartbeat timeout")

    assert told(Status(), LIVE, an_op("reader", "open", at=4.0), close) == [
        "reader gave up its socket at 9.000 s (heartbeat timeout), which was healthy: 5.00 s before it had told open, "
        "and nothing was wrong with its link."
    ]


@pytest.mark.parametrize(
    ("join", "words"),
    [
        (
            {"type": "fail", "error": "InvalidJWTToken: Token has expired 8 seconds ago"},
            "with a bad token: InvalidJWTToken: Token has expired 8 seconds ago.",
        ),
        (
            {"role": "authenticated", "expires": 86399.0, "wall": 86404.5},
            "with a token that had ended at 23:59:59 UTC, 5.5 s before, and was taken.",
        ),
        (
            {"role": "anon", "expires": 90000.0, "wall": 86404.5},
            "as anon, though its user was signed in: row security hides from it what is the user's own.",
        ),
    ],
)
def test_a_bad_token_is_told_with_what_was_wrong(join: dict[str, Any], words: str) -> None:
    op = an_op("realtime", "join", at=3.0, link="reader", topic=TOPIC, **join)

    assert told(Tokens(), *WATCHED, op) == [f"reader joined process_events:p1 at 3.000 s {words}"]


def test_a_refusal_is_told_with_where_it_stayed() -> None:
    refused = an_op("reader", "system", at=5.0, type="fail", error="no such table", topic=TOPIC)
    fetch = an_op("reader", "fetch", at=6.0, type="fail", error="HTTP 500", process_id="p1")

    assert told(ErrorsSurfaced(), LIVE, refused, fetch, END) == [
        "reader was refused (system on process_events:p1) at 5.000 s: no such table. It went on saying that it was "
        "live for 10 s and more, and told nobody.",
        "reader was refused (fetch) at 6.000 s: HTTP 500. It went on saying that it was live for 10 s and more, and "
        "told nobody.",
    ]


def test_retries_without_bound_are_told_with_their_number() -> None:
    joins = [an_op("reader", "join", at=float(at), type="fail", error="too many", topic=TOPIC) for at in range(40)]

    assert told(ErrorsSurfaced(), *joins) == [
        "reader joined process_events:p1 40 times between 0.00 and 39.00 s; 30 a minute are allowed. The last error: "
        "too many."
    ]


def test_a_storm_and_who_is_not_back_are_told() -> None:
    ready = [an_op("reader", f, at=1.0, topic=TOPIC) for f in ("join", "ready")]
    close = an_op("reader", "close", at=5.0, by="server")
    late = [an_op("reader", f, at=80.0, topic=TOPIC) for f in ("join", "join", "ready")]

    assert told(RetryStorm(joins_per_s=1), *ready, close, *late, END) == [
        "2 joins (links: 1) came within a second, from 80.000 to 80.000 s; 1 are allowed.",
        "The outage was over at 5.00 s, and reader was not ready on all its topics within 60 s: it was so at 80.00 s.",
    ]
    assert told(RetryStorm(), *ready, close, END)[0].endswith("within 60 s: it never was.")


def test_a_leak_is_told_with_both_counts() -> None:
    counts = [an_op("story", "census", at=at, label=label, counts={"engine.channels": n}) for at, label, n in CENSUSES]

    assert told(Resources(), *counts) == [
        "engine.channels was 2 at 1.00 s and is 5 at 9.00 s: 3 of them were not given back."
    ]


CENSUSES = ((1.0, "before", 2), (9.0, "after", 5))


def test_a_slow_percentile_is_told_with_what_is_missing() -> None:
    slow = [emitted(1, at=1.0), inserted(1), committed(1), applied("reader", sequence=1, at=8.0)]
    lost = [emitted(2, at=8.0), inserted(2), committed(2)]

    assert told(Latency(event_type="step_update"), *WATCHED, *slow, *lost) == [
        "The p99 from commit to apply of step_update is 7.000 s among 1 samples, and 5 s are allowed. That one is "
        "event 1 at reader. 1 more never came and are not counted."
    ]


def test_what_was_published_too_often_is_told_with_its_entity() -> None:
    chunks = [op for at, number in ((1.0, 1), (1.05, 2)) for op in test_rate_bound.chunk(number, at=at)]

    assert told(RateBound(), *chunks) == [
        "Two section_chunk (0, attempt 1) of p1 were published 0.050 s apart, at 1.000 and 1.050 s; the declared rate "
        "is one in 0.2 s. So it was in 1 of 1 cases."
    ]


@pytest.mark.parametrize("what", TELLERS)
def test_each_is_told_by_its_own_teller(what: str) -> None:
    with pytest.raises((KeyError, ValueError, IndexError)):
        explain(Finding(what, ()), Circumstances(processes={}, windows=(), said={}))
