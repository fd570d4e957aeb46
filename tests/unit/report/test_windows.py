from harness.history import Op
from harness.history.op import Type
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

    assert windows(history) == [
        Window(kind=Kind.FAULT, owner="nemesis", start=1.0, end=4.0, label="disconnect r", name="disconnect", where="r")
    ]


def fault(type: Type, *, at: float, name: str = "black_hole", **fields: str) -> Op:
    return an_op("nemesis", "fault", at=at, type=type, fault=name, **fields)


def labels(*ops: Op) -> list[tuple[str, float, float]]:
    return [(window.label, window.start, window.end) for window in windows(a_history(*ops))]


def test_a_fault_that_was_begun_holds_until_it_is_ended() -> None:
    history = a_history(fault("invoke", at=1.0, link="reader-1"), fault("ok", at=2.0, link="reader-1"))

    assert windows(history) == [
        Window(
            kind=Kind.FAULT,
            owner="nemesis",
            start=1.0,
            end=2.0,
            label="black hole reader-1",
            name="black_hole",
            where="reader-1",
        )
    ]


def test_a_fault_is_named_with_whom_it_befell() -> None:
    begun = [
        fault("invoke", at=1.0, name="tab_hidden", reader="reader-2"),
        fault("invoke", at=2.0, link="*"),
        fault("invoke", at=3.0, name="slot_lost"),
    ]

    assert [label for label, _, _ in labels(*begun)] == ["tab hidden reader-2", "black hole all readers", "slot lost"]


def test_the_same_fault_on_two_links_is_two_windows() -> None:
    history = [
        fault("invoke", at=1.0, link="a"),
        fault("invoke", at=2.0, link="b"),
        fault("ok", at=3.0, link="a"),
        fault("ok", at=4.0, link="b"),
    ]

    assert labels(*history) == [("black hole a", 1.0, 3.0), ("black hole b", 2.0, 4.0)]


def test_a_fault_that_could_not_begin_is_no_window_and_one_that_could_not_end_holds_on() -> None:
    never = fault("fail", at=1.0, name="slot_lost")
    stuck = [fault("invoke", at=2.0, link="a"), fault("fail", at=3.0, link="a"), an_op("story", "settle", at=9.0)]

    assert labels(never, *stuck) == [("black hole a", 2.0, 9.0)]


def test_two_disconnects_in_a_row_are_one_outage() -> None:
    history = [an_op("nemesis", "disconnect", at=at, reader="r") for at in (1.0, 2.0)]

    assert labels(*history, an_op("r", "ready", at=4.0)) == [("disconnect r", 1.0, 4.0)]


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


def test_a_fault_concerns_whom_it_befell_and_an_outage_its_reader() -> None:
    history = a_history(
        fault("invoke", at=1.0, link="r"),
        fault("invoke", at=1.0, link="*"),
        fault("invoke", at=1.0, name="slot_lost"),
        an_op("r", "close", at=2.0, by="server"),
    )

    concerned = {window.label: [window.concerns(reader) for reader in ("r", "s")] for window in windows(history)}

    assert concerned == {
        "black hole r": [True, False],
        "black hole all readers": [True, True],
        "slot lost": [True, True],
        "offline": [True, False],
    }
