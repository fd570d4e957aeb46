from harness.checkers.statement import Statement, statements
from harness.history import Op
from tests.histories.literal import a_history, an_op


def says(status: str, *, at: float, reader: str = "r", process: str = "p1") -> Op:
    return an_op(reader, "status", at=at, process_id=process, status=status)


def told(*ops: Op) -> list[tuple[str, str, float, float]]:
    return [(one.reader, one.status, one.start, one.end) for one in statements(a_history(*ops))]


def test_a_status_holds_until_the_next() -> None:
    history = a_history(says("live", at=1.0), says("offline", at=3.0), an_op("story", "settle", at=9.0))

    assert statements(history) == [
        Statement(reader="r", process_id="p1", status="live", op=history[0], until=history[1], end=3.0),
        Statement(reader="r", process_id="p1", status="offline", op=history[1], until=None, end=9.0),
    ]


def test_one_that_is_told_again_goes_on() -> None:
    assert told(says("live", at=1.0), says("live", at=2.0), says("stale", at=3.0)) == [
        ("r", "live", 1.0, 3.0),
        ("r", "stale", 3.0, 3.0),
    ]


def test_it_ends_with_the_last_word_and_begins_anew_with_another_subscription() -> None:
    ops = [
        says("live", at=1.0),
        an_op("r", "view", at=2.0, process_id="p1"),
        says("left", at=3.0),
        an_op("r", "subscribe", at=4.0, process_id="p1"),
        says("connecting", at=5.0),
    ]

    assert told(*ops) == [("r", "live", 1.0, 2.0), ("r", "connecting", 5.0, 5.0)]


def test_readers_and_processes_speak_for_themselves() -> None:
    ops = [says("live", at=1.0), says("live", at=2.0, process="p2"), says("live", at=3.0, reader="s")]

    assert told(*ops, says("stale", at=4.0)) == [
        ("r", "live", 1.0, 4.0),
        ("r", "live", 2.0, 4.0),
        ("s", "live", 3.0, 4.0),
        ("r", "stale", 4.0, 4.0),
    ]


def test_one_status_can_be_asked_for() -> None:
    history = a_history(says("connecting", at=0.0), says("live", at=1.0), says("stale", at=3.0))

    assert [one.start for one in statements(history, status="live")] == [1.0]
    assert statements(a_history()) == []
