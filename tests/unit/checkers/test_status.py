import pytest

from harness.checkers import Finding, Status, Valid, Verdict
from harness.history import History, Op
from harness.history.op import Type
from tests.histories.literal import a_history, an_op

CHECKER = Status(beats=2, heartbeat_s=10.0, tolerance_s=1.0)
"""A reader may be wrong for 21 seconds."""
TOPIC = "process_events:p1"


def says(status: str, *, at: float) -> Op:
    return an_op("reader", "status", at=at, process_id="p1", status=status)


def closed(*, at: float, by: str = "server", reason: str = "") -> Op:
    return an_op("reader", "close", at=at, code=1006, reason=reason, by=by)


def opened(*, at: float) -> Op:
    return an_op("reader", "open", at=at)


def fault(name: str, type: Type, *, at: float, **where: str) -> Op:
    return an_op("nemesis", "fault", at=at, type=type, fault=name, **where)


def end(*, at: float) -> Op:
    return an_op("story", "settle", at=at)


def whys(*ops: Op) -> list[str]:
    return [finding.detail["why"] for finding in CHECKER.check(a_history(*ops)).findings]


def test_a_reader_that_calls_a_closed_socket_live_is_convicted() -> None:
    history = a_history(says("live", at=1.0), closed(at=5.0), end(at=40.0))

    verdict = CHECKER.check(history)

    assert verdict == Verdict.invalid(
        Finding(
            "untrue_live",
            history[0:2],
            {
                "reader": "reader",
                "process_id": "p1",
                "why": "socket_closed",
                "topic": "",
                "since": 5.0,
                "lasted_s": 35.0,
                "limit_s": 21.0,
            },
        )
    )
    assert verdict.looked_at == 1


@pytest.mark.parametrize("seconds", [21.0, 21.5])
def test_it_has_two_heartbeats_and_a_little_to_notice(seconds: float) -> None:
    history = a_history(says("live", at=1.0), closed(at=5.0), says("offline", at=5.0 + seconds), end(at=90.0))

    assert CHECKER.check(history).valid is (Valid.YES if seconds == 21.0 else Valid.NO)


@pytest.mark.parametrize("proof", ["open", "ready", "receive"])
def test_a_socket_that_stands_again_makes_it_true(proof: str) -> None:
    again = an_op("reader", proof, at=20.0, topic=TOPIC)

    assert whys(says("live", at=1.0), closed(at=5.0), again, end(at=90.0)) == []


def test_an_attempt_that_fails_opens_nothing_and_a_second_close_does_not_start_the_count_anew() -> None:
    failed = an_op("reader", "open", at=15.0, type="fail", error="refused")

    assert whys(says("live", at=1.0), closed(at=5.0), failed, closed(at=15.0), says("offline", at=30.0)) == [
        "socket_closed"
    ]


@pytest.mark.parametrize(
    ("f", "extension", "why"),
    [
        ("system", "phoenix", ["channel_lost"]),
        ("system", "postgres_changes", ["channel_lost"]),
        ("system", "presence", []),
        ("join", None, ["channel_lost"]),
    ],
)
def test_a_channel_that_is_lost_is_a_reason_too(f: str, extension: str | None, why: list[str]) -> None:
    lost = an_op("reader", f, at=5.0, type="fail", topic=TOPIC, extension=extension, error="gone")

    assert whys(says("live", at=1.0), lost, end(at=40.0)) == why


def test_a_channel_that_was_left_is_not_lost() -> None:
    left = an_op("reader", "system", at=5.0, topic=TOPIC, extension="phoenix", status="ok", message="phx_close")

    assert whys(says("live", at=1.0), left, end(at=40.0)) == []


def test_another_channel_that_is_ready_is_no_comfort() -> None:
    lost = an_op("reader", "system", at=5.0, type="fail", topic=TOPIC, extension="phoenix", error="phx_close")
    others = [an_op("reader", "ready", at=6.0, topic=topic) for topic in ("process_state:p1", TOPIC)]

    assert whys(says("live", at=1.0), lost, others[0], end(at=40.0)) == ["channel_lost"]
    assert whys(says("live", at=1.0), lost, others[1], end(at=40.0)) == []


def joined(f: str, *, at: float, topic: str = TOPIC) -> Op:
    return an_op("reader", f, at=at, topic=topic)


def test_a_channel_that_is_not_joined_again_on_a_new_socket_is_lost() -> None:
    history = a_history(joined("join", at=0.5), says("live", at=1.0), closed(at=5.0), opened(at=6.0), end(at=40.0))

    findings = CHECKER.check(history).findings

    assert [(found.ops, found.detail["why"], found.detail["topic"]) for found in findings] == [
        ((history[1], history[2]), "channel_lost", TOPIC)
    ]


@pytest.mark.parametrize("proof", ["join", "ready"])
def test_each_channel_is_lost_until_it_is_joined_again_itself(proof: str) -> None:
    other = "process_state:p1"
    before = [joined("join", at=0.5), joined("join", at=0.5, topic=other), says("live", at=1.0)]
    again = [closed(at=5.0), opened(at=6.0), joined(proof, at=7.0)]

    assert whys(*before, *again, end(at=40.0)) == ["channel_lost"]
    assert whys(*before, *again, joined(proof, at=8.0, topic=other), end(at=40.0)) == []


@pytest.mark.parametrize(
    "given_up",
    [
        an_op("reader", "system", at=2.0, topic=TOPIC, extension="phoenix", status="ok", message="phx_close"),
        an_op("reader", "remount", at=2.0, process_id="p1"),
    ],
    ids=["left", "of a page that is mounted anew"],
)
def test_a_channel_that_was_given_up_is_not_lost_with_the_socket(given_up: Op) -> None:
    ops = [joined("join", at=0.5), says("live", at=1.0), given_up, closed(at=5.0), opened(at=6.0), end(at=40.0)]

    assert whys(*ops) == []


@pytest.mark.parametrize(
    ("name", "where", "why"),
    [
        ("black_hole", "reader", ["black_hole"]),
        ("black_hole", "*", ["black_hole"]),
        ("black_hole", "somebody else", []),
        ("offline", "reader", ["offline"]),
        ("delay", "reader", []),
    ],
)
def test_a_dead_link_is_a_reason_if_it_is_the_readers_own(name: str, where: str, why: list[str]) -> None:
    hole = fault(name, "invoke", at=5.0, link=where)

    assert whys(says("live", at=1.0), hole, end(at=40.0)) == why


def test_a_dead_link_that_lives_again_in_time_is_none() -> None:
    hole = [fault("black_hole", "invoke", at=5.0, link="reader"), fault("black_hole", "ok", at=20.0, link="reader")]

    assert whys(says("live", at=1.0), *hole, end(at=90.0)) == []


def test_time_in_which_its_machine_slept_does_not_count() -> None:
    sleep = [
        fault("laptop_sleeps", "invoke", at=10.0, reader="reader"),
        fault("laptop_sleeps", "ok", at=90.0, reader="reader"),
    ]
    awake_again = says("offline", at=105.0)

    assert whys(says("live", at=1.0), closed(at=5.0), *sleep, awake_again) == []
    assert whys(says("live", at=1.0), closed(at=5.0), *sleep, end(at=120.0)) == ["socket_closed"]


@pytest.mark.parametrize("last", ["view", "leave"])
def test_what_is_said_after_the_last_word_does_not_count(last: str) -> None:
    word = an_op("reader", last, at=6.0, process_id="p1")

    assert whys(says("live", at=1.0), closed(at=5.0), word, says("live", at=7.0), end(at=90.0)) == []


def test_who_said_it_was_offline_may_be_so() -> None:
    history = a_history(says("live", at=1.0), closed(at=5.0), says("offline", at=6.0), end(at=90.0))

    assert CHECKER.check(history) == Verdict.of([], looked_at=1)


GIVES_UP = {"by": "client", "reason": "heartbeat timeout"}


def closes(*ops: Op) -> History:
    return a_history(says("live", at=0.0), *ops)


def test_a_healthy_socket_that_is_given_up_is_convicted() -> None:
    history = closes(opened(at=30.0), closed(at=36.0, **GIVES_UP))

    assert CHECKER.check(history) == Verdict.invalid(
        Finding(
            "false_close",
            history[1:3],
            {"reader": "reader", "reason": "heartbeat timeout", "heard": "open", "heard_s_before": 6.0},
        )
    )


@pytest.mark.parametrize(
    ("heard_at", "close", "valid"),
    [
        (26.0, {"at": 36.0, **GIVES_UP}, Valid.YES),
        (30.0, {"at": 36.0, "by": "server", "reason": "heartbeat timeout"}, Valid.YES),
        (30.0, {"at": 36.0, "by": "client", "reason": ""}, Valid.YES),
        (30.0, {"at": 36.0, **GIVES_UP}, Valid.NO),
    ],
    ids=["a silent one", "the server closes", "the client leaves", "a healthy one"],
)
def test_only_a_client_that_gives_up_what_lives_is_wrong(heard_at: float, close: dict[str, str], valid: Valid) -> None:
    heard = an_op("reader", "receive", at=heard_at, topic=TOPIC)
    history = closes(opened(at=1.0), heard, closed(**close))  # type: ignore[arg-type]

    assert CHECKER.check(history).valid is valid


@pytest.mark.parametrize(
    ("name", "link", "begun", "ended", "valid"),
    [
        ("drop", "reader", 28.0, 34.0, Valid.YES),
        ("drop", "*", 35.0, 40.0, Valid.YES),
        ("drop", "another", 28.0, 34.0, Valid.NO),
        ("drop", "reader", 28.0, 29.0, Valid.NO),
        ("drop", "reader", 37.0, 40.0, Valid.NO),
        ("cut", "reader", 28.0, 34.0, Valid.NO),
    ],
    ids=[
        "swallows the answer",
        "befalls all",
        "befalls another",
        "was over when the socket was opened",
        "came later",
        "had its effect at once",
    ],
)
def test_a_fault_on_its_link_excuses_it(name: str, link: str, begun: float, ended: float, valid: Valid) -> None:
    window = [fault(name, "invoke", at=begun, link=link), fault(name, "ok", at=ended, link=link)]
    ops = [*window, opened(at=30.0), closed(at=36.0, **GIVES_UP)]

    assert CHECKER.check(closes(*sorted(ops, key=lambda op: op.time))).valid is valid


def test_an_attempt_to_open_is_no_sign_of_life() -> None:
    failed = an_op("reader", "open", at=35.0, type="fail", error="refused")

    assert CHECKER.check(closes(failed, closed(at=36.0, **GIVES_UP))).valid is Valid.YES
    assert CHECKER.check(closes(opened(at=1.0), failed, closed(at=36.0, **GIVES_UP))).valid is Valid.YES


def test_an_old_excuse_is_none_for_a_socket_that_was_opened_since() -> None:
    window = [fault("drop", "invoke", at=20.0, link="reader"), fault("drop", "ok", at=24.0, link="reader")]
    failed = an_op("reader", "open", at=35.0, type="fail", error="refused")
    heard = an_op("reader", "receive", at=32.0, topic=TOPIC)

    healthy = closes(*window, opened(at=30.0), heard, closed(at=36.0, **GIVES_UP))
    old = closes(opened(at=1.0), *window, heard, failed, closed(at=36.0, **GIVES_UP))

    assert CHECKER.check(healthy).valid is Valid.NO
    assert CHECKER.check(old).valid is Valid.YES


def test_an_empty_history_is_unknown() -> None:
    assert CHECKER.check(a_history()).valid is Valid.UNKNOWN
    assert CHECKER.check(a_history(closed(at=1.0), end(at=90.0))).valid is Valid.UNKNOWN
