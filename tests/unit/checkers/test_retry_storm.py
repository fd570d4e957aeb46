import pytest

from harness.checkers import Finding, RetryStorm, Valid, Verdict
from harness.history import Op
from harness.history.op import Type
from tests.histories.literal import a_history, an_op

CHECKER = RetryStorm(joins_per_s=2, within=10.0)
TOPICS = ("events", "state")


def ready(reader: str, *, at: float, topics: tuple[str, ...] = TOPICS) -> list[Op]:
    """Joined and ready."""
    return [an_op(reader, f, at=at, topic=topic) for f in ("join", "ready") for topic in topics]


def closed(reader: str, *, at: float, by: str = "server") -> Op:
    return an_op(reader, "close", at=at, code=1006, by=by)


def fault(type: Type, *, at: float, name: str = "offline") -> Op:
    return an_op("nemesis", "fault", at=at, type=type, fault=name, link="*")


def end(*, at: float) -> Op:
    return an_op("story", "settle", at=at)


def seen(link: str, *, at: float, topic: str = "events") -> Op:
    return an_op("realtime", "join", at=at, link=link, topic=topic)


def kinds(*ops: Op) -> list[str]:
    return [finding.what for finding in CHECKER.check(a_history(*ops)).findings]


BEFORE = [*ready("a", at=1.0), *ready("b", at=1.1)]
CUT = [fault("invoke", at=10.0), closed("a", at=10.1), closed("b", at=10.1), fault("ok", at=20.0)]


def test_too_many_joins_in_a_second_are_convicted() -> None:
    back = [*ready("a", at=21.0), *ready("b", at=21.5)]
    history = a_history(*BEFORE, *CUT, *back, end(at=60.0))

    verdict = CHECKER.check(history)

    assert verdict == Verdict.invalid(
        Finding("storm", (history[12], history[17]), {"joins": 4, "allowed": 2, "links": 2})
    )
    assert verdict.looked_at == 4 + 2


def test_joins_that_are_spread_out_are_none() -> None:
    assert kinds(*BEFORE, *CUT, *ready("a", at=21.0), *ready("b", at=22.0), end(at=60.0)) == []


def test_any_second_counts_not_only_whole_ones() -> None:
    link = [seen("c", at=at) for at in (1.0, 20.6, 20.9, 21.3)]

    assert kinds(
        *sorted([*BEFORE, *CUT, *link], key=lambda op: op.time), *ready("a", at=22.0), *ready("b", at=25.0)
    ) == ["storm"]


def test_the_joins_of_the_story_do_not_count() -> None:
    first = [seen(f"tab-{number}", at=21.0) for number in range(9)]
    second = [seen(f"tab-{number}", at=23.0) for number in range(9)]
    back = [*ready("a", at=22.0), *ready("b", at=22.0)]

    assert kinds(*BEFORE, *CUT, *first, *back, end(at=60.0)) == []
    assert kinds(*BEFORE, *CUT, *first, *back, *second, end(at=60.0)) == ["storm"]


def test_a_question_that_is_not_answered_yet_is_no_join() -> None:
    asked = [an_op("a", "join", at=20.5, type="invoke", topic="events") for _ in range(9)]

    assert kinds(*BEFORE, *CUT, *asked, *ready("a", at=22.0), *ready("b", at=24.0)) == []


def test_before_the_outage_anybody_may_join_as_they_like() -> None:
    joins = [seen("a", at=2.0) for _ in range(9)]

    assert kinds(*BEFORE, *joins, *CUT, *ready("a", at=21.0), *ready("b", at=22.0)) == []


def test_what_the_server_saw_counts_rather_than_what_readers_tell() -> None:
    told = [an_op("a", "join", at=21.0, topic="events") for _ in range(9)]

    assert kinds(*BEFORE, *CUT, *told, *ready("a", at=22.0), *ready("b", at=23.0)) == ["storm"]
    assert kinds(seen("a", at=0.5), *BEFORE, *CUT, *told, *ready("a", at=22.0), *ready("b", at=23.0)) == []


def test_a_reader_that_does_not_come_back_in_time_is_convicted() -> None:
    history = a_history(*BEFORE, *CUT, *ready("a", at=21.0), *ready("b", at=30.5), end(at=60.0))

    assert CHECKER.check(history) == Verdict.invalid(
        Finding(
            "not_back",
            (history[8], history[10]),
            {"reader": "b", "over_at": 20.0, "within_s": 10.0, "back_at": 30.5},
        )
    )


@pytest.mark.parametrize(("topics", "expected"), [(TOPICS, []), (("events",), ["not_back"])])
def test_back_is_ready_on_all_topics(topics: tuple[str, ...], expected: list[str]) -> None:
    assert kinds(*BEFORE, *CUT, *ready("a", at=21.0), *ready("b", at=29.5, topics=topics), end(at=60.0)) == expected


def test_a_channel_that_is_refused_or_closed_is_not_ready() -> None:
    gone = an_op("b", "system", at=10.5, type="fail", topic="state", extension="phoenix", error="phx_close")
    ops = [*BEFORE, fault("invoke", at=10.0), gone, fault("ok", at=20.0)]

    assert kinds(*ops, end(at=60.0)) == ["not_back"]
    assert kinds(*ops, an_op("b", "ready", at=25.0, topic="state"), end(at=60.0)) == []


def test_a_topic_that_it_did_not_have_before_is_not_awaited() -> None:
    other = an_op("b", "join", at=10.5, type="fail", topic="something else", error="refused")

    assert kinds(*BEFORE, fault("invoke", at=10.0), other, fault("ok", at=20.0), end(at=60.0)) == []


def test_who_was_never_cut_off_is_there() -> None:
    assert kinds(*BEFORE, fault("invoke", at=10.0), fault("ok", at=20.0), end(at=60.0)) == []


@pytest.mark.parametrize("last", ["leave", "view"])
def test_who_left_need_not_come_back(last: str) -> None:
    left = an_op("b", last, at=25.0, process_id="p1")
    ops = [*BEFORE, *CUT, *ready("a", at=21.0)]

    assert CHECKER.check(a_history(*ops, left, end(at=60.0))).valid is Valid.UNKNOWN
    assert kinds(*ops, end(at=60.0)) == ["not_back"]


def test_a_reader_that_was_back_may_close_at_its_end() -> None:
    ends = [an_op("b", "view", at=25.0, process_id="p1"), closed("b", at=25.1, by="client")]

    back = [*BEFORE, *CUT, *ready("a", at=21.0), *ready("b", at=24.0), *ends, end(at=60.0)]
    never_away = [*BEFORE, fault("invoke", at=10.0), fault("ok", at=20.0), *ends, end(at=60.0)]

    assert CHECKER.check(a_history(*back)).valid is Valid.YES
    assert CHECKER.check(a_history(*never_away)) == Verdict.of([], looked_at=2)


def test_who_came_first_after_the_outage_is_not_awaited() -> None:
    new = [*ready("c", at=11.0), closed("c", at=12.0)]

    assert kinds(*BEFORE, *CUT[:3], *new, CUT[3], *ready("a", at=21.0), *ready("b", at=22.0), end(at=60.0)) == []


def test_a_momentary_fault_is_over_when_it_begins() -> None:
    cut = [fault("invoke", at=10.0, name="cut"), closed("b", at=10.1)]
    held = [*BEFORE, *cut, end(at=30.0), fault("ok", at=60.0, name="cut")]

    assert kinds(*held) == ["not_back"]
    assert RetryStorm(within=10.0, momentary=()).check(a_history(*held)).valid is Valid.UNKNOWN


@pytest.mark.parametrize(
    "outage",
    [[an_op("nemesis", "disconnect", at=10.0, reader="b"), closed("b", at=10.1, by="client")], [closed("b", at=10.1)]],
    ids=["the story breaks it", "the server closes it"],
)
def test_an_outage_need_not_be_a_fault(outage: list[Op]) -> None:
    assert kinds(*BEFORE, *outage, end(at=60.0)) == ["not_back"]
    assert kinds(*BEFORE, *outage, *ready("b", at=15.0), end(at=60.0)) == []


def test_the_last_outage_counts() -> None:
    again = [an_op("nemesis", "disconnect", at=at, reader="b") for at in (10.0, 30.0)]

    assert kinds(*BEFORE, again[0], closed("b", at=10.1), again[1], *ready("b", at=39.0), end(at=60.0)) == []


def test_to_be_back_from_an_earlier_outage_is_not_enough() -> None:
    cuts = [[an_op("nemesis", "disconnect", at=at, reader="b"), closed("b", at=at + 0.1)] for at in (10.0, 30.0)]

    assert kinds(*BEFORE, *cuts[0], *ready("b", at=15.0), *cuts[1], end(at=60.0)) == ["not_back"]


def test_who_came_back_during_the_fault_and_lost_it_again_is_not_back() -> None:
    flaps = [*CUT[:3], *ready("b", at=12.0), closed("b", at=13.0), CUT[3], *ready("a", at=21.0)]

    assert kinds(*BEFORE, *flaps, end(at=60.0)) == ["not_back"]


def test_what_is_lost_much_later_is_another_matter() -> None:
    late = closed("b", at=40.0)

    assert kinds(*BEFORE, fault("invoke", at=10.0), fault("ok", at=20.0), late, end(at=60.0)) == []


def test_a_recording_that_stops_too_early_is_unknown() -> None:
    assert CHECKER.check(a_history(*BEFORE, *CUT, *ready("a", at=21.0), end(at=29.0))) == Verdict.unknown(
        "the recording stops before 1 readers had their time to come back"
    )


def test_without_an_outage_it_is_unknown() -> None:
    assert CHECKER.check(a_history(*BEFORE, closed("a", at=9.0, by="client"))) == Verdict.unknown(
        "there was no outage to come back from"
    )
    assert CHECKER.check(a_history()).valid is Valid.UNKNOWN
