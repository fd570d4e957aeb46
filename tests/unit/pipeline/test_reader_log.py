"""The pen of a reader: whose op it is, and what it is about."""

from harness.clients.client import SystemNotice
from harness.history import Recorder
from harness.pipeline.reader_log import ReaderLog


def lines(recorder: Recorder) -> list[tuple[str, str, str, dict[str, object], str | None]]:
    return [(op.actor, op.f, op.type, dict(op.value), op.error) for op in recorder.ops()]


def test_an_op_about_the_process_names_it() -> None:
    recorder = Recorder(lambda: 0.0)

    ReaderLog(recorder, name="reader", process_id="p").tell("gap", {"after": 1, "before": 3})

    assert lines(recorder) == [("reader", "gap", "ok", {"process_id": "p", "after": 1, "before": 3}, None)]


def test_a_system_message_that_is_not_ok_has_failed() -> None:
    recorder = Recorder(lambda: 0.0)
    log = ReaderLog(recorder, name="reader", process_id="p")

    log.system(SystemNotice(topic="t", extension="system", status="ok", message="bye"))
    log.system(SystemNotice(topic="t", extension="system", status="error", message="expired"))

    value = {"topic": "t", "extension": "system"}
    assert lines(recorder) == [
        ("reader", "system", "ok", {**value, "status": "ok", "message": "bye"}, None),
        ("reader", "system", "fail", {**value, "status": "error", "message": "expired"}, "expired"),
    ]


def test_the_end_of_a_channel_is_told_as_expected_or_not() -> None:
    recorder = Recorder(lambda: 0.0)
    log = ReaderLog(recorder, name="reader", process_id="p")

    log.channel("t", event="phx_close", expected=True)
    log.channel("t", event="phx_error", reason="channel_crash")

    value = {"topic": "t", "extension": "phoenix"}
    assert lines(recorder) == [
        ("reader", "system", "ok", {**value, "status": "ok", "message": "phx_close"}, None),
        (
            "reader",
            "system",
            "fail",
            {**value, "status": "error", "message": "phx_error: channel_crash"},
            "phx_error: channel_crash",
        ),
    ]
