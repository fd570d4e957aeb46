"""Each worker tells of the commits of its own processes."""

from harness.history import Op, Recorder
from load.offering.own_commits import OwnCommits


def test_commits_of_others_are_left_out_and_the_rest_is_numbered_without_gaps() -> None:
    told: list[Op] = []
    own: set[str] = set()
    recorder = Recorder(lambda: 0.0, sinks=(OwnCommits(told.append, own),))

    own.add("mine")
    for f, process_id in (("commit", "mine"), ("commit", "theirs"), ("emit", "theirs"), ("commit", "mine")):
        recorder.record("somebody", f, {"process_id": process_id})
    recorder.record("witness", "commit", {})

    assert [(op.index, op.f, op.value.process_id) for op in told] == [
        (0, "commit", "mine"),
        (1, "emit", "theirs"),
        (2, "commit", "mine"),
    ]


def test_a_failure_of_the_witness_is_not_left_out() -> None:
    told: list[Op] = []
    recorder = Recorder(lambda: 0.0, sinks=(OwnCommits(told.append, set()),))

    recorder.record("witness", "commit", type="info", error="the slot is gone")

    assert [(op.f, op.type, op.error) for op in told] == [("commit", "info", "the slot is gone")]
