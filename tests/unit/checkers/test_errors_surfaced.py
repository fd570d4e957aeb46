import pytest

from harness.checkers import ErrorsSurfaced, Finding, Valid, Verdict
from harness.history import Op
from tests.histories.literal import a_history, an_op, applied

CHECKER = ErrorsSurfaced(within=10.0, attempts_per_minute=3)
LIVE = an_op("reader", "status", at=1.0, process_id="p1", status="live")


def says(status: str, *, at: float) -> Op:
    return an_op("reader", "status", at=at, process_id="p1", status=status)


def refused(f: str, *, at: float, actor: str = "reader", **value: object) -> Op:
    return an_op(actor, f, at=at, type="fail", error="no", **value)


def end(*, at: float) -> Op:
    return an_op("story", "settle", at=at)


def judged(*ops: Op) -> Verdict:
    return CHECKER.check(a_history(LIVE, *ops))


def test_a_refusal_of_which_nobody_is_told_is_convicted() -> None:
    history = a_history(LIVE, refused("system", at=5.0, topic="t", extension="postgres_changes"), end(at=60.0))

    verdict = CHECKER.check(history)

    assert verdict == Verdict.invalid(
        Finding(
            "not_surfaced",
            history[0:2],
            {
                "reader": "reader",
                "process_id": "p1",
                "refused": "system",
                "topic": "t",
                "error": "no",
                "within_s": 10.0,
            },
        )
    )
    assert verdict.looked_at == 1


@pytest.mark.parametrize(
    ("f", "valid"),
    [
        ("join", Valid.NO),
        ("system", Valid.NO),
        ("fetch", Valid.NO),
        ("deliver", Valid.NO),
        ("act", Valid.UNKNOWN),
        ("open", Valid.UNKNOWN),
    ],
)
def test_these_are_refusals(f: str, valid: Valid) -> None:
    history = a_history(LIVE, refused(f, at=5.0), end(at=60.0))

    # A refused join is an attempt as well, and so is looked at whatever comes of it.
    assert CHECKER.check(history).valid is valid


def test_which_ones_count_is_a_parameter() -> None:
    history = a_history(LIVE, refused("act", at=5.0), end(at=60.0))

    assert ErrorsSurfaced(refusals=("act",)).check(history).valid is Valid.NO


@pytest.mark.parametrize(("status", "at", "valid"), [
    ("offline", 15.0, Valid.YES),
    ("ended", 15.0, Valid.YES),
    ("offline", 15.5, Valid.NO),
    ("live", 6.0, Valid.NO),
])  # fmt: skip
def test_it_is_told_by_another_status_in_time(status: str, at: float, valid: Valid) -> None:
    assert judged(refused("fetch", at=5.0), says(status, at=at), end(at=60.0)).valid is valid


def test_who_is_not_live_has_told_it_already() -> None:
    offline = says("offline", at=2.0)

    assert judged(offline, refused("join", at=5.0, topic="t"), says("live", at=6.0), end(at=60.0)).valid is Valid.YES


def test_a_listener_that_never_said_it_was_live_promised_nothing() -> None:
    assert judged(refused("system", at=5.0, actor="ear"), end(at=60.0)).valid is Valid.YES


def test_after_its_last_word_a_reader_need_not_tell() -> None:
    word = an_op("reader", "view", at=9.0, process_id="p1")

    assert judged(refused("fetch", at=5.0), word, end(at=60.0)).valid is Valid.YES
    assert judged(word, refused("fetch", at=10.0), end(at=60.0)).valid is Valid.YES


@pytest.mark.parametrize(
    ("amends", "valid"),
    [
        (applied("reader", sequence=1, at=15.0), Valid.YES),
        (applied("reader", sequence=1, at=15.5), Valid.NO),
        (applied("other", sequence=1, at=14.0), Valid.NO),
        (an_op("reader", "gap", at=14.0, process_id="p1", after=0, before=2), Valid.YES),
        (an_op("reader", "gap_permanent", at=14.0, process_id="p1", after=0, before=2), Valid.YES),
        (an_op("reader", "gap", at=15.5, process_id="p1", after=0, before=2), Valid.NO),
    ],
    ids=["applied", "applied too late", "applied by another", "a gap", "a permanent gap", "a gap too late"],
)
def test_a_row_that_was_not_understood_can_be_made_up_for(amends: Op, valid: Valid) -> None:
    assert judged(refused("deliver", at=5.0, event_id="e1"), amends, end(at=60.0)).valid is valid


def test_a_gap_makes_up_for_nothing_else() -> None:
    gap = an_op("reader", "gap", at=6.0, process_id="p1", after=0, before=2)

    assert judged(refused("fetch", at=5.0), gap, end(at=60.0)).valid is Valid.NO


def test_a_recording_that_stops_too_early_is_unknown() -> None:
    assert judged(refused("fetch", at=5.0), end(at=14.5)) == Verdict.unknown(
        "the recording stops before 1 refusals had their time to be told"
    )
    assert judged(refused("fetch", at=5.0), end(at=15.0)).valid is Valid.NO


def test_the_last_error_of_many_joins_is_told() -> None:
    taken = an_op("reader", "join", at=104.0, topic="t")

    (finding,) = CHECKER.check(a_history(*joins(4), taken)).findings

    assert (finding.detail["attempts"], finding.detail["error"]) == (5, "no")


def joins(count: int, *, apart: float = 1.0, topic: str = "t", begin: float = 100.0) -> list[Op]:
    return [refused("join", at=begin + apart * number, topic=topic) for number in range(count)]


def test_a_reader_that_never_rests_is_convicted() -> None:
    history = a_history(*joins(4))

    verdict = CHECKER.check(history)

    assert verdict == Verdict.invalid(
        Finding(
            "retries_unbounded",
            (history[0], history[3]),
            {"reader": "reader", "topic": "t", "attempts": 4, "allowed": 3, "error": "no"},
        )
    )
    assert verdict.looked_at == 8


@pytest.mark.parametrize(
    "ops",
    [joins(3), joins(9, apart=20.0), [*joins(3), *joins(3, topic="u")]],
    ids=["three", "one in twenty seconds", "two topics"],
)
def test_so_many_a_minute_and_topic_are_allowed(ops: list[Op]) -> None:
    assert CHECKER.check(a_history(*ops)).valid is Valid.YES


def test_what_the_server_saw_goes_before_what_the_reader_tells() -> None:
    seen = [an_op("realtime", "join", at=100.0 + number, link="reader", topic="realtime:t") for number in range(4)]

    verdict = CHECKER.check(a_history(refused("join", at=99.0, topic="t"), *seen, refused("join", at=105.0, topic="t")))

    assert [(finding.detail["reader"], finding.detail["attempts"]) for finding in verdict.findings] == [("reader", 4)]


def test_a_refusal_is_the_readers_and_not_the_servers() -> None:
    seen = an_op("realtime", "join", at=5.0, type="fail", error="no", link="ear", topic="realtime:t")

    verdict = CHECKER.check(a_history(seen))

    assert verdict == Verdict.of([], looked_at=1)
    assert verdict.looked_at == 1


def test_a_question_that_is_not_answered_yet_is_no_attempt() -> None:
    asked = [an_op("reader", "join", at=100.0 + number, type="invoke", topic="t") for number in range(4)]

    assert CHECKER.check(a_history(*asked)).valid is Valid.UNKNOWN


def test_an_empty_history_is_unknown() -> None:
    assert CHECKER.check(a_history()).valid is Valid.UNKNOWN
    assert judged(end(at=60.0)).valid is Valid.UNKNOWN


def listening(*ops: Op) -> Verdict:
    """Of a client that just listens, which was let in at 1 s."""
    joined = an_op("ear", "join", at=1.0, topic="t")
    return CHECKER.check(a_history(an_op("ear", "listen", at=0.0, topic="t"), joined, *ops))


def closed(*, at: float) -> Op:
    return an_op("ear", "close", at=at, code=1012, reason="", by="server")


def rejoined(*, at: float) -> Op:
    return an_op("ear", "join", at=at, topic="t")


def test_a_listener_believes_the_reply_to_its_join_and_hears_of_nothing_else() -> None:
    verdict = listening(refused("system", at=2.0, actor="ear", topic="t"), end(at=60.0))

    (finding,) = verdict.findings
    assert (finding.what, finding.ops[0].f, finding.detail["reader"]) == ("not_surfaced", "join", "ear")


@pytest.mark.parametrize(
    ("ops", "valid"),
    [
        ([refused("system", at=2.0, actor="ear"), closed(at=12.0)], Valid.YES),
        ([refused("system", at=2.0, actor="ear"), closed(at=12.5)], Valid.NO),
        ([closed(at=2.0), refused("join", at=3.0, actor="ear", topic="t")], Valid.YES),
        ([closed(at=2.0), rejoined(at=3.0), refused("system", at=4.0, actor="ear")], Valid.NO),
        ([closed(at=2.0), rejoined(at=3.0), refused("system", at=4.0, actor="ear"), closed(at=5.0)], Valid.YES),
    ],
    ids=["the socket ends in time", "too late", "it had ended before", "it was let in again", "and ends again"],
)
def test_the_end_of_its_socket_tells_a_listener(ops: list[Op], valid: Valid) -> None:
    assert listening(*ops, end(at=60.0)).valid is valid


def test_whether_a_listener_learns_of_it_is_open_where_the_recording_stops() -> None:
    assert listening(refused("system", at=2.0, actor="ear"), end(at=5.0)).valid is Valid.UNKNOWN
