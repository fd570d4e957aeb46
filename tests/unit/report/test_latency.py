import pytest

from harness.history.op import Op, Value
from harness.history.percentile import percentile
from harness.report.latency import latencies
from tests.histories.clean import clean_run
from tests.histories.literal import a_history, an_op, applied, emitted, row


@pytest.mark.parametrize(("share", "value"), [(0.5, 2), (0.95, 4), (0.99, 4), (0.25, 1), (0.0, 1), (1.0, 4)])
def test_a_percentile_is_a_value_that_was_measured(share: float, value: float) -> None:
    assert percentile([1, 2, 3, 4], share) == value


def commit(sequence: int, *, at: float, read_at: float) -> Op:
    return Op(index=-1, time=read_at, actor="witness", f="commit", type="ok", value=Value({**row(sequence), "at": at}))


def test_times_are_between_observed_hops_and_from_the_commit_itself() -> None:
    history = a_history(
        emitted(1, at=1.0),
        commit(1, at=1.25, read_at=1.3),
        an_op("r", "receive", at=1.5, **row(1)),
        applied("r", sequence=1, at=2.25),
    )

    assert {stretch.name: stretch.worst for stretch in latencies(history)} == {
        "emit → commit": 0.25,
        "commit → receive": 0.25,
        "receive → apply": 0.75,
        "commit → apply, live": 1.0,
    }


def test_what_was_fetched_counts_apart() -> None:
    history = a_history(
        emitted(1, at=1.0), commit(1, at=1.0, read_at=1.0), applied("r", sequence=1, via="fetch", at=9.0)
    )

    assert {stretch.name: stretch.worst for stretch in latencies(history)} == {
        "emit → commit": 0.0,
        "commit → apply, fetched": 8.0,
    }


def test_hops_before_the_fan_out_count_once_and_after_it_by_reader() -> None:
    counts = {stretch.name: stretch.count for stretch in latencies(clean_run())}

    assert counts == {
        "emit → insert": 47,
        "insert → commit": 47,
        "commit → decode": 47,
        "decode → dispatch": 86,
        "dispatch → send": 86,
        "send → receive": 86,
        "receive → apply": 86,
        "commit → apply, live": 86,
        "commit → apply, fetched": 8,
    }


def test_the_bars_hold_every_time() -> None:
    for stretch in latencies(clean_run()):
        assert sum(stretch.bars) == stretch.count
        assert len(stretch.edges) == len(stretch.bars) + 1


@pytest.mark.parametrize(("seconds", "bar"), [(0.0, 0), (0.0001, 0), (0.001, 4), (0.1, 12), (1e6, 23), (-1.0, 0)])
def test_a_time_is_in_the_bar_of_its_size(seconds: float, bar: int) -> None:
    history = a_history(commit(1, at=10.0, read_at=10.0), applied("r", sequence=1, at=10.0 + seconds))

    (stretch,) = [one for one in latencies(history) if one.name == "commit → apply, live"]

    assert stretch.bars[bar] == 1


def test_an_empty_history_has_no_latencies() -> None:
    assert latencies(a_history()) == []
