from itertools import count

from harness.history import Op, Recorder


def test_ops_get_their_index_and_their_time() -> None:
    ticks = count(1)
    recorder = Recorder(lambda: float(next(ticks)))

    recorder.record("app", "emit", {"intent": 1})
    recorder.record("app", "insert", type="fail", error="full")

    assert [(op.index, op.time, op.f, op.type, dict(op.value), op.error) for op in recorder.ops()] == [
        (0, 1.0, "emit", "ok", {"intent": 1}, None),
        (1, 2.0, "insert", "fail", {}, "full"),
    ]


def test_a_sink_that_comes_later_gets_what_it_missed() -> None:
    heard: list[Op] = []
    recorder = Recorder(lambda: 0.0)
    first = recorder.record("app", "emit")

    recorder.attach(heard.append)
    second = recorder.record("app", "emit")

    assert heard == [first, second]


def test_what_is_not_kept_is_still_told_and_numbered() -> None:
    heard: list[Op] = []
    recorder = Recorder(lambda: 0.0, sinks=(heard.append,), keep=False)

    recorder.record("app", "emit")
    recorder.record("app", "emit")

    assert [op.index for op in heard] == [0, 1]
    assert recorder.ops() == ()


def test_who_wants_complaints_gets_only_ops_with_an_error() -> None:
    complaints: list[Op] = []
    recorder = Recorder(lambda: 0.0, complaints=(complaints.append,), keep=False)

    recorder.record("app", "emit")
    failed = recorder.record("app", "insert", type="info", error="no answer")

    assert complaints == [failed]
    assert failed.index == 1


def test_a_recorder_listens_if_it_keeps_ops_or_has_a_sink() -> None:
    deaf = Recorder(lambda: 0.0, complaints=(print,), keep=False)
    before = deaf.listens

    deaf.attach(print)

    assert not before
    assert deaf.listens
    assert Recorder(lambda: 0.0).listens
    assert Recorder(lambda: 0.0, sinks=(print,), keep=False).listens
