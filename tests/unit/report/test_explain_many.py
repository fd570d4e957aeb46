from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from harness.checkers.checker import Finding
from harness.report.circumstances import Circumstances
from harness.report.explain_many import explain_many, span
from tests.histories.literal import an_op, debounced, emitted

NOWHERE = Circumstances(processes={"p1": "article"}, windows=(), said={})
EVENT = {"process_id": "p1", "event_type": "heartbeat"}


def told(what: str, *more: Mapping[str, Any], readers: Sequence[str] = ("r", "r", "r")) -> str:
    """Findings of events 1, 2, 3 at 1, 2, 3 s with the same further data, or each with its own."""
    each = [*more, *more[-1:] * 2][:3] or [{}] * 3
    findings = [
        Finding(
            what,
            (an_op(reader, "apply", at=float(number)),),
            {"reader": reader, "event_id": f"e{number}", "sequence": number, **EVENT, **own},
        )
        for number, (reader, own) in enumerate(zip(readers, each, strict=True), start=1)
    ]
    return explain_many(findings, NOWHERE)


EVENTS = "3 events of article, 1 to 3 (3 heartbeat)"


@pytest.mark.parametrize(
    ("what", "more", "words"),
    [
        (
            "lost_before_ready",
            {"topic": "t", "joined_at": 0.5, "ready_at": 4.0},
            f"r never applied {EVENTS}, committed from 1.000 to 3.000 s. The join of t was answered at 0.500 s, and it "
            "was ready at 4.000 s: what is committed between the two is not delivered, and nobody fetched it.",
        ),
        (
            "lost_before_ready",
            {"topic": "t", "joined_at": 0.5, "ready_at": None},
            f"r never applied {EVENTS}, committed from 1.000 to 3.000 s. The join of t was answered at 0.500 s, and it "
            "never became ready: what is committed between the two is not delivered, and nobody fetched it.",
        ),
        (
            "not_recovered",
            {"lost_at": 0.5, "back_at": 5.0, "applied_at": None},
            f"r was cut off at 0.500 s and online again at 5.000 s, and never applied {EVENTS}, committed from 1.000 "
            "to 3.000 s.",
        ),
        (
            "not_recovered",
            {"lost_at": 0.5, "back_at": 5.0, "applied_at": 60.0},
            f"r was cut off at 0.500 s and online again at 5.000 s, and only at 60.000 s applied {EVENTS}, committed "
            "from 1.000 to 3.000 s.",
        ),
        (
            "same_event_again",
            {},
            f"r applied {EVENTS} from 1.000 to 3.000 s, each of which is an earlier event once more: the same data "
            "under another id, so that no client can tell them apart.",
        ),
        (
            "applied_again",
            {"lost_at": 0.5},
            f"r was cut off at 0.500 s; coming back, what was applied already was applied again: {EVENTS}, from 1.000 "
            "to 3.000 s.",
        ),
        (
            "shown_too_old",
            {"waited": 7.0, "applied_at": None},
            f"r said live and did not have {EVENTS}, committed from 1.000 to 3.000 s and never applied: for 7.0 to 7.0 "
            "s each.",
        ),
        (
            "forbidden",
            {"how": "receive"},
            "r has no right to article and yet got 3 of its rows, from 1.000 to 3.000 s (receive).",
        ),
        (
            "withheld",
            {},
            f"r may see {EVENTS}, but row security hid them, from 1.000 to 3.000 s, and they never came in "
            "another way.",
        ),
        (
            "truncated",
            {},
            f"r applied {EVENTS} without all of the data that was emitted, from 1.000 to 3.000 s, and took them for "
            "whole.",
        ),
        (
            "part_missing",
            {"missing": ["event_data"], "errors": ["Error 413"]},
            'r received 3 rows without event_data and with the error "Error 413", from 1.000 to 3.000 s, and did not '
            "notice: no gap was announced and nothing was asked for.",
        ),
        (
            "shown_in_part",
            {"missing": ["title"], "errors": []},
            "r received 3 rows without title, from 1.000 to 3.000 s, and what they say is shown.",
        ),
        (
            "not_taken",
            {},
            f"The server sent {EVENTS} to r from 1.000 to 3.000 s, on a socket that stayed open; no channel of the "
            "client took them.",
        ),
        (
            "lost_at_callback",
            {},
            f"The client of r had the frames of {EVENTS} from 1.000 to 3.000 s and never delivered them: lost at the "
            "callback.",
        ),
        (
            "odd",
            {},
            f"{EVENTS}, from 1.000 to 3.000 s. The first: odd at 1.000 s (reader: r, event_id: e1, sequence: 1, "
            "process_id: p1, event_type: heartbeat).",
        ),
    ],
)  # fmt: skip
def test_many_findings_are_told_as_one(what: str, more: dict[str, Any], words: str) -> None:
    assert told(what, more) == words


def test_several_readers_are_named_and_times_that_differ_are_a_span() -> None:
    more = [{"lost_at": number, "back_at": 5.0, "applied_at": None} for number in (0.5, 0.6, 0.7)]

    text = told("not_recovered", *more, readers=("r", "s", "t"))

    assert text.startswith(
        "r, s and t were cut off from 0.500 to 0.700 s and online again at 5.000 s, and never applied"
    )


def test_of_a_crowd_of_readers_the_first_are_named() -> None:
    closed = [
        Finding("not_back", (an_op(f"r{number}", "close", at=2.0),),
                {"reader": f"r{number}", "over_at": 9.0, "within_s": 60.0, "back_at": None})
        for number in range(40)
    ]  # fmt: skip

    assert explain_many(closed, NOWHERE) == (
        "40 times, for r0, r1, r2, r3 and 36 more, at 2.000 s. The first: The outage was over at 9.00 s, and r0 was "
        "not ready on all its topics within 60 s: it never was."
    )


def test_what_was_never_published_has_no_numbers_and_names_the_debouncer() -> None:
    findings = [
        Finding(
            "unpublished_silent",
            (emitted(number, at=float(number), event_type="section_chunk", delivery_class="append"),
             debounced(number, "replaced", into=9, at=number + 0.1)),
            {"reader": "r", "process_id": "p1", "event_id": f"e{number}", "event_type": "section_chunk",
             "sequence": None, "last_hop": "debounce", "next_hop": "insert"},
        )
        for number in (1, 2, 3)
    ]  # fmt: skip

    assert explain_many(findings, NOWHERE) == (
        "The application emitted 3 events of article (3 section_chunk) from 1.100 to 3.100 s; they were never "
        "committed, and the application was not told, so r cannot have them. They were last seen at debounce and never "
        "at insert (it is sent to the database): lost between the two. The debouncer published a later event in place "
        "of them, which no policy declares for the class append."
    )


def test_many_types_are_counted_and_many_ranges_cut() -> None:
    detail = {"reader": "r", "process_id": "p1", "last_hop": "send", "next_hop": None}
    findings = [
        Finding("lost_silent", (an_op("witness", "commit", at=1.0),),
                {**detail, "event_id": f"e{number}", "event_type": f"type_{number % 4}", "sequence": 2 * number})
        for number in range(10)
    ]  # fmt: skip

    assert explain_many(findings, NOWHERE) == (
        "r never applied 10 events of article, 0, 2, 4, 6, 8, 10 and 4 more (of 4 types), committed at 1.000 s. They "
        "were last seen at send."
    )


def test_a_span_of_one_moment_is_a_moment() -> None:
    assert [span([2.0, 2.0001]), span([3.0, 1.0])] == ["at 2.000 s", "from 1.000 to 3.000 s"]
