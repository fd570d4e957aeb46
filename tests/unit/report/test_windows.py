from harness.report.windows import Kind, Window, statuses, windows
from tests.histories.literal import a_history, an_op, emitted


def test_a_question_is_open_until_it_is_answered() -> None:
    history = a_history(
        emitted(1, event_type="user_input_required", at=1.0), emitted(2, event_type="user_input_received", at=3.5)
    )

    assert windows(history) == [Window(kind=Kind.WAITING, owner="p1", start=1.0, end=3.5, label="waits for the user")]


def test_a_pause_ends_with_the_run_if_nothing_resumes_it() -> None:
    history = a_history(emitted(1, event_type="process_paused", at=1.0), an_op("story", "settle", at=9.0))

    assert windows(history) == [Window(kind=Kind.PAUSED, owner="p1", start=1.0, end=9.0, label="paused")]


def test_a_reader_is_offline_from_a_close_to_the_next_ready() -> None:
    history = a_history(
        an_op("r", "close", at=1.0, by="server"), an_op("r", "open", at=2.0), an_op("r", "ready", at=3.0)
    )

    assert windows(history) == [Window(kind=Kind.OFFLINE, owner="r", start=1.0, end=3.0, label="offline")]


def test_a_close_that_the_client_wanted_is_no_outage() -> None:
    assert windows(a_history(an_op("r", "close", at=1.0, by="client"))) == []


def test_a_disconnect_holds_until_the_reader_is_ready_again() -> None:
    history = a_history(an_op("nemesis", "disconnect", at=1.0, reader="r"), an_op("r", "ready", at=4.0))

    assert windows(history) == [Window(kind=Kind.FAULT, owner="nemesis", start=1.0, end=4.0, label="disconnect r")]


def test_a_fault_that_was_begun_holds_until_it_is_ended() -> None:
    history = a_history(an_op("nemesis", "slot_lost", type="invoke", at=1.0), an_op("nemesis", "slot_lost", at=2.0))

    assert windows(history) == [Window(kind=Kind.FAULT, owner="nemesis", start=1.0, end=2.0, label="slot_lost")]


def test_a_status_holds_until_the_next() -> None:
    history = a_history(*(an_op("r", "status", at=at, status=s) for at, s in ((0.0, "connecting"), (1.0, "live"))))

    assert [(window.label, window.start, window.end) for window in statuses(history)] == [
        ("connecting", 0.0, 1.0),
        ("live", 1.0, 1.0),
    ]


def test_what_never_ends_ends_with_the_run() -> None:
    history = a_history(
        an_op("nemesis", "disconnect", at=1.0, reader="r"), an_op("r", "close", at=1.0), an_op("s", "view", at=7.0)
    )

    assert [(window.owner, window.end) for window in windows(history)] == [("nemesis", 7.0), ("r", 7.0)]
